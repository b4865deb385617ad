"""Secrets at rest: a key ring file (mode 0600), newest key first. Never prints a key or a secret."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import models, transaction

from rollbook.errors import ConfigError
from rollbook.store.locks import hold_keys, renew_keys
from rollbook.store.models import (
    InstallationSecret,
    PasswordRow,
    PermissionRequest,
    Secret,
    TeacherPermission,
    ToolKey,
)

_BRING: Final = "bring back the keys file of this installation, or name it with ROLLBOOK_KEYS_FILE"
_AT_ONCE: Final = 1000
#: Everything with a `ciphertext`.
_ENCRYPTED: Final[tuple[type[models.Model], ...]] = (
    Secret,
    PasswordRow,
    InstallationSecret,
    ToolKey,
    TeacherPermission,
    PermissionRequest,
)


class KeyRing:
    """Encrypts with the newest key, decrypts with any; notices when another process changed the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._fernet: MultiFernet | None = None
        self._fits = False

    def encrypt(self, text: str) -> str:
        """Within a transaction: `rotate` waits until it ends. Raises ConfigError when this is the ring of another
        installation, so that two rings never mix."""
        hold_keys()
        fernet = self._open()
        self._check_fits()
        return fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Raises ConfigError when no key of the ring fits."""
        try:
            return self._open().decrypt(token.encode("ascii")).decode()
        except InvalidToken:
            raise ConfigError(f"no key in {self._path} opens the secrets of this database; {_BRING}") from None

    def rotate(self) -> int:
        """Make a new key, encrypt everything anew with it and forget the older keys; the number of rows.

        Safe to repeat after a crash: the older keys leave the file only after the rows are committed.
        """
        with transaction.atomic():
            renew_keys()
            self._open()
            self._check_fits()  # a ring of another installation is left as it is
            older = self._keys()
            newest = Fernet.generate_key().decode("ascii")
            self._write([newest, *older])
            count = sum(self._renew(model) for model in _ENCRYPTED)
        self._write([newest])
        return count

    def _renew(self, model: type[models.Model]) -> int:
        """In steps: there may be a million passwords."""
        count, last = 0, 0
        every = model._default_manager.order_by("pk")
        while rows := list(every.filter(pk__gt=last).only("pk", "ciphertext")[:_AT_ONCE]):
            for row in rows:
                row.ciphertext = self._again(row.ciphertext)  # type: ignore[attr-defined] # all of them have it
            every.bulk_update(rows, ["ciphertext"])
            count, last = count + len(rows), rows[-1].pk
        return count

    def _again(self, token: str) -> str:
        try:
            return self._open().rotate(token.encode("ascii")).decode("ascii")
        except InvalidToken:
            raise ConfigError(f"no key in {self._path} opens the secrets of this database; {_BRING}") from None

    def _open(self) -> MultiFernet:
        if self._fernet is None or self._stamp != self._now():
            keys = self._keys()
            self._stamp = self._now()
            self._fits = False
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        return self._fernet

    def _check_fits(self) -> None:
        if not self._fits:
            sample = _some_secret()
            if sample is not None:
                self.decrypt(sample)
            self._fits = True

    def _keys(self) -> list[str]:
        try:
            if not self._path.exists():
                if _some_secret() is not None:
                    raise ConfigError(
                        f"the keys file {self._path} is missing, but the database holds secrets; {_BRING}"
                    )
                self._create()
            keys = self._path.read_text("ascii").split()
        except OSError as error:
            raise ConfigError(f"the keys file {self._path} cannot be used: {error.strerror}") from None
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
        try:
            self._fill(keys).replace(self._path)
        except OSError as error:
            raise ConfigError(f"the keys file {self._path} cannot be written: {error.strerror}") from None

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
    with transaction.atomic():
        hold_keys()
        rows = Secret.objects.filter(organization=organization)
        return {row.place: ring.decrypt(row.ciphertext) for row in rows}


def _some_secret() -> str | None:
    """Anything encrypted that the database holds; None when there is nothing."""
    for model in _ENCRYPTED:
        found = model._default_manager.values_list("ciphertext", flat=True).first()
        if found is not None:
            return str(found)
    return None


def installation_secret(name: str, ring: KeyRing) -> str:
    """A random secret that all processes of this installation share, made when first asked for."""
    with transaction.atomic():
        hold_keys()
        row = InstallationSecret.objects.filter(name=name).first()
        if row is None:
            row, _ = InstallationSecret.objects.get_or_create(
                name=name, defaults={"ciphertext": ring.encrypt(secrets.token_urlsafe(48))}
            )
        return ring.decrypt(row.ciphertext)
