"""The generated district: its shape, its references, its days, and that it is the same each time."""

from __future__ import annotations

import csv
import hashlib
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from rollbook.practice.district import generate

Table = dict[str, dict[str, str]]
USER_ROLES = {"1.1": ["administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"]}
USER_ROLES["1.2"] = [
    *USER_ROLES["1.1"],
    "districtAdministrator",
    "principal",
    "siteAdministrator",
    "counselor",
]


def table(folder: Path, name: str) -> Table:
    """A file's rows by sourcedId; fails when an id comes twice."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    found = {row["sourcedId"]: row for row in rows}
    assert len(found) == len(rows), f"doubled sourcedId in {name}"
    return found


def items(text: str) -> list[str]:
    return text.split(",") if text else []


def digest_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory):
    """2,000 pupils, three days with 5 % change, by version; made when first asked for."""

    @cache
    def make(version: str) -> list[Path]:
        out = tmp_path_factory.mktemp("town")
        return generate(out, students=2000, seed=7, days=3, version=version, change=0.05)

    return make


def users_with_roles(folder: Path, version: str) -> tuple[Table, dict[str, set[str]], dict[str, set[str]]]:
    """Users, and for each user id the roles and the orgs."""
    users, roles, orgs = table(folder, "users"), defaultdict(set), defaultdict(set)
    if version == "1.1":
        for key, user in users.items():
            roles[key], orgs[key] = {user["role"]}, set(items(user["orgSourcedIds"]))
    else:
        for row in table(folder, "roles").values():
            roles[row["userSourcedId"]].add(row["role"])
            orgs[row["userSourcedId"]].add(row["orgSourcedId"])
    return users, roles, orgs


def test_shape_at_two_thousand_pupils(town) -> None:
    day = town("1.1")[0]
    users, roles, orgs = users_with_roles(day, "1.1")
    classes, enrollments = table(day, "classes"), table(day, "enrollments")
    count = Counter(next(iter(found)) for found in roles.values())
    assert count["student"] == 2000
    assert len(enrollments) / 2000 == pytest.approx(8.1, rel=0.04)
    assert len(classes) / 2000 == pytest.approx(0.46, rel=0.05)
    assert 2000 / count["teacher"] == pytest.approx(16, rel=0.1)
    assert count["administrator"] >= 5
    assert count["aide"] >= 5
    with_guardian = sum(1 for user in users.values() if user["role"] == "student" and user["agentSourcedIds"])
    assert with_guardian / 2000 == pytest.approx(0.3, abs=0.05)
    grades = Counter(user["grades"] for user in users.values() if user["role"] == "student")
    assert set(grades) == {"KG", *(f"{n:02d}" for n in range(1, 13))}
    assert max(grades.values()) < 1.4 * min(grades.values())
    several = {users[key]["role"] for key, found in orgs.items() if len(found) > 1}
    assert {"student", "teacher"} <= several
    assert {org["type"] for org in table(day, "orgs").values()} == {"district", "school"}


def test_sections_staff_and_courses_are_as_in_real_schools(town) -> None:
    day = town("1.2")[0]
    classes, courses = table(day, "classes"), table(day, "courses")
    teachers, leading, seats = Counter(), Counter(), defaultdict(list)
    for row in table(day, "enrollments").values():
        if row["role"] == "teacher":
            teachers[row["classSourcedId"]] += 1
            leading[row["classSourcedId"]] += row["primary"] == "true"
        else:
            assert row["primary"] == ""
        seats[row["userSourcedId"], row["classSourcedId"]].append((row["beginDate"], row["endDate"]))
    assert set(leading) == set(classes)
    assert set(leading.values()) == {1}
    assert 0.04 < sum(n > 1 for n in teachers.values()) / len(classes) < 0.15
    assert {row["classType"] for row in classes.values()} == {"homeroom", "scheduled"}
    assert {row["termSourcedIds"] for row in classes.values()} == {
        "fy-2027",
        "s1-2027,s2-2027",
        "s1-2027",
        "s2-2027",
    }
    returned = [sorted(times) for times in seats.values() if len(times) > 1]
    assert returned, "nobody left and came back"
    assert all(before[1] < after[0] for before, after in returned)
    used = defaultdict(set)
    for row in classes.values():
        used[row["courseSourcedId"]].add(row["schoolSourcedId"])
    shared = [course for course, schools in used.items() if len(schools) > 1]
    assert shared
    assert all(courses[course]["orgSourcedId"] == "district-0100" for course in shared)


def test_movers_have_ended_and_running_enrollments_in_two_schools_of_one_kind(town) -> None:
    day = town("1.1")[0]
    schools = defaultdict(lambda: defaultdict(set))
    for row in table(day, "enrollments").values():
        schools[row["userSourcedId"]][row["schoolSourcedId"]].add((row["role"], row["endDate"] > "2026-11-23"))
    movers = [found for found in schools.values() if len(found) == 2 and {("student", False)} in found.values()]
    assert movers


def test_names_are_in_many_scripts_and_user_names_are_plain(town) -> None:
    users = table(town("1.1")[0], "users").values()
    letters = {unicodedata.name(user["familyName"][0]).split()[0] for user in users}
    assert {"LATIN", "CYRILLIC", "ARABIC", "CJK", "HANGUL", "DEVANAGARI"} <= letters
    assert any(user["familyName"] == "Nguyễn" for user in users)
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+\d+", user["username"]) for user in users)
    assert all(re.fullmatch(r"[a-z.\d]+@[a-z.]+\.(example|com|net|org)", user["email"]) for user in users)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("place", [0, 2])
def test_every_reference_resolves_and_both_ways(town, version: str, place: int) -> None:
    day = town(version)[place]
    orgs, sessions, courses = (table(day, name) for name in ("orgs", "academicSessions", "courses"))
    classes, enrollments = table(day, "classes"), table(day, "enrollments")
    users, roles, places = users_with_roles(day, version)
    assert set(roles) == set(users)
    for row in [*orgs.values(), *sessions.values()]:
        assert not row["parentSourcedId"] or row["parentSourcedId"] in {**orgs, **sessions}
    for row in courses.values():
        assert row["orgSourcedId"] in orgs
        assert sessions[row["schoolYearSourcedId"]]["type"] == "schoolYear"
    for row in classes.values():
        assert row["courseSourcedId"] in courses
        assert orgs[row["schoolSourcedId"]]["type"] == "school"
        assert {sessions[term]["type"] for term in items(row["termSourcedIds"])} <= {"term", "semester"}
    for key, user in users.items():
        assert places[key] <= set(orgs)
        assert roles[key] <= set(USER_ROLES[version])
        for agent in items(user["agentSourcedIds"]):
            assert key in items(users[agent]["agentSourcedIds"])
            assert ("student" in roles[key]) != ("student" in roles[agent])
            assert "teacher" not in roles[agent]
    for row in enrollments.values():
        assert row["schoolSourcedId"] == classes[row["classSourcedId"]]["schoolSourcedId"]
        assert row["schoolSourcedId"] in places[row["userSourcedId"]]
        terms = [sessions[term] for term in items(classes[row["classSourcedId"]]["termSourcedIds"])]
        first, last = min(t["startDate"] for t in terms), max(t["endDate"] for t in terms)
        assert first <= row["beginDate"] < row["endDate"] <= last


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_files_follow_the_csv_binding(town, version: str) -> None:
    day = town(version)[1]
    manifest = dict(csv.reader((day / "manifest.csv").read_text().splitlines()))
    assert manifest["manifest.version"] == "1.0"
    assert manifest["oneroster.version"] == version
    modes = {key[5:]: value for key, value in manifest.items() if key.startswith("file.")}
    assert len(modes) == (13 if version == "1.1" else 21)
    assert {name for name, mode in modes.items() if mode == "bulk"} == {p.stem for p in day.iterdir()} - {"manifest"}
    assert set(modes.values()) == {"bulk", "absent"}
    for name in (name for name, mode in modes.items() if mode == "bulk"):
        rows = list(csv.reader((day / f"{name}.csv").read_text(encoding="utf-8").splitlines(), strict=True))
        assert rows[0][:3] == ["sourcedId", "status", "dateLastModified"]
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
        assert all(row[1] == row[2] == "" for row in rows[1:])
        own = [column.startswith("metadata.") for column in rows[0]]
        assert own == sorted(own)
    header = (day / "users.csv").read_text(encoding="utf-8").splitlines()[0]
    assert ("role,username" in header) == (version == "1.1")
    assert ("pronouns" in header) == (version == "1.2")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_user_names_addresses_and_roles_are_unique(town, version: str) -> None:
    for day in town(version):
        users = table(day, "users").values()
        assert len({user["username"] for user in users}) == len(users)
        assert len({user["email"] for user in users}) == len(users)
        if version == "1.2":
            primary = Counter(
                (row["userSourcedId"], row["orgSourcedId"])
                for row in table(day, "roles").values()
                if row["roleType"] == "primary"
            )
            assert set(primary.values()) == {1}
            assert all((key, user["primaryOrgSourcedId"]) in primary for key, user in table(day, "users").items())


def test_same_arguments_same_bytes_and_another_seed_another_district(tmp_path: Path) -> None:
    first, again, other = (
        generate(tmp_path / name, students=300, seed=seed, days=2, version="1.2")
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert [digest_of(day) for day in first] == [digest_of(day) for day in again]
    assert digest_of(first[0])["users.csv"] != digest_of(other[0])["users.csv"]
    assert [day.name for day in first] == ["day-001", "day-002"]


def test_a_shorter_series_has_the_same_days(tmp_path: Path) -> None:
    long = generate(tmp_path / "a", students=300, seed=3, days=3)
    short = generate(tmp_path / "b", students=300, seed=3, days=1)
    assert digest_of(long[0]) == digest_of(short[0])


def test_zips_hold_the_same_files_at_their_root(tmp_path: Path) -> None:
    folder = generate(tmp_path / "a", students=100, seed=3)[0]
    zips = [generate(tmp_path / name, students=100, seed=3, zip=True)[0] for name in ("b", "c")]
    assert zips[0].name == "day-001.zip"
    assert zips[0].read_bytes() == zips[1].read_bytes()
    with zipfile.ZipFile(zips[0]) as archive:
        found = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    assert found == digest_of(folder)


def test_without_change_the_second_day_is_the_first(tmp_path: Path) -> None:
    first, second = generate(tmp_path, students=300, seed=3, days=2, change=0)
    assert digest_of(first) == digest_of(second)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("users", 0.5, 1.8), ("classes", 0.5, 1.5), ("enrollments", 0.6, 1.5)]
)
def test_about_the_asked_share_changes_each_day(town, name: str, low: float, high: float) -> None:
    days = [table(day, name) for day in town("1.1")]
    for before, after in pairwise(days):
        differ = sum(before.get(key) != after.get(key) for key in {*before, *after})
        assert low < differ / len(before) / 0.05 < high


def test_a_day_brings_newcomers_leavers_new_names_and_moves(town) -> None:
    first, second, _ = town("1.1")
    before, after = table(first, "users"), table(second, "users")
    assert before.keys() - after.keys()
    assert after.keys() - before.keys()
    renamed = [key for key in before.keys() & after.keys() if before[key]["familyName"] != after[key]["familyName"]]
    assert renamed
    assert all(before[key]["username"] == after[key]["username"] for key in renamed)
    assert any(before[key]["email"] != after[key]["email"] for key in renamed)
    rooms_before, rooms_after = table(first, "classes"), table(second, "classes")
    assert rooms_after.keys() > rooms_before.keys()
    assert any(rooms_before[key]["location"] != rooms_after[key]["location"] for key in rooms_before)
    seats_before, seats_after = table(first, "enrollments"), table(second, "enrollments")
    ended = [
        key
        for key in seats_before.keys() & seats_after.keys()
        if seats_before[key]["endDate"] != seats_after[key]["endDate"]
    ]
    assert ended
    assert {seats_after[key]["endDate"] for key in ended} == {"2026-11-24"}
    assert {row["role"] for key, row in seats_after.items() if key in ended} == {"student", "teacher"}


@pytest.mark.parametrize("students", [1, 2, 40])
def test_very_small_districts_are_whole(tmp_path: Path, students: int) -> None:
    days = generate(tmp_path, students=students, seed=1, days=4, change=0.5)
    assert sum(row["role"] == "student" for row in table(days[0], "users").values()) == students
    assert table(days[0], "enrollments")


def test_a_year_of_days_stays_inside_the_school_year(tmp_path: Path) -> None:
    days = generate(tmp_path, students=20, seed=1, days=190, change=0.05)
    assert all(row["beginDate"] < row["endDate"] <= "2027-05-28" for row in table(days[-1], "enrollments").values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"version": "2.0"}, "1.1, 1.2"),
        ({"students": 0}, "students"),
        ({"days": 0}, "days"),
        ({"change": 2}, "change"),
    ],
)
def test_wrong_arguments_are_named(tmp_path: Path, wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        generate(tmp_path, **{"students": 10, "seed": 1, **wrong})
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_district(tmp_path: Path) -> None:
    script = (
        "import sys, re, pathlib\n"
        "from rollbook.practice.district import generate\n"
        "generate(pathlib.Path(sys.argv[1]), students=int(sys.argv[2]), seed=1)\n"
        # ru_maxrss would count the parent's memory at the moment of the fork, too.
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )

    def peak(students: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / str(students)), str(students)],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout)

    small, large = peak(10_000), peak(40_000)
    assert large < 150
    assert large - small < 40
