"""Rows of BlobPiece in and out. On PostgreSQL in binary form: as text, a piece would take twice the room and time."""

from __future__ import annotations

from typing import Any

from django.db import connection

from rollbook.store.models import BlobPiece

_TABLE = BlobPiece._meta.db_table


def write_piece(key: str, number: int, data: bytes) -> None:
    """Within the caller's transaction."""
    if connection.vendor != "postgresql":
        BlobPiece.objects.create(key=key, number=number, data=data)
        return
    with connection.wrap_database_errors, _cursor() as cursor:
        cursor.execute(f"INSERT INTO {_TABLE} (key, number, data) VALUES (%s, %s, %b)", (key, number, data))


def read_piece(key: str, number: int) -> bytes | None:
    """None when there is no such piece."""
    if connection.vendor != "postgresql":
        found = BlobPiece.objects.filter(key=key, number=number).values_list("data", flat=True).first()
        return None if found is None else bytes(found)
    with connection.wrap_database_errors, _cursor() as cursor:
        cursor.execute(f"SELECT data FROM {_TABLE} WHERE key = %s AND number = %s", (key, number), binary=True)
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])


def _cursor() -> Any:
    import psycopg

    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)
