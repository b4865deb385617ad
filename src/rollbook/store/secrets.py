"""Secrets at rest: a key ring file (mode 0600), newest key first. Never prints a key or a secret."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import models, transaction

from rollbook.errors import ConfigError
from rollbook.store.models import PasswordRow, Secret


class KeyRing:
    """Encrypts with the newest key, decrypts with any; notices when another process changed the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._fernet: MultiFernet | None = None

    def encrypt(self, text: str) -> str:
        return self._open().encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Raises ConfigError when no key of the ring fits."""
        try:
            return self._open().decrypt(token.encode("ascii")).decode()
        except InvalidToken:
            raise ConfigError(
                f"no key in {self._path} opens this secret; bring back the keys file of this data folder"
            ) from None

    def rotate(self) -> int:
        """Make a new key, encrypt everything anew with it and forget the older keys; the number of rows.

        Safe to repeat after a crash: the older keys leave the file only after the rows are committed.
        """
        older = self._keys()
        newest = Fernet.generate_key().decode("ascii")
        self._write([newest, *older])
        with transaction.atomic():
            count = sum(self._renew(model) for model in (Secret, PasswordRow))
        self._write([newest])
        return count

    def _renew(self, model: type[models.Model]) -> int:
        count = 0
        for row in model._default_manager.only("pk", "ciphertext").iterator(chunk_size=2000):
            token = self._open().rotate(row.ciphertext.encode("ascii")).decode("ascii")  # type: ignore[attr-defined] # both have it
            model._default_manager.filter(pk=row.pk).update(ciphertext=token)
            count += 1
        return count

    def _open(self) -> MultiFernet:
        if self._fernet is None or self._stamp != self._now():
            keys = self._keys()
            self._stamp = self._now()
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        return self._fernet

    def _keys(self) -> list[str]:
        if not self._path.exists():
            if Secret.objects.exists() or PasswordRow.objects.exists():
                raise ConfigError(
                    f"there is no keys file {self._path}, and the database holds secrets that only its keys open; "
                    "copy the file there from where they were saved, or name it in ROLLBOOK_KEYS_FILE"
                )
            self._create()
        keys = self._path.read_text("ascii").split()
        if not keys:
            raise ConfigError(f"the keys file {self._path} is empty")
        return keys

    def _create(self) -> None:
        beside = self._fill([Fernet.generate_key().decode("ascii")])
        try:
            os.link(beside, self._path)  # unlike a rename it never replaces the file of a process that was faster
        except FileExistsError:
            pass
        finally:
            beside.unlink()

    def _write(self, keys: list[str]) -> None:
        self._fill(keys).replace(self._path)

    def _fill(self, keys: list[str]) -> Path:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return beside

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino


def secrets_of(organization: int, ring: KeyRing) -> dict[str, str]:
    """Every secret of an organization by place, e.g. {"sis.secret": …}. For the engine only; never shown."""
    rows = Secret.objects.filter(organization=organization)
    return {row.place: ring.decrypt(row.ciphertext) for row in rows}
