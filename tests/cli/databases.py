"""PostgreSQL databases of tests are kept and put back whole, as the files of SQLite are; see `again` and `once`."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.postgres import COPY

# What a command's answer depends on: all rows, in the order in which they lie there, and the next numbers.
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_NUMBERS = "SELECT string_agg(s::text, ' ' ORDER BY sequencename) FROM pg_sequences AS s"


def current() -> str:
    """The address of the database that commands work in; empty where that is SQLite."""
    return os.environ.get("DATABASE_URL", "")


def digest(url: str) -> bytes:
    """Of everything in it."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(_TABLES).fetchall()]
        each = sql.SQL("SELECT md5(string_agg(t::text, ' ' ORDER BY ctid)) FROM {} AS t")
        asked = sql.SQL(" UNION ALL ").join([*(each.format(sql.Identifier(name)) for name in names), sql.SQL(_NUMBERS)])
        return hashlib.blake2b(repr((names, connection.execute(asked).fetchall())).encode()).digest()


def keep(url: str) -> str:
    """The name of a copy, on the same server. Nobody may be connected."""
    name = f"kept_{secrets.token_hex(6)}"
    with _server(url) as server:
        _copy(server, _name(url), name)
    return name


def put_back(url: str, kept: str) -> None:
    """The database is as it was when it was kept."""
    with _server(url) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(url))))
        _copy(server, kept, _name(url))


def forget(url: str, kept: str) -> None:
    with _server(url) as server:
        server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(kept)))


def _copy(server: psycopg.Connection, there: str, here: str) -> None:
    server.execute(COPY.format(sql.Identifier(here), sql.Identifier(there)))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def _server(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        yield connection
