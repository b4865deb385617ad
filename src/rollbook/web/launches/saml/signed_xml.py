"""From posted bytes to the one assertion that the registered key has signed. Whatever is not plainly that is refused.

The library checks a signature; this module checks that the signature is about what is read (signature wrapping:
Somorovsky and others, "On Breaking SAML", 2012). Nothing is used of a document but what the library says was signed.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from cryptography import x509
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from rollbook.web.launches.saml import names
from rollbook.web.launches.saml.profile import Profile
from rollbook.web.launches.saml.refusal import NotAccepted, Why

#: A launch has some kilobytes; a hostile one must not cost more.
MOST_BYTES: Final = 64 << 10
MOST_POSTED: Final = MOST_BYTES * 3 // 2
_MOST_ELEMENTS: Final = 500
_MOST_DEPTH: Final = 24
_DECLARATION: Final = re.compile(rb"\A\s*<\?xml\s[^>]*?\?>")
_IDS: Final = frozenset({"id", "assertionid"})

Element = Any  # lxml brings no types


@dataclass(frozen=True)
class Signed:
    """`assertion` is what was signed; `response` the document around it, of which nothing may be believed: it can only
    give reason to refuse."""

    assertion: Element
    response: Element


def read_signed(posted: str, certificates: Sequence[x509.Certificate], profile: Profile) -> Signed:
    """`posted` is the form field `SAMLResponse`; one of the registered `certificates` has signed it. Raises NotAccepted
    (UNREADABLE, FORGED)."""
    root = _parsed(_decoded(posted))
    assertion = _only_assertion(root)
    signatures = _signatures(root, assertion)
    if not signatures:
        raise NotAccepted(Why.FORGED, "it is not signed")
    refusal = NotAccepted(Why.FORGED, "no key is registered")
    for certificate in certificates:
        try:
            found = [_verified(root, one, certificate, profile) for one in signatures]
        except NotAccepted as error:
            refusal = error
        else:
            return Signed(assertion=found[-1], response=root)
    raise refusal


def _decoded(posted: str) -> bytes:
    if len(posted) > MOST_POSTED:
        raise NotAccepted(Why.UNREADABLE, "it is too long")
    try:
        document = base64.b64decode("".join(posted.split()), validate=True)
        document.decode("utf-8")
    except (binascii.Error, ValueError):
        raise NotAccepted(Why.UNREADABLE, "it is no base64 of UTF-8") from None
    if len(document) > MOST_BYTES:
        raise NotAccepted(Why.UNREADABLE, "it is too long")
    return document


def _parsed(document: bytes) -> Element:
    """No document types, entities, comments, CDATA and processing instructions: launches have none, and each has been
    used to make two readers see two documents."""
    rest = _DECLARATION.sub(b"", document, count=1)
    if b"<!" in rest or b"<?" in rest:
        raise NotAccepted(Why.UNREADABLE, "it has a document type, a comment or the like")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, encoding="utf-8"
    )
    try:
        root = etree.fromstring(document, parser=parser)
    except (etree.LxmlError, ValueError):
        raise NotAccepted(Why.UNREADABLE, "it is no XML") from None
    for count, element in enumerate(root.iter()):
        if not isinstance(element.tag, str) or count > _MOST_ELEMENTS or _depth(element) > _MOST_DEPTH:
            raise NotAccepted(Why.UNREADABLE, "it is no plain XML")
    return root


def _depth(element: Element) -> int:
    return sum(1 for _ in element.iterancestors())


def _only_assertion(root: Element) -> Element:
    """The root is a response, and the only assertion of the whole document is its child. Every id is there once."""
    if root.tag != names.RESPONSE:
        raise NotAccepted(Why.UNREADABLE, "it is no SAML response")
    like = [one for one in root.iter() if _local(one.tag) in ("Assertion", "EncryptedAssertion", "Response")]
    if len(like) != 2 or like[1].tag != names.ASSERTION or like[1].getparent() is not root:
        raise NotAccepted(Why.FORGED, "there is not exactly one assertion")
    ids = [
        value for one in root.iter() for name, value in one.attrib.items() if _local(name).casefold() in _IDS
    ]  # fmt: skip
    if len(ids) != len(set(ids)) or not root.get("ID") or not like[1].get("ID"):
        raise NotAccepted(Why.FORGED, "ids are missing or doubled")
    return like[1]


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _signatures(root: Element, assertion: Element) -> list[Element]:
    """Signatures stand where SAML puts them (core 5.4): one at most in the response, one in the assertion."""
    found = [one for one in root.iter() if _local(one.tag) == "Signature"]
    for one in found:
        if one.tag != names.SIGNATURE or one.getparent() not in (root, assertion):
            raise NotAccepted(Why.FORGED, "a signature is in a strange place")
    if len({one.getparent() for one in found}) != len(found):
        raise NotAccepted(Why.FORGED, "there are two signatures in one place")
    return found


def _verified(root: Element, signature: Element, certificate: x509.Certificate, profile: Profile) -> Element:
    """The assertion as this signature covers it, made anew from the bytes that were hashed."""
    parent = signature.getparent()
    _about_its_parent(signature, parent)
    in_response = parent is root
    wanted = SignatureConfiguration(
        location="./" if in_response else f"./{names.ASSERTION}/",
        expect_references=1,
        signature_methods=profile.signatures,
        digest_algorithms=profile.digests,
        # The key is pinned: an administrator registered it. The dates of the vendor's certificate passed in 2022.
        verification_time=certificate.not_valid_before_utc + timedelta(seconds=1),
    )
    try:
        result: Any = XMLVerifier().verify(root, x509_cert=certificate, id_attribute="ID", expect_config=wanted)
    except Exception as error:  # whatever a forged document makes a library raise is a refusal
        raise NotAccepted(Why.FORGED, f"the signature does not fit ({type(error).__name__})") from None
    signed = result.signed_xml  # one reference, one result
    if signed is None or signed.tag != parent.tag or signed.get("ID") != parent.get("ID"):
        raise NotAccepted(Why.FORGED, "something else is signed")
    return _child(signed) if in_response else signed


def _child(response: Element) -> Element:
    found = response.findall(names.ASSERTION)
    if len(found) != 1:
        raise NotAccepted(Why.FORGED, "something else is signed")
    return found[0]


def _about_its_parent(signature: Element, parent: Element) -> None:
    """One reference, to the element in which the signature stands, and only the transforms that SAML has (core
    5.4.2-5.4.4). The library passes over transforms that it does not know."""
    infos = signature.findall(names.SIGNED_INFO)
    references = list(signature.iter(names.REFERENCE))
    if len(infos) != 1 or len(references) != 1 or references[0].getparent() is not infos[0]:
        raise NotAccepted(Why.FORGED, "it signs more or less than one thing")
    if references[0].get("URI") != f"#{parent.get('ID')}":
        raise NotAccepted(Why.FORGED, "the signature is about something else")
    if any(_local(one.tag) in ("Object", "Manifest") for one in signature.iter()):
        raise NotAccepted(Why.FORGED, "the signature contains something")
    if not set(_algorithms(signature)) <= names.CANONICALS | {names.ENVELOPED}:
        raise NotAccepted(Why.FORGED, "a transform is unknown")


def _algorithms(signature: Element) -> Iterator[str | None]:
    for tag in (names.TRANSFORM, names.CANONICAL):
        for one in signature.iter(tag):
            yield one.get("Algorithm")
