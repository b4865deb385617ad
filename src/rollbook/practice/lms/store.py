"""The SQLite file of the practice LMS; knows no rules."""

from __future__ import annotations

from pathlib import Path

from rollbook.practice.database import Database, Row, marks

__all__ = ["Row", "Store", "marks"]

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


class Store(Database):
    """The tables of one practice LMS."""

    def __init__(self, database: Path | None) -> None:
        """`database` None keeps everything in memory."""
        super().__init__(database, _SCHEMA)
        if "kept" not in {row["name"] for row in self.all("PRAGMA table_info(enrollments)")}:  # an older file
            self.run("ALTER TABLE enrollments ADD COLUMN kept INTEGER")
        self.fresh = self.one("SELECT 1 FROM schools") is None
        if self.fresh:
            self.many("INSERT INTO sqlite_sequence VALUES (?, ?)", _FIRST_IDS.items())
