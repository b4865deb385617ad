"""Signed launches made by hand, and the ways to forge them; a key of the tests' own for each role."""

from __future__ import annotations

import base64
import copy
import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from rollbook.web.launches.saml import names
from rollbook.web.launches.saml.assertion import Expected, Launch, check_school, read_launch
from rollbook.web.launches.saml.profile import SCHOOLOGY, Profile
from rollbook.web.launches.saml.signed_xml import read_signed

NOW = dt.datetime(2026, 11, 26, 12, 0, 0, tzinfo=dt.UTC)
ADDRESS = "https://rollbook.example/launch/schoology/k/"
EXPECTED = Expected(
    address=ADDRESS,
    audiences=frozenset({ADDRESS, "app-key"}),
    schools=frozenset({"4711"}),
    domains=frozenset({"maple.schoology.com"}),
)
ATTRIBUTES = {
    "uid": "501",
    "name_display": "Tina Teacher",
    "school_nid": "4711",
    "school_title": "Maple Valley",
    "role_id": "2",
    "is_admin": "0",
    "timezone_name": "America/New_York",
    "domain": "maple.schoology.com",
}
EVIL = "666"
Tree = Any


@cache
def key_pair(name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key and its certificate, whose dates have long passed, as those of the vendor's have."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024 if name == "short" else 2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2012, 4, 24, tzinfo=dt.UTC)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=3652))
    return key, made.sign(key, hashes.SHA256())


def pem(name: str) -> str:
    """The certificate of a key, as somebody pastes it."""
    return key_pair(name)[1].public_bytes(serialization.Encoding.PEM).decode()


def moment(seconds: float = 0) -> str:
    return (NOW + dt.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


TEMPLATE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="{now}" Destination="{address}"
><saml:Issuer>schoology</saml:Issuer><samlp:Status><samlp:StatusCode
 Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion ID="_a1" Version="2.0"
 IssueInstant="{now}"><saml:Issuer>schoology</saml:Issuer><saml:Subject><saml:NameID>501</saml:NameID
><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{end}" Recipient="{address}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions
 NotBefore="{begin}" NotOnOrAfter="{end}"><saml:AudienceRestriction><saml:Audience>app-key</saml:Audience
></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}"/><saml:AttributeStatement
/></saml:Assertion></samlp:Response>"""


def response(**attributes: str) -> Tree:
    """A launch that is not signed yet."""
    text = TEMPLATE.format(now=moment(-30), begin=moment(-30), end=moment(300), address=ADDRESS)
    root = etree.fromstring(text)
    [statement] = root.iter(names.STATEMENT)
    for name, value in (ATTRIBUTES | attributes).items():
        one = etree.SubElement(statement, names.ATTRIBUTE, Name=name)
        etree.SubElement(one, names.VALUE).text = value
    return root


class _Signer(XMLSigner):
    """As the vendor signs; the library does not sign with SHA-1 unless it is overruled."""

    def check_deprecated_methods(self) -> None:
        pass


def sign(
    root: Tree,
    what: str = "response",
    *,
    who: str = "vendor",
    method: SignatureMethod = SignatureMethod.RSA_SHA1,
    digest: DigestAlgorithm = DigestAlgorithm.SHA1,
) -> Tree:
    """The document with a signature in the `response`, the `assertion` or `both`."""
    for place in ("assertion", "response") if what == "both" else (what,):
        element = root if place == "response" else root.find(names.ASSERTION)
        holder = etree.SubElement(element, names.SIGNATURE, nsmap={"ds": names.SIGNATURE[1:].split("}")[0]})
        holder.set("Id", "placeholder")
        element.remove(holder)
        issuer = element.find(names.ISSUER)
        element.insert(0 if issuer is None else 1, holder)
        key, certificate = key_pair(who)
        signer = _Signer(signature_algorithm=method, digest_algorithm=digest, c14n_algorithm=names_exclusive())
        done = signer.sign(
            element, key=key, cert=[certificate], reference_uri=f"#{element.get('ID')}", id_attribute="ID"
        )
        if place == "response":
            return done
        root.replace(element, done)
    return root


def names_exclusive() -> Any:
    from signxml.algorithms import CanonicalizationMethod

    return CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0


def posted(root: Tree) -> str:
    return base64.b64encode(etree.tostring(root)).decode()


def launch(
    what: Tree | str, *, now: dt.datetime = NOW, expected: Expected = EXPECTED, profile: Profile = SCHOOLOGY
) -> Launch:
    """What a launch says once everything is checked; raises NotAccepted."""
    text = what if isinstance(what, str) else posted(what)
    signed = read_signed(text, [key_pair("next")[1], key_pair("vendor")[1]], profile)
    found = read_launch(signed, expected, profile, now)
    check_school(found, expected)
    return found


# --- signature wrapping, by the names of the eight variants of SAML Raider --------------------------------------------


def _evil(element: Tree, *, id: str) -> Tree:
    """A copy that says it is somebody else, without the signature."""
    copied = copy.deepcopy(element)
    copied.set("ID", id)
    for one in list(copied.iter(names.SIGNATURE)):
        one.getparent().remove(one)
    return _says_evil(copied)


def _says_evil(element: Tree) -> Tree:
    for one in element.iter(names.ATTRIBUTE):
        if one.get("Name") == "uid":
            one[0].text = EVIL
    return element


def _bare(element: Tree) -> Tree:
    copied = copy.deepcopy(element)
    for one in list(copied.iter(names.SIGNATURE)):
        one.getparent().remove(one)
    return copied


def xsw1() -> Tree:
    """Signed response: it moves into the signature, which stands in an evil response."""
    good = sign(response(), "response")
    evil, signature = _evil(good, id="_evil"), copy.deepcopy(good.find(names.SIGNATURE))
    signature.append(_bare(good))
    evil.insert(1, signature)
    return evil


def xsw2() -> Tree:
    """Signed response: it stands before the signature, both in an evil response."""
    good = sign(response(), "response")
    evil = _evil(good, id="_evil")
    evil.insert(1, _bare(good))
    evil.insert(2, copy.deepcopy(good.find(names.SIGNATURE)))
    return evil


def xsw3() -> Tree:
    """An evil assertion before the signed one."""
    root = sign(response(), "assertion")
    good = root.find(names.ASSERTION)
    good.addprevious(_evil(good, id="_evil"))
    return root


def xsw4() -> Tree:
    """The signed assertion inside an evil one."""
    root = sign(response(), "assertion")
    good = root.find(names.ASSERTION)
    evil = _evil(good, id="_evil")
    root.replace(good, evil)
    evil.append(good)
    return root


def xsw5() -> Tree:
    """The signature stays in the assertion that turned evil; the good one, without it, comes at the end."""
    root = sign(response(), "assertion")
    first = root.find(names.ASSERTION)
    root.append(_bare(first))
    _says_evil(first).set("ID", "_evil")
    return root


def xsw6() -> Tree:
    """As before, with the good assertion inside the signature."""
    root = sign(response(), "assertion")
    first = root.find(names.ASSERTION)
    good = _bare(first)
    _says_evil(first).set("ID", "_evil")
    first.find(names.SIGNATURE).append(good)
    return root


def xsw7() -> Tree:
    """An evil assertion, with the signed one's id, in extensions."""
    root = sign(response(), "assertion")
    good = root.find(names.ASSERTION)
    extensions = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    extensions.append(_evil(good, id="_a1"))
    good.addprevious(extensions)
    return root


def xsw8() -> Tree:
    """The good assertion in an object of the signature, whose assertion turned evil."""
    root = sign(response(), "assertion")
    first = root.find(names.ASSERTION)
    held = etree.SubElement(first.find(names.SIGNATURE), "{http://www.w3.org/2000/09/xmldsig#}Object")
    good = _bare(first)
    _says_evil(first).set("ID", "_evil")
    held.append(good)
    return root


WRAPPED: dict[str, Callable[[], Tree]] = {one.__name__: one for one in (xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8)}
