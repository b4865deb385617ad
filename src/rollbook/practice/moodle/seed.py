"""What a new practice Moodle holds: guest, administrator, the token's account; with a seed, people made by hand."""

from __future__ import annotations

from rollbook.practice.moodle.site import SITE_COURSE
from rollbook.practice.moodle.store import Store

PEOPLE_BY_HAND = "people-by-hand"
SEEDS = ("", PEOPLE_BY_HAND)
_ACCOUNTS = (  # username, first name, last name, auth, site administrator: in the order of their ids from 1
    ("guest", "Guest user", " ", "manual", 0), ("admin", "Ada", "Admin", "manual", 1),
    ("rollbook-service", "Service", "Account", "manual", 0),
)  # fmt: skip
_MADE = 1_600_000_000


def plant(store: Store, seed: str) -> None:
    """Fill a fresh store, leave another as it is. Raises ValueError for an unknown seed."""
    if seed not in SEEDS:
        raise ValueError(f"unknown seed {seed!r}; known: {', '.join(SEEDS[1:])}")
    if not store.fresh:
        return
    with store.transaction():
        for username, first, last, auth, admin in _ACCOUNTS:
            user(store, username, (first, last), auth=auth, siteadmin=admin)
        _course(store, SITE_COURSE, 0, names=("Practice Moodle", "practice"), kind="site")
        _category(store, 1, "Category 1", "")
        store.start_ids()
        if seed == PEOPLE_BY_HAND:
            _people(store)


def user(store: Store, username: str, name: tuple[str, str], *, auth: str = "manual", siteadmin: int = 0) -> int:
    """An account made by hand; its e-mail address is at practice.example."""
    email = f"{username}@practice.example"
    return store.insert(
        "users", username=username, firstname=name[0], lastname=name[1], email=email, email_key=email, auth=auth,
        siteadmin=siteadmin, timecreated=_MADE, timemodified=_MADE,
    )  # fmt: skip


def _category(store: Store, category_id: int, name: str, idnumber: str) -> None:
    store.insert(
        "categories", id=category_id, name=name, idnumber=idnumber, parent=0, path=f"/{category_id}",
        timemodified=_MADE,
    )  # fmt: skip


def _course(store: Store, course_id: int, category: int, *, names: tuple[str, str], kind: str = "topics") -> None:
    store.insert(
        "courses", id=course_id, category=category, fullname=names[0], shortname=names[1], format=kind,
        manual=int(kind != "site"), startdate=_MADE, timecreated=_MADE, timemodified=_MADE,
    )  # fmt: skip


def _people(store: Store) -> None:
    """One category with a course that a hand-enrolled teacher gives to two students; nobody has an ID number."""
    _category(store, 290, "Hand-made School", "by-hand")
    _course(store, 1990, 290, names=("Chess Club", "chess"))
    for role, username, name in (
        (3, "by-hand-teacher", ("Hana", "Handmade")), (4, "by-hand-helper", ("Hugo", "Handmade")),
        (5, "by-hand-student-1", ("Hedy", "Handmade")), (5, "by-hand-student-2", ("Hiro", "Handmade")),
    ):  # fmt: skip
        user_id = user(store, username, name)
        store.run("INSERT INTO enrolments VALUES (?, ?, 'manual', 0, 0, 0)", 1990, user_id)
        store.run("INSERT INTO role_assignments VALUES (?, ?, ?)", 1990, user_id, role)
