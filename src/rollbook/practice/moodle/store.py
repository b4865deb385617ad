"""The SQLite file of the practice Moodle; knows no rules."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from rollbook.practice.database import Database, Row, marks

__all__ = ["Row", "Store", "marks"]

# Texts that a real site compares in its database take the collation `site`.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username TEXT NOT NULL COLLATE site UNIQUE,
  idnumber TEXT NOT NULL DEFAULT '' COLLATE site, firstname TEXT NOT NULL, lastname TEXT NOT NULL,
  email TEXT NOT NULL, email_key TEXT NOT NULL, auth TEXT NOT NULL DEFAULT 'manual',
  suspended INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0, password TEXT NOT NULL DEFAULT '',
  password_times INTEGER NOT NULL DEFAULT 0, force_change INTEGER NOT NULL DEFAULT 0,
  siteadmin INTEGER NOT NULL DEFAULT 0, fields TEXT NOT NULL DEFAULT '{}',
  timecreated INTEGER NOT NULL, timemodified INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS users_idnumber ON users (idnumber);
CREATE INDEX IF NOT EXISTS users_email ON users (email_key);
CREATE TABLE IF NOT EXISTS categories (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, idnumber TEXT NOT NULL DEFAULT '' COLLATE site,
  description TEXT NOT NULL DEFAULT '', descriptionformat INTEGER NOT NULL DEFAULT 1, parent INTEGER NOT NULL,
  visible INTEGER NOT NULL DEFAULT 1, path TEXT NOT NULL DEFAULT '', depth INTEGER NOT NULL DEFAULT 1,
  timemodified INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS courses (
  id INTEGER PRIMARY KEY AUTOINCREMENT, category INTEGER NOT NULL, fullname TEXT NOT NULL,
  shortname TEXT NOT NULL COLLATE site, idnumber TEXT NOT NULL DEFAULT '' COLLATE site,
  startdate INTEGER NOT NULL DEFAULT 0, enddate INTEGER NOT NULL DEFAULT 0, visible INTEGER NOT NULL DEFAULT 1,
  format TEXT NOT NULL DEFAULT 'topics', manual INTEGER NOT NULL DEFAULT 1, fields TEXT NOT NULL DEFAULT '{}',
  timecreated INTEGER NOT NULL, timemodified INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS courses_idnumber ON courses (idnumber);
CREATE INDEX IF NOT EXISTS courses_shortname ON courses (shortname);
CREATE INDEX IF NOT EXISTS courses_category ON courses (category);
CREATE TABLE IF NOT EXISTS enrolments (
  course INTEGER NOT NULL, user INTEGER NOT NULL, method TEXT NOT NULL DEFAULT 'manual',
  status INTEGER NOT NULL DEFAULT 0, timestart INTEGER NOT NULL DEFAULT 0, timeend INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (course, user, method)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS enrolments_user ON enrolments (user);
CREATE TABLE IF NOT EXISTS role_assignments (
  course INTEGER NOT NULL, user INTEGER NOT NULL, role INTEGER NOT NULL,
  PRIMARY KEY (course, user, role)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS role_assignments_user ON role_assignments (user);
CREATE TABLE IF NOT EXISTS cohorts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, idnumber TEXT NOT NULL DEFAULT '' COLLATE site,
  category INTEGER NOT NULL DEFAULT 0, description TEXT NOT NULL DEFAULT '', visible INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS cohort_members (
  cohort INTEGER NOT NULL, user INTEGER NOT NULL, PRIMARY KEY (cohort, user)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grade_categories (
  id INTEGER PRIMARY KEY AUTOINCREMENT, course INTEGER NOT NULL, parent INTEGER, fullname TEXT NOT NULL,
  hidden INTEGER NOT NULL DEFAULT 0, weight REAL, droplow INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS grade_categories_course ON grade_categories (course);
CREATE TABLE IF NOT EXISTS grade_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, course INTEGER NOT NULL, category INTEGER, itemtype TEXT NOT NULL,
  itemmodule TEXT, iteminstance INTEGER, cmid INTEGER, itemname TEXT, idnumber TEXT NOT NULL DEFAULT '',
  grademin REAL NOT NULL DEFAULT 0, grademax REAL NOT NULL DEFAULT 100, hidden INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0, scale TEXT NOT NULL DEFAULT '', weight REAL, gradetype INTEGER NOT NULL DEFAULT 1,
  fields TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS grade_items_course ON grade_items (course);
CREATE TABLE IF NOT EXISTS grades (
  item INTEGER NOT NULL, user INTEGER NOT NULL, raw REAL, final REAL, excluded INTEGER NOT NULL DEFAULT 0,
  hidden INTEGER NOT NULL DEFAULT 0, overridden INTEGER NOT NULL DEFAULT 0, locked INTEGER NOT NULL DEFAULT 0,
  feedback TEXT NOT NULL DEFAULT '', submitted INTEGER, graded INTEGER, kept INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (item, user)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS grades_user ON grades (user);
CREATE TABLE IF NOT EXISTS mails (kind TEXT NOT NULL, user INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deletions (kind TEXT NOT NULL, id INTEGER NOT NULL);
"""
# Ids of different kinds start far apart, so that a mixed-up id is noticed (on a real site all begin at 1).
_FIRST_IDS = {
    "users": 40_000, "categories": 300, "courses": 2_000, "cohorts": 700, "grade_categories": 8_000,
    "grade_items": 90_000,
}  # fmt: skip


class Store(Database):
    """The tables of one practice Moodle."""

    def __init__(self, database: Path | None, *, loose: bool = False) -> None:
        """`database` None keeps everything in memory; `loose` compares without case and accents, as MySQL does."""
        self._loose = loose
        super().__init__(database, _SCHEMA)
        self.fresh = self.one("SELECT 1 FROM users") is None

    def before(self) -> None:
        """Collations have to be there before the tables that use them."""
        self._db.create_collation("site", _loosely if self._loose else _exactly)

    def start_ids(self) -> None:
        """From now on ids of each kind begin far apart."""
        for table, first in _FIRST_IDS.items():
            self.run("DELETE FROM sqlite_sequence WHERE name = ?", table)
            self.run("INSERT INTO sqlite_sequence VALUES (?, ?)", table, first)


def _exactly(one: str, other: str) -> int:
    return (one > other) - (one < other)


def _loosely(one: str, other: str) -> int:
    return _exactly(plain(one), plain(other))


def plain(text: str) -> str:
    """Without case and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))
