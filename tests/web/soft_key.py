"""A security key made of software, for tests: registers and signs as WebAuthn says, with attestation `none`."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestedCredentialData


@dataclass
class SoftKey:
    """One credential; `user` is the handle that a passkey keeps."""

    origin: str
    rp: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    name: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    user: str = ""
    count: int = 0

    def register(self, options: dict[str, Any]) -> str:
        """What the browser would put into the form for `creation_options`."""
        self.user = options["publicKey"]["user"]["id"]
        public = ES256.from_cryptography_key(self.private.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.name, public)
        data = self._authenticator(0x45) + credential
        answer = {
            "clientDataJSON": self._client("webauthn.create", options),
            "attestationObject": websafe_encode(cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._credential(answer, clientExtensionResults={"credProps": {"rk": True}})

    def sign(self, options: dict[str, Any]) -> str:
        """What the browser would put into the form for `request_options`."""
        client = self._client("webauthn.get", options)
        data = self._authenticator(0x05)
        signed = data + hashlib.sha256(_plain(client)).digest()
        answer = {
            "clientDataJSON": client,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self.private.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": self.user,
        }
        return self._credential(answer, clientExtensionResults={})

    def _authenticator(self, flags: int) -> bytes:
        self.count += 1
        return hashlib.sha256(self.rp.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict[str, Any]) -> str:
        found = {"type": kind, "challenge": options["publicKey"]["challenge"], "origin": self.origin}
        return websafe_encode(json.dumps(found).encode())

    def _credential(self, response: dict[str, str], **more: Any) -> str:
        name = websafe_encode(self.name)
        return json.dumps({"type": "public-key", "id": name, "rawId": name, "response": response, **more})


def _plain(text: str) -> bytes:
    from fido2.utils import websafe_decode

    return websafe_decode(text)
