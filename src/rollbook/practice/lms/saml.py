"""Signs launches as the App Center does: a SAML 2.0 response, RSA-SHA1. Written as canonical text by hand, so that what
is signed is what is sent; knows no XML library. Facts: PHP SDK (see FACTS.md)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_SAML: Final = "urn:oasis:names:tc:SAML:2.0"
_DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_BITS: Final = 2048
#: What can be wrong with a launch, for tests.
FLAWS: Final = {
    "": "nothing",
    "expired": "it was signed an hour ago",
    "early": "it holds from in an hour on",
    "unsigned": "there is no signature",
    "other_key": "another key has signed it, whose certificate is in it",
    "changed": "the person was changed after it was signed",
    "other_app": "its audience is another app",
    "no_app": "it names neither audience nor recipient",
    "other_address": "recipient and destination are another address",
    "other_school": "`school_nid` is another one",
    "other_domain": "`domain` is another one",
    "other_issuer": "somebody else has issued it",
    "same_again": "it is the first one again, word by word",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A launch to be signed. `attributes` are those of the person; `signed` is response, assertion or both."""

    recipient: str
    audience: str
    attributes: Mapping[str, str]
    signed: str = "response"
    flaw: str = ""


class SigningKey:
    """A key pair with a certificate that it signed itself."""

    def __init__(self, pem: bytes | None = None) -> None:
        """Without `pem` (private key and certificate) a new one is made."""
        if pem is None:
            self.key, self.certificate = _new_key()
            return
        key = serialization.load_pem_private_key(pem, password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key, self.certificate = key, x509.load_pem_x509_certificate(pem)

    def pem(self) -> bytes:
        """Both, to be kept."""
        kind = serialization.PrivateFormat.PKCS8
        private = self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        return private + self.public_pem().encode()

    def public_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def inner(self) -> str:
        """The certificate as it stands within a signature."""
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()


def _new_key() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practice LMS")])
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    dated = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=3650))
    return key, dated.sign(key, hashes.SHA256())


def signed_response(wanted: Wanted, key: SigningKey, now: datetime) -> str:
    """The form field `SAMLResponse`."""
    moved = {"expired": timedelta(hours=-1), "early": timedelta(hours=1)}.get(wanted.flaw, timedelta())
    signer = SigningKey() if wanted.flaw == "other_key" else key
    begin = now + moved
    within = "" if wanted.flaw == "unsigned" else wanted.signed
    assertion_id, response_id = f"_{token_hex(20)}", f"_{token_hex(20)}"
    assertion = _assertion(wanted, assertion_id, begin)
    if within in ("assertion", "both"):
        assertion = assertion.replace("@signature@", _signature(signer, assertion_id, assertion))
    assertion = assertion.replace("@signature@", "")
    response = _response(wanted, response_id, begin, assertion)
    if within in ("response", "both"):
        response = response.replace("@outer@", _signature(signer, response_id, response))
    text = response.replace("@outer@", "")
    if wanted.flaw == "changed":
        text = text.replace(f">{wanted.attributes['uid']}</saml:AttributeValue>", ">1</saml:AttributeValue>")
    return base64.b64encode(text.encode()).decode()


def _response(wanted: Wanted, own: str, now: datetime, assertion: str) -> str:
    return (
        f'<samlp:Response xmlns:samlp="{_SAML}:protocol" Destination="{_inside(_address(wanted))}" ID="{own}" '
        f'IssueInstant="{_moment(now)}" Version="2.0">'
        f'<saml:Issuer xmlns:saml="{_SAML}:assertion">{_issuer(wanted)}</saml:Issuer>@outer@'
        f'<samlp:Status><samlp:StatusCode Value="{_SAML}:status:Success"></samlp:StatusCode></samlp:Status>'
        f"{assertion}</samlp:Response>"
    )


def _assertion(wanted: Wanted, own: str, now: datetime) -> str:
    begin, end = _moment(now - timedelta(seconds=30)), _moment(now + timedelta(minutes=5))
    unnamed = wanted.flaw == "no_app"
    recipient = "" if unnamed else f' Recipient="{_inside(_address(wanted))}"'
    uid = _text(wanted.attributes["uid"])
    return (
        f'<saml:Assertion xmlns:saml="{_SAML}:assertion" ID="{own}" IssueInstant="{_moment(now)}" Version="2.0">'
        f"<saml:Issuer>{_issuer(wanted)}</saml:Issuer>@signature@<saml:Subject><saml:NameID>{uid}</saml:NameID>"
        f'<saml:SubjectConfirmation Method="{_SAML}:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{end}"'
        f"{recipient}></saml:SubjectConfirmationData></saml:SubjectConfirmation>"
        f'</saml:Subject><saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}">'
        f"{'' if unnamed else _audience(wanted)}</saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{_moment(now)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
        f"{_SAML}:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        f"<saml:AttributeStatement>{_attributes(wanted)}</saml:AttributeStatement></saml:Assertion>"
    )


def _attributes(wanted: Wanted) -> str:
    flawed = {"other_school": ("school_nid", "1"), "other_domain": ("domain", "elsewhere.example")}
    changed = dict([flawed[wanted.flaw]]) if wanted.flaw in flawed else {}
    return "".join(
        f'<saml:Attribute Name="{_inside(name)}"><saml:AttributeValue>{_text(value)}</saml:AttributeValue>'
        "</saml:Attribute>"
        for name, value in {**wanted.attributes, **changed}.items()
    )


def _audience(wanted: Wanted) -> str:
    audience = "another-app" if wanted.flaw == "other_app" else wanted.audience
    return f"<saml:AudienceRestriction><saml:Audience>{_text(audience)}</saml:Audience></saml:AudienceRestriction>"


def _issuer(wanted: Wanted) -> str:
    return "somebody-else" if wanted.flaw == "other_issuer" else "schoology"


def _address(wanted: Wanted) -> str:
    return "https://elsewhere.example/launch" if wanted.flaw == "other_address" else wanted.recipient


def _signature(signer: SigningKey, own: str, text: str) -> str:
    """Over an element's text with every mark of a place for a signature left out (transform "enveloped")."""
    bare = text.replace("@signature@", "").replace("@outer@", "")
    digest = base64.b64encode(hashlib.sha1(bare.encode(), usedforsecurity=False).digest()).decode()
    inner = (
        f'<ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{_DSIG}rsa-sha1"></ds:SignatureMethod><ds:Reference URI="#{own}">'
        f'<ds:Transforms><ds:Transform Algorithm="{_DSIG}enveloped-signature"></ds:Transform>'
        f'<ds:Transform Algorithm="{_EXCLUSIVE}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{_DSIG}sha1"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue>'
        "</ds:Reference></ds:SignedInfo>"
    )
    alone = f'<ds:SignedInfo xmlns:ds="{_DSIG}">{inner}'
    value = base64.b64encode(signer.key.sign(alone.encode(), padding.PKCS1v15(), hashes.SHA1())).decode()
    return (
        f'<ds:Signature xmlns:ds="{_DSIG}"><ds:SignedInfo>{inner}<ds:SignatureValue>{value}</ds:SignatureValue>'
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{signer.inner()}</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo></ds:Signature>"
    )


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _inside(value: str) -> str:
    """Within an attribute, as canonical XML has it."""
    found = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return found.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
