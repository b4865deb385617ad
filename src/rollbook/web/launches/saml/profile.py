"""What a vendor's signed launches look like: data, so that one vendor's old algorithms never hold for another's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from signxml.algorithms import DigestAlgorithm, SignatureMethod


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`issuer` is what the assertion must name. `leeway` is what two clocks may differ by; `longest` how old an
    assertion may be, whatever it says of itself."""

    issuer: str
    signatures: frozenset[SignatureMethod] = frozenset(
        {SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512}
    )
    digests: frozenset[DigestAlgorithm] = frozenset(
        {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
    )
    leeway: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=15)


#: The vendor's SDK: issuer `schoology`, RSA-SHA1. Of SHA-1, collisions can be found, which help only whoever chooses
#: what is signed; a second text for a signature that is there, nobody can find. Better ones are taken as well.
SCHOOLOGY: Final = Profile(
    issuer="schoology",
    signatures=Profile.signatures | {SignatureMethod.RSA_SHA1},
    digests=Profile.digests | {DigestAlgorithm.SHA1},
)
