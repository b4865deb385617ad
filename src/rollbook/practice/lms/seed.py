"""What a new practice LMS holds: organization, roles, the key's owner; with a seed, people made by hand."""

from __future__ import annotations

from rollbook.practice.lms.store import Store

_ROLES = (  # title, faculty, administrator
    ("System Admin", 1, 1), ("School Admin", 1, 1), ("Teacher", 1, 0), ("Student", 0, 0), ("Parent", 0, 0),
    ("Staff", 1, 0),
)  # fmt: skip
PEOPLE_BY_HAND = "people-by-hand"
SEEDS = ("", PEOPLE_BY_HAND)


def plant(store: Store, seed: str) -> None:
    """Fill a fresh store, leave another as it is. Raises ValueError for an unknown seed."""
    if seed not in SEEDS:
        raise ValueError(f"unknown seed {seed!r}; known: {', '.join(SEEDS[1:])}")
    if not store.fresh:
        return
    with store.transaction():
        organization = store.insert("schools", title="Practice School District", building_code="")
        for title, faculty, admin in _ROLES:
            store.insert("roles", title=title, faculty=faculty, admin=admin)
        _user(store, "practice-admin", ("Pat", "Admin"), "System Admin", organization)
        if seed == PEOPLE_BY_HAND:
            _people(store, organization)


def _user(store: Store, code: str, name: tuple[str, str], role: str, building: int) -> int:
    email = f"{code}@practice.example"
    return store.insert(
        "users", school_uid=code, username=code, username_key=code, email=email, email_key=email,
        name_first=name[0], name_last=name[1], building_id=building,
        role_id=store.number("SELECT id FROM roles WHERE title = ?", role),
    )  # fmt: skip


def _people(store: Store, organization: int) -> None:
    """One building with a course that a hand-enrolled course admin teaches to two students."""
    building = store.insert("schools", parent=organization, title="Hand-made School", building_code="by-hand")
    teacher = _user(store, "by-hand-teacher", ("Hana", "Handmade"), "Teacher", building)
    helper = _user(store, "by-hand-helper", ("Hugo", "Handmade"), "Teacher", building)
    students = [_user(store, f"by-hand-student-{n}", (name, "Handmade"), "Student", building)
                for n, name in enumerate(("Hedy", "Hiro"), 1)]  # fmt: skip
    period = store.insert("periods", title="By hand", start="2020-07-01", end="2099-06-30")
    course = store.insert("courses", course_code="by-hand-course", title="Chess Club", building_id=building)
    section = store.insert(
        "sections",
        course_id=course,
        title="Tuesdays",
        section_school_code="by-hand-section",
        last_day="2099-06-30",
    )
    store.insert("section_periods", section_id=section, period_id=period, position=0)
    for user, admin in ((teacher, 1), (helper, 1), *((student, 0) for student in students)):
        store.insert("enrollments", section_id=section, user_id=user, admin=admin, status=1)
