"""Our words to Moodle's records. Pure and total: what cannot be said becomes a Refusal, never an exception.

Field names: core_user_create_users, core_course_create_courses, core_course_create_categories.
Lengths: lib/db/install.xml.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from rollbook.connectors.moodle.lenient import Json, ident, number, optional, text
from rollbook.connectors.moodle.options import WITH_PASSWORDS, MoodleOptions
from rollbook.roster.changes import Change, Fields

#: Moodle sends no mail to addresses that end so (lib/moodlelib.php, email_to_user); it takes no account without one.
NO_EMAIL: Final = "@no-email.invalid"
#: What Moodle takes as an address (validate_email, which asks PHP's FILTER_VALIDATE_EMAIL), but for quoted names and
#: numbered hosts, which it takes, too. The name has at most 64 letters, and so has each part of the host at most 63.
_WORD: Final = r"[\w!#$%&'*+/=?^`{|}~-]+"
_PART: Final = r"[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?"
_EMAIL: Final = re.compile(rf"{_WORD}(?:\.{_WORD})*@(?:{_PART}\.)+(?!\d){_PART}", flags=re.IGNORECASE | re.ASCII)
_LOCAL_MOST: Final = 64
#: In a name it begins a tag for PHP unless a space follows, and Moodle refuses the whole call (PARAM_NOTAGS).
_TAG: Final = re.compile(r"<(?![ \t\n\v\f\r])|\0")
_NAME_MOST, _CODE_MOST, _TITLE_MOST, _KEY_SHOWN = 100, 100, 254, 40
#: What Moodle takes as a username, lower-cased (PARAM_USERNAME), and what it takes where the site allows all letters.
_USERNAME: Final = f"[-.@_a-z0-9]{{1,{_NAME_MOST}}}"
_EXTENDED_USERNAME: Final = f"[^\\s]{{1,{_NAME_MOST}}}"
_NAMES: Final = {
    "first_name": "firstname",
    "last_name": "lastname",
    "middle_name": "middlename",
    "preferred_first_name": "alternatename",
}
#: Moodle takes no account without these.
_NEEDED: Final = {"first_name": "first name", "last_name": "last name"}


@dataclass(frozen=True)
class Refusal:
    """Why a change cannot be said to this LMS; it is not sent."""

    message: str


# --- users ------------------------------------------------------------------------------------------------------------


def user_fields(change: Change, options: MoodleOptions, *, every: bool) -> Json | Refusal:
    """What an account gets: every field, or those that change. Its idnumber is the unique id."""
    item: Json = {}
    for ours, theirs in _NAMES.items():
        if every or ours in change.before:
            value = text(change.after.get(ours))
            if not value.strip() and ours in _NEEDED:
                return Refusal(f"Moodle takes no account without a {_NEEDED[ours]}")
            if _TAG.search(value):
                return Refusal("a name has “<”, which Moodle takes for markup and refuses; correct the name in the SIS")
            if len(value) > _NAME_MOST:
                return Refusal(f"a name is longer than the {_NAME_MOST} letters that Moodle takes")
            item[theirs] = value
    if every or "username" in change.before:
        name = username(change.after.get("username"), options)
        if isinstance(name, Refusal):
            return name
        item["username"] = name
    if every or "email" in change.before:
        address = email(change)
        if isinstance(address, Refusal):
            return address
        item["email"] = address
    return item


def new_user(change: Change, options: MoodleOptions, password: str, *, known: bool) -> Json | Refusal:
    """An item of core_user_create_users. Whoever gets a password that somebody knows must change it at the first
    login; one that nobody knows nobody could change."""
    item = user_fields(change, options, every=True)
    if isinstance(item, Refusal):
        return item
    if len(change.key) > 255 or not change.key.strip():
        return Refusal("Moodle takes no ID number of this length")
    item |= {"auth": options.auth, "idnumber": change.key}
    if options.auth in WITH_PASSWORDS:
        item["password"] = password
        if known:
            item["preferences"] = [{"type": "auth_forcepasswordchange", "value": "1"}]
    return item


def username(value: object, options: MoodleOptions) -> str | Refusal:
    """By Moodle's rules (PARAM_USERNAME): lower case; letters, digits and -._@ unless the site allows others."""
    name = text(value).lower()
    if not name:
        return Refusal("it has no username; choose another column for usernames")
    if re.search(r"\s", name):
        return Refusal("the username has a space, which Moodle does not take")
    if len(name) > _NAME_MOST:
        return Refusal(f"the username is longer than {_NAME_MOST} letters")
    if re.fullmatch(usernames(options), name):
        return name
    return Refusal("the username has letters that Moodle does not take: only a-z, 0-9 and - . _ @ are allowed")


