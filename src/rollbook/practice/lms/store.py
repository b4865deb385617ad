"""The SQLite file of the practice LMS: schema and a few query helpers; knows no rules."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

Row = sqlite3.Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schools (
  id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, title TEXT NOT NULL,
  building_code TEXT NOT NULL DEFAULT '', fields TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS roles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, faculty INTEGER NOT NULL,
  role_type INTEGER NOT NULL DEFAULT 1, admin INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, school_uid TEXT UNIQUE, username TEXT, username_key TEXT UNIQUE,
  email TEXT, email_key TEXT UNIQUE, name_first TEXT NOT NULL, name_last TEXT NOT NULL,
  role_id INTEGER NOT NULL, building_id INTEGER NOT NULL, synced INTEGER NOT NULL DEFAULT 0,
  fields TEXT NOT NULL DEFAULT '{}', password TEXT NOT NULL DEFAULT '',
  password_times INTEGER NOT NULL DEFAULT 0,
  inactive_at INTEGER, inactive_by INTEGER, inactive_comment TEXT, history_lost INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS users_active ON users (id) WHERE inactive_at IS NULL;
CREATE TABLE IF NOT EXISTS user_buildings (
  user_id INTEGER NOT NULL, building_id INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (user_id, building_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (
  child INTEGER NOT NULL, adult INTEGER NOT NULL, kind TEXT NOT NULL,
  PRIMARY KEY (child, adult, kind)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_adult ON links (adult);
CREATE TABLE IF NOT EXISTS periods (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL UNIQUE, start TEXT NOT NULL, "end" TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS courses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, course_code TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  building_id INTEGER NOT NULL, synced INTEGER NOT NULL DEFAULT 0, fields TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS sections (
  id INTEGER PRIMARY KEY AUTOINCREMENT, course_id INTEGER NOT NULL, title TEXT NOT NULL,
  section_school_code TEXT UNIQUE, section_code TEXT NOT NULL DEFAULT '',
  synced INTEGER NOT NULL DEFAULT 0, last_day TEXT NOT NULL, fields TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS sections_course ON sections (course_id);
CREATE TABLE IF NOT EXISTS section_periods (
  section_id INTEGER NOT NULL, period_id INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (section_id, period_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS section_periods_period ON section_periods (period_id);
CREATE TABLE IF NOT EXISTS enrollments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, section_id INTEGER NOT NULL, user_id INTEGER NOT NULL,
  admin INTEGER NOT NULL, status INTEGER NOT NULL, kept INTEGER, UNIQUE (section_id, user_id));
CREATE INDEX IF NOT EXISTS enrollments_user ON enrollments (user_id);
CREATE TABLE IF NOT EXISTS categories (
  id INTEGER PRIMARY KEY AUTOINCREMENT, section_id INTEGER NOT NULL, title TEXT NOT NULL,
  fields TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS assignments (
  id INTEGER PRIMARY KEY AUTOINCREMENT, section_id INTEGER NOT NULL, title TEXT NOT NULL, due TEXT NOT NULL,
  period_id INTEGER NOT NULL, category_id INTEGER NOT NULL, fields TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS assignments_section ON assignments (section_id);
CREATE TABLE IF NOT EXISTS grades (
  enrollment_id INTEGER NOT NULL, assignment_id INTEGER NOT NULL, grade REAL, exception INTEGER NOT NULL,
  comment TEXT NOT NULL, comment_status INTEGER, timestamp INTEGER NOT NULL,
  PRIMARY KEY (enrollment_id, assignment_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grades_assignment ON grades (assignment_id);
CREATE TABLE IF NOT EXISTS final_comments (
  enrollment_id INTEGER NOT NULL, period TEXT NOT NULL, comment TEXT NOT NULL, comment_status INTEGER,
  PRIMARY KEY (enrollment_id, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS apps (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, url TEXT NOT NULL, login_url TEXT NOT NULL,
  audience TEXT NOT NULL, signed TEXT NOT NULL DEFAULT 'response', flaw TEXT NOT NULL DEFAULT '',
  kept TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS request_tokens (
  token TEXT PRIMARY KEY, secret TEXT NOT NULL, consumer TEXT NOT NULL, state TEXT NOT NULL, user_id INTEGER,
  made_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS access_tokens (
  token TEXT PRIMARY KEY, secret TEXT NOT NULL, consumer TEXT NOT NULL, user_id INTEGER NOT NULL,
  made_at INTEGER NOT NULL, revoked_at INTEGER);
CREATE TABLE IF NOT EXISTS app_key (pem TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mails (kind TEXT NOT NULL, user_id INTEGER NOT NULL);
"""
# Ids of different kinds start far apart, so that a mixed-up id is noticed.
_FIRST_IDS = {
    "schools": 700_000, "roles": 2_450, "users": 4_000_000, "periods": 13_000, "courses": 21_000_000,
    "sections": 35_000_000, "enrollments": 510_000_000, "categories": 90_000, "assignments": 8_000_000,
    "apps": 3_000,
}  # fmt: skip


class Store:
    """One connection, used by one thread at a time."""

    def __init__(self, database: Path | None) -> None:
        """`database` None keeps everything in memory."""
        self._db = sqlite3.connect(
            database or ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)
        if "kept" not in {row["name"] for row in self.all("PRAGMA table_info(enrollments)")}:  # an older file
            self.run("ALTER TABLE enrollments ADD COLUMN kept INTEGER")
        self.fresh = self.one("SELECT 1 FROM schools") is None
        if self.fresh:
            self._db.executemany("INSERT INTO sqlite_sequence VALUES (?, ?)", list(_FIRST_IDS.items()))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing is. Transactions do not nest."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def part(self) -> Iterator[None]:
        """Within a transaction: what is inside is written as a whole, or not at all."""
        self._db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO part")
            raise
        finally:
            self._db.execute("RELEASE part")

    def run(self, sql: str, *values: Any) -> int:
        """Execute one statement; the id of the row it inserted, if it did."""
        return self._db.execute(sql, values).lastrowid or 0

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(sql, rows)

    def one(self, sql: str, *values: Any) -> Row | None:
        return cast(Row | None, self._db.execute(sql, values).fetchone())

    def all(self, sql: str, *values: Any) -> list[Row]:
        return self._db.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> int:
        """The first column of the first row as a number; 0 where there is none."""
        row = self.one(sql, *values)
        return int(row[0] or 0) if row is not None else 0

    def insert(self, table: str, **columns: Any) -> int:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        return self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        if columns:
            names = ", ".join(f'"{name}" = ?' for name in columns)
            self.run(f"UPDATE {table} SET {names} WHERE id = ?", *columns.values(), row_id)

    def close(self) -> None:
        self._db.close()


def marks(values: Sequence[Any]) -> str:
    """Placeholders for an SQL list of these values."""
    return ", ".join("?" * len(values))
