"""Taking turns where several processes share a database. SQLite has one writer at a time, so there it costs nothing.

Order, for whoever takes several: organization, then run; so nobody waits in a circle.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from rollbook.errors import Unavailable
from rollbook.store.models import Organization

#: Numbers of PostgreSQL's advisory locks; any will do, as long as no other program of the database uses them.
_MIGRATIONS: Final = 0x526F6C6C_0001
_KEYS: Final = 0x526F6C6C_0002
#: Of two numbers, the second being the organization.
_SECTIONS: Final = 0x526F6C6C
_PATIENCE_S: Final = 600.0
_LOOK_EVERY_S: Final = 0.2


def lock_organization(organization: int, *, wait: bool = True) -> bool:
    """Until the transaction ends, nobody else queues, claims, approves or saves settings for this organization.

    What is read after it is what others committed before. False when somebody else has it and `wait` is off.
    """
    found = Organization.objects.select_for_update(no_key=True, skip_locked=not wait).filter(pk=organization)
    return bool(found.values_list("pk", flat=True))


@contextmanager
def making_tables() -> Iterator[None]:
    """Only one process changes tables at a time. Raises Unavailable when another one takes more than ten minutes."""
    if not is_shared():
        yield
        return
    until = time.monotonic() + _PATIENCE_S
    while not _ask("SELECT pg_try_advisory_lock(%s)", _MIGRATIONS):
        if time.monotonic() > until:
            raise Unavailable("another process has been changing the tables for ten minutes")
        time.sleep(_LOOK_EVERY_S)
    try:
        yield
    finally:
        _ask("SELECT pg_advisory_unlock(%s)", _MIGRATIONS)


def hold_keys() -> None:
    """Until the transaction ends, no key is forgotten: what is encrypted or read now fits the ring."""
    if is_shared():
        _ask("SELECT pg_advisory_xact_lock_shared(%s)", _KEYS)


def renew_keys() -> None:
    """Until the transaction ends, nobody else encrypts or reads a secret."""
    if is_shared():
        _ask("SELECT pg_advisory_xact_lock(%s)", _KEYS)


def count_sections(organization: int) -> None:
    """Until the transaction ends, nobody else counts the organization's list of sections. For a transaction that takes
    no other lock after it."""
    if is_shared():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SECTIONS, organization])


def is_shared() -> bool:
    """May several machines work this database? SQLite belongs to one data folder."""
    return connection.vendor == "postgresql"


def _ask(query: str, number: int) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query, [number])
        row = cursor.fetchone()
    return row[0] if row else None
