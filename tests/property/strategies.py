"""Small districts, what may happen to them over night, and what an LMS must hold then, worked out the plain way."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.districts import District, Organization

SCHOOLS, CLASSES, PEOPLE = ("A", "B"), ("k0", "k1", "k2"), ("u0", "u1", "u2", "u3", "u4")
#: So high that nothing is held for its number; what shrank is approved by `until_quiet`.
NO_LIMITS = {action: {"percent": 100, "from": 10**6} for action in ("remove", "update", "create")}

#: For a longer search: ROLLBOOK_LAWS=20 tries twenty times as many examples.
_TIMES = int(os.environ.get("ROLLBOOK_LAWS", "1"))

Edit = Callable[[District], object]


def examples(number: int) -> settings:
    """So many examples in everyday tests, where one costs about a second; `script/bench laws` tries eight times as
    many."""
    return settings(max_examples=number * _TIMES)


@st.composite
def districts(draw: st.DrawFn) -> District:
    """Two schools, two terms, a few classes, people and enrollments; nothing wrong with any record."""
    district = District().school("A").school("B").term("fall").term("year", "2026-08-24", "2027-06-11")
    for school in SCHOOLS:
        district.course(f"c{school}", school)
    for clazz in draw(st.sets(st.sampled_from(CLASSES), min_size=1)):
        add_class(district, clazz, draw(st.sampled_from(SCHOOLS)), draw(st.sampled_from(["fall", "year", "fall,year"])))
    for person in draw(st.sets(st.sampled_from(PEOPLE), min_size=1)):
        add_person(
            district,
            person,
            draw(st.sampled_from(["student", "teacher"])),
            draw(st.sampled_from(["A", "B", "A,B", "B,A"])),
        )
    pairs = st.tuples(st.sampled_from(CLASSES), st.sampled_from(PEOPLE), st.sampled_from(["student", "teacher"]))
    for clazz, person, role in draw(st.sets(pairs, max_size=10)):
        enroll(district, clazz, person, role)
    return district


def add_class(district: District, clazz: str, school: str, terms: str) -> None:
    if clazz not in _ids(district, "classes"):
        district.clazz(clazz, f"c{school}", school, terms)


def add_person(district: District, person: str, role: str, schools: str) -> None:
    if person not in _ids(district, "users"):
        district.user(person, role, *schools.split(","))


def enroll(district: District, clazz: str, person: str, role: str) -> None:
    if clazz in _ids(district, "classes") and person in _ids(district, "users"):
        district.enroll(clazz, person, role=role)


def drop_person(district: District, person: str) -> None:
    _keep(district, "users", lambda row: row["sourcedId"] != person)
    _keep(district, "enrollments", lambda row: row["userSourcedId"] != person)


def drop_class(district: District, clazz: str) -> None:
    _keep(district, "classes", lambda row: row["sourcedId"] != clazz)
    _keep(district, "enrollments", lambda row: row["classSourcedId"] != clazz)


def drop_enrollment(district: District, clazz: str, person: str) -> None:
    _keep(district, "enrollments", lambda row: (row["classSourcedId"], row["userSourcedId"]) != (clazz, person))


def rename(district: District, collection: str, id: str, column: str, value: str) -> None:
    if id in _ids(district, collection):
        district.put(collection, id, **{column: value})


def edits() -> st.SearchStrategy[Edit]:
    """One thing that may happen to a district over night."""
    classes, people, words = (
        st.sampled_from(CLASSES),
        st.sampled_from(PEOPLE),
        st.sampled_from(["One", "Two", "Zoë 🎓"]),
    )
    return st.one_of(
        st.builds(lambda p: lambda d: drop_person(d, p), people),
        st.builds(lambda c: lambda d: drop_class(d, c), classes),
        st.builds(lambda c, p: lambda d: drop_enrollment(d, c, p), classes, people),
        st.builds(
            lambda c, p, r: lambda d: enroll(d, c, p, r), classes, people, st.sampled_from(["student", "teacher"])
        ),
        st.builds(lambda p, s: lambda d: add_person(d, p, "student", s), people, st.sampled_from(["A", "B", "B,A"])),
        st.builds(lambda c, s: lambda d: add_class(d, c, s, "fall"), classes, st.sampled_from(SCHOOLS)),
        st.builds(lambda p, w: lambda d: rename(d, "users", p, "givenName", w), people, words),
        st.builds(lambda c, w: lambda d: rename(d, "classes", c, "title", f"{w} {c}"), classes, words),
        st.builds(lambda s, w: lambda d: rename(d, "orgs", s, "name", f"{w} {s}"), st.sampled_from(SCHOOLS), words),
    )


def wanted_roster(district: District) -> dict[str, str]:
    """Who must be where, straight from the rows: everything is mapped, nothing has ended."""
    roster: dict[str, str] = {}
    for row in district.rows["enrollments"]:
        key = f"{row['classSourcedId']}|{row['userSourcedId']}"
        if roster.get(key) != "admin":
            roster[key] = "admin" if row["role"] == "teacher" else "member"
    return roster


def check_reached(org: Organization) -> None:
    """Does the LMS hold what the SIS says? People, courses and sections of earlier days may be there as well."""
    assert org.roster == wanted_roster(org.district)
    users, sections = org.all("user"), org.all("section")
    for row in org.district.rows["users"]:
        assert users[row["sourcedId"]]["first_name"] == row["givenName"]
        places = {users[row["sourcedId"]]["building"], *users[row["sourcedId"]]["additional_buildings"]}
        assert places == set(row["orgSourcedIds"].split(","))
    for row in org.district.rows["classes"]:
        assert sections[row["sourcedId"]]["title"] == row["title"]
        assert sorted(sections[row["sourcedId"]]["grading_periods"]) == sorted(row["termSourcedIds"].split(","))
    used = {row["schoolSourcedId"] for row in org.district.rows["classes"]}
    assert {course["building"] for course in org.all("course").values()} >= used
    for row in org.district.rows["orgs"]:
        assert org.all("building")[row["sourcedId"]]["title"] == row["name"]


def until_quiet(org: Organization, most: int = 5, **request: Any) -> None:
    """Run, approving what is held, until a run sends nothing. `request` is what each of them is asked besides."""
    for _ in range(most):
        result = org.next_day().run(**request)
        if not org.sent and not result.holds:
            return
        for reason in {hold.reason for hold in result.holds}:
            org.approve(result, reason)
    raise AssertionError(f"still not quiet: {org.sent}, {result.holds}")


def _ids(district: District, collection: str) -> set[str]:
    return {row["sourcedId"] for row in district.rows[collection]}


def _keep(district: District, collection: str, wanted: Callable[[dict[str, str]], bool]) -> None:
    district.rows[collection] = [row for row in district.rows[collection] if wanted(row)]
