"""Keys and signatures of a practice LMS as an LTI platform, written from RFC 7515 and RFC 7517 with `cryptography`
alone: what a tool verifies with its library was not made by that library."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]


def url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class Key:
    """An RSA key pair with its name."""

    def __init__(self, kid: str = "") -> None:
        self.kid = kid or secrets.token_urlsafe(9)
        self._key: RSAPrivateKey = generate_private_key(public_exponent=65537, key_size=2048)

    def public(self) -> Json:
        """As a JWK."""
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid,
            "n": url64(numbers.n.to_bytes(256, "big")), "e": url64(numbers.e.to_bytes(3, "big")),
        }  # fmt: skip

    def pem(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def token(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS, RS256."""
        head = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        return joined(head, claims, lambda signed: self._key.sign(signed, PKCS1v15(), SHA256()))


def unsigned(claims: Mapping[str, Any], kid: str) -> str:
    """A token that says of itself that nobody signed it."""
    return joined({"alg": "none", "typ": "JWT", "kid": kid}, claims, lambda signed: b"")


def confused(claims: Mapping[str, Any], key: Key) -> str:
    """Signed with HMAC, the public key as the secret: a verifier that believes the header takes it."""
    head = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    return joined(head, claims, lambda signed: hmac.new(key.pem(), signed, sha256).digest())


def joined(head: Mapping[str, Any], claims: Mapping[str, Any], sign: Any) -> str:
    signed = f"{url64(msgspec.json.encode(dict(head)))}.{url64(msgspec.json.encode(dict(claims)))}"
    return f"{signed}.{url64(sign(signed.encode('ascii')))}"