def usernames(options: MoodleOptions) -> str:
    """A regular expression that matches what this site takes."""
    return _EXTENDED_USERNAME if options.extended_usernames else _USERNAME


def email(change: Change) -> str | Refusal:
    """The address, or one that never gets mail for people without any."""
    address = optional(change.after.get("email"))
    if address is None:
        return f"{hashlib.sha256(change.key.encode('utf-8', 'replace')).hexdigest()[:20]}{NO_EMAIL}"
    if not is_address(address):
        return Refusal("the e-mail address has a form that Moodle does not take; correct it in the SIS")
    return address


def is_address(address: str) -> bool:
    """Does Moodle take it as an e-mail address? One that it does not take fails a whole call of creates."""
    if len(address) > _NAME_MOST or address.find("@") > _LOCAL_MOST:
        return False
    return _EMAIL.fullmatch(address) is not None


# --- categories -------------------------------------------------------------------------------------------------------


def category(change: Change, options: MoodleOptions) -> Json | Refusal:
    """An item of core_course_create_categories for a building, or a course below its building."""
    fields = change.after
    code = optional(fields.get("code"))
    title = optional(fields.get("title")) or (code if change.kind == "course" else None)
    if title is None:
        return Refusal("the building has no title")
    if code is not None and len(code) > _CODE_MOST:
        return Refusal(f"its code is longer than the {_CODE_MOST} letters that Moodle takes")
    parent = options.root_category
    if change.kind == "course":
        found = number(ident(change.refs.get("building")))
        if found is None:
            return Refusal("the LMS id of the course's building is not known")
        parent = found
    return {"name": _title(title), "parent": parent, "idnumber": code or ""}


# --- sections ---------------------------------------------------------------------------------------------------------


def new_course(change: Change, options: MoodleOptions, zone: ZoneInfo) -> Json | Refusal:
    """An item of core_course_create_courses for a section."""
    if len(change.key) > _CODE_MOST:
        return Refusal(f"its code is longer than the {_CODE_MOST} letters that Moodle takes")
    item = course_fields(change, options, zone, every=True)
    return item if isinstance(item, Refusal) else item | {"idnumber": change.key, "shortname": short_name(change)}


def course_fields(change: Change, options: MoodleOptions, zone: ZoneInfo, *, every: bool) -> Json | Refusal:
    """What a section's course gets: everything, or what changes."""
    item: Json = {}
    if every or "title" in change.before:
        item["fullname"] = _title(text(change.after.get("title")) or change.key)
    if every or "course" in change.before:
        place = place_of(change, options)
        if place is None:
            return Refusal("the LMS id of its category is not known")
        item["categoryid"] = place
    if every or {"start", "end"} & change.before.keys():
        start, end = moments(change.after, zone)
        item |= {"startdate": start, "enddate": end} if start else {}
    return item


def place_of(change: Change, options: MoodleOptions) -> int | None:
    """The category that a section lies in: its course's where courses have some, else its building's."""
    own = number(ident(change.refs.get("course"))) if options.courses == "category" else None
    return own or number(ident(change.refs.get("course.building")))


def short_name(change: Change) -> str:
    """Unique as the section's code is, and readable."""
    key = change.key
    if len(key) > _KEY_SHOWN:
        key = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12]
    return _title(f"{text(change.after.get('title'))[:200]} [{key}]".strip())


def _title(title: str) -> str:
    """As long as Moodle takes it. What follows a "<" it takes for markup, and refuses a whole call for it (PARAM_TEXT);
    with a blank after it, it stays what it is."""
    return _TAG.sub(lambda found: "< " if found[0] == "<" else "", title)[:_TITLE_MOST].removesuffix("<")


def moments(fields: Fields, zone: ZoneInfo) -> tuple[int, int]:
    """Unix seconds of the first moment of the first day and the last minute of the last day; 0 for none. Moodle takes
    no end without a start, nor one before it."""
    start = _moment(fields.get("start"), time(), zone)
    end = _moment(fields.get("end"), time(23, 59), zone)
    return (start, end if end > start else 0) if start else (0, 0)


def _moment(value: object, at: time, zone: ZoneInfo) -> int:
    try:
        return max(0, int(datetime.combine(date.fromisoformat(text(value)), at, zone).timestamp()))
    except (ValueError, OverflowError):
        return 0


def day(value: object, zone: ZoneInfo) -> str | None:
    """The day of a moment as Moodle has it; None for none."""
    seconds = number(value)
    try:
        return datetime.fromtimestamp(seconds, zone).date().isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
