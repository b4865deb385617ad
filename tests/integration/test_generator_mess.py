"""Each named kind of mess does what its sentence says, and nothing else is touched by accident."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from rollbook.practice.district import generate, mess_descriptions, mess_names

Rows = list[dict[str, str]]
NEEDS_A_DAY_BEFORE = {
    "delta-mode",
    "half-the-enrollments-gone",
    "rekeyed-classes",
    "rekeyed-users",
    "vanished-school",
}
ZIPPED = {"truncated-zip", "zip-bomb", "zip-path-escape", "zip-with-folder"}


def rows(folder: Path, name: str) -> Rows:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class Made:
    """A district of 200 pupils with one kind of mess in its last day, beside the same day without."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path

    def __call__(self, *mess: str, days: int = 1, version: str = "1.1", change: float = 0.01) -> Path:
        settings = {"students": 200, "seed": 5, "days": days, "version": version, "change": change}
        self.clean = generate(self.tmp_path / "clean", **settings)[-1]
        return generate(self.tmp_path / "mess", **settings, mess=mess)[-1]

    def differing(self, dirty: Path, name: str) -> list[tuple[dict[str, str], dict[str, str]]]:
        """Pairs (clean, messed) of rows that differ; both files must have equally many."""
        pairs = list(zip(rows(self.clean, name), rows(dirty, name), strict=True))
        return [pair for pair in pairs if pair[0] != pair[1]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_names_and_sentences() -> None:
    assert len(mess_names()) >= 47
    assert set(mess_descriptions()) == set(mess_names())
    assert all(text.endswith(".") and len(text) > 20 for text in mess_descriptions().values())


def test_unknown_kind_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no-such-mess.*agent-of-teacher.*zip-with-folder"):
        generate(tmp_path, students=10, seed=1, mess=["no-such-mess"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(NEEDS_A_DAY_BEFORE))
def test_kinds_that_need_a_day_before_say_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs at least 2 days"):
        generate(tmp_path, students=10, seed=1, mess=[name])


@pytest.mark.parametrize(
    ("name", "version"),
    [(name, version) for name in mess_names() for version in (["1.1"] if name in ZIPPED else ["1.1", "1.2"])],
)
def test_every_kind_changes_only_the_days_it_should_and_is_repeatable(tmp_path: Path, name: str, version: str) -> None:
    def bytes_of(path: Path) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in path.iterdir()} if path.is_dir() else {"": path.read_bytes()}

    settings = {"students": 60, "seed": 5, "days": 2, "version": version, "change": 0.05}
    clean = generate(tmp_path / "clean", **settings)
    first = generate(tmp_path / "a", **settings, mess=[name])
    again = generate(tmp_path / "b", **settings, mess=[name])
    assert bytes_of(first[0]) == bytes_of(clean[0])
    assert bytes_of(first[1]) == bytes_of(again[1])
    assert bytes_of(first[1]) != bytes_of(clean[1])
    assert (first[1].suffix == ".zip") == (name in ZIPPED)
    assert not list(tmp_path.rglob("*.tmp"))


def few(changed: list[object], whole: Rows) -> bool:
    return 0 < len(changed) <= max(2, len(whole) * 0.05)


@pytest.mark.parametrize(
    ("name", "file", "column", "pattern"),
    [
        ("usernames-with-spaces", "users", "username", r"[a-z]+ [a-z]+\d+"),
        ("missing-usernames", "users", "username", r""),
        ("missing-emails-and-usernames", "users", "email", r""),
        ("disabled-users", "users", "enabledUser", r"false"),
        ("emoji", "users", "givenName", r".*🎓.*"),
        ("emoji", "classes", "title", r"🧪 .*"),
        ("very-long-values", "users", "familyName", r".{5000}"),
        ("very-long-values", "classes", "title", r".{5000}"),
        ("html-in-names", "users", "givenName", r"<b>.*</b><script>.*</script>"),
        ("html-in-names", "classes", "title", r".* onerror=\"alert\(1\)\">"),
        ("formula-in-names", "users", "familyName", r"=HYPERLINK\(.*"),
        ("formula-in-names", "classes", "title", r"-2\+3 .*"),
        ("nul-bytes", "users", "givenName", r"[^\0]*\0[^\0]*"),
        ("dangling-enrollments", "enrollments", "userSourcedId", r"nobody-.*"),
        ("dangling-classes", "classes", "courseSourcedId", r"no-crs-.*"),
        ("class-without-term", "classes", "termSourcedIds", r""),
        ("wrong-session-type", "classes", "termSourcedIds", r"q1-2027|sy-2027"),
        ("enrollment-outside-dates", "enrollments", "beginDate", r"2024-01-15"),
    ],
)
def test_a_few_values_are_spoilt(made: Made, name: str, file: str, column: str, pattern: str) -> None:
    dirty = made(name)
    changed = made.differing(dirty, file)
    assert few(changed, rows(dirty, file))
    assert all(re.fullmatch(pattern, after[column], re.DOTALL) for _, after in changed)
    assert all(not re.fullmatch(pattern, row[column], re.DOTALL) for row in rows(made.clean, file))


def test_missing_both_means_username_and_email(made: Made) -> None:
    changed = made.differing(made("missing-emails-and-usernames"), "users")
    assert all(after["username"] == after["email"] == after["userIds"] == "" for _, after in changed)


@pytest.mark.parametrize(("name", "column"), [("doubled-usernames", "username"), ("doubled-emails", "email")])
def test_some_values_are_given_twice(made: Made, name: str, column: str) -> None:
    dirty = made(name)
    count = Counter(row[column] for row in rows(dirty, "users"))
    assert set(count.values()) == {1, 2}
    assert few([n for n in count.values() if n == 2], rows(dirty, "users"))


def test_every_username_is_given_twice(made: Made) -> None:
    users = rows(made("every-username-doubled"), "users")
    count = Counter(row["username"] for row in users)
    assert sum(n == 2 for n in count.values()) == len(users) // 2


def test_doubled_sourcedids(made: Made) -> None:
    users = rows(made("doubled-sourcedids"), "users")
    twice = [key for key, n in Counter(row["sourcedId"] for row in users).items() if n == 2]
    assert twice
    for key in twice:
        assert len({row["familyName"] for row in users if row["sourcedId"] == key}) == 2
    assert len(users) == len(rows(made.clean, "users")) + len(twice)


@pytest.mark.parametrize(("name", "role"), [("class-without-teacher", "teacher"), ("class-without-student", "student")])
def test_classes_lack_people(made: Made, name: str, role: str) -> None:
    dirty = made(name)
    full = {row["classSourcedId"] for row in rows(made.clean, "enrollments") if row["role"] == role}
    left = {row["classSourcedId"] for row in rows(dirty, "enrollments") if row["role"] == role}
    assert full == {row["sourcedId"] for row in rows(dirty, "classes")}
    assert few(list(full - left), rows(dirty, "classes"))
    kept = {row["sourcedId"] for row in rows(dirty, "enrollments")}
    taken = [row for row in rows(made.clean, "enrollments") if row["sourcedId"] not in kept]
    assert {row["role"] for row in taken} == {role}
    assert {row["classSourcedId"] for row in taken} == full - left


def test_wrong_org_type(made: Made) -> None:
    dirty = made("wrong-org-type")
    wrong = {row["sourcedId"] for row in rows(dirty, "orgs") if row["type"] == "department"}
    assert wrong
    assert wrong & {row["schoolSourcedId"] for row in rows(dirty, "classes")}


def test_swapped_dates(made: Made) -> None:
    dirty = made("swapped-dates")
    assert all(after["beginDate"] > after["endDate"] for _, after in made.differing(dirty, "enrollments"))
    assert made.differing(dirty, "enrollments")
    assert [after["sourcedId"] for _, after in made.differing(dirty, "academicSessions")] == ["q3-2027"]
    assert all(after["startDate"] > after["endDate"] for _, after in made.differing(dirty, "academicSessions"))


def test_values_in_other_spelling(made: Made) -> None:
    dirty = made("uppercase-booleans", "mixed-case-enums", "us-dates", "spaces-after-commas")
    assert {row["enabledUser"] for row in rows(dirty, "users")} == {"TRUE"}
    assert {row["primary"] for row in rows(dirty, "enrollments")} == {"TRUE", "FALSE", ""}
    assert {"Student", "Teacher"} <= {row["role"] for row in rows(dirty, "users")}
    assert {row["type"] for row in rows(dirty, "orgs")} == {"SCHOOL", "DISTRICT"}
    assert {row["classType"] for row in rows(dirty, "classes")} == {"Homeroom", "Scheduled"}
    assert "1/05/2027" in {row["startDate"] for row in rows(dirty, "academicSessions")}
    dates = {row[column] for row in rows(dirty, "enrollments") for column in ("beginDate", "endDate")}
    assert all(re.fullmatch(r"[1-9]\d?/\d\d/\d{4}", date) for date in dates)
    lists = {row["termSourcedIds"] for row in rows(dirty, "classes") if "," in row["termSourcedIds"]}
    assert lists == {"s1-2027, s2-2027"}


def test_columns(made: Made, tmp_path: Path) -> None:
    users = rows(made("unknown-columns"), "users")
    assert list(users[0]).index("lockerNumber") == 5
    assert all(row["lockerNumber"] for row in users)
    users = rows(made("missing-columns"), "users")
    assert not {"enabledUser", "email"} & set(users[0])
    assert "classType" not in rows(tmp_path / "mess" / "day-001", "classes")[0]
    assert [row["username"] for row in users] == [row["username"] for row in rows(made.clean, "users")]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_teacher_is_agent(made: Made, version: str) -> None:
    dirty = made("agent-of-teacher", version=version)
    teachers = {row["userSourcedId"] for row in rows(dirty, "enrollments") if row["role"] == "teacher"}
    changed = made.differing(dirty, "users")
    assert few(changed, rows(dirty, "users"))
    assert all(set(after["agentSourcedIds"].split(",")) & teachers for _, after in changed)
    pupils = {row["userSourcedId"] for row in rows(dirty, "enrollments") if row["role"] == "student"}
    assert {after["sourcedId"] for _, after in changed} <= pupils


def test_ragged_rows(made: Made) -> None:
    with (made("ragged-rows") / "enrollments.csv").open(encoding="utf-8", newline="") as file:
        lengths = Counter(len(row) for row in csv.reader(file))
    assert set(lengths) == {9, 10, 11}
    assert lengths[9] + lengths[11] < 0.05 * lengths[10]


def test_broken_quotes(made: Made) -> None:
    lines = (made("broken-quotes") / "users.csv").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if line.count('"') % 2]
    assert 0 < len(odd) < 0.05 * len(lines)
    with pytest.raises(csv.Error):
        list(csv.reader(lines, strict=True))


def test_bytes(made: Made) -> None:
    dirty = made("bom", "crlf")
    for path in dirty.iterdir():
        data = path.read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.count(b"\n") == data.count(b"\r\n") > 1
        assert data[3:].replace(b"\r\n", b"\n") == (made.clean / path.name).read_bytes()


def test_latin1(made: Made) -> None:
    data = (made("latin1") / "users.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        data.decode("utf-8")
    assert "é" in data.decode("latin-1")
    assert ",??" in data.decode("latin-1")


def test_files_cut_short(made: Made) -> None:
    whole = (made("header-only-file") / "enrollments.csv").read_bytes()
    clean = (made.clean / "enrollments.csv").read_bytes()
    assert whole == clean[: clean.index(b"\n") + 1]
    assert (made("empty-file") / "enrollments.csv").read_bytes() == b""
    cut = (made("truncated-file") / "enrollments.csv").read_bytes()
    assert clean.startswith(cut)
    assert 0.5 < len(cut) / len(clean) < 0.7
    assert not cut.endswith(b"\n")
    assert clean[len(cut) : len(cut) + 1] != b"\n"


def test_manifests(made: Made) -> None:
    def manifest(folder: Path) -> dict[str, str]:
        return dict(csv.reader((folder / "manifest.csv").read_text().splitlines()[1:]))

    blank = manifest(made("blank-manifest"))
    assert set(blank.values()) == {""}
    assert set(blank) == set(manifest(made.clean))
    folder = made("wrong-manifest")
    assert manifest(folder)["file.users"] == "absent"
    assert manifest(folder)["file.results"] == "bulk"
    assert (folder / "users.csv").exists()
    assert not (folder / "results.csv").exists()
    assert not (made("no-manifest") / "manifest.csv").exists()


def test_zips(made: Made) -> None:
    with zipfile.ZipFile(made("zip-with-folder")) as archive:
        assert all(name.startswith("oneroster/") for name in archive.namelist())
        assert archive.testzip() is None
    with zipfile.ZipFile(made("zip-path-escape")) as archive:
        assert {"../escaped.csv", "/tmp/rollbook-escaped.csv", "users.csv"} <= set(archive.namelist())
    with zipfile.ZipFile(made("zip-bomb")) as archive:
        bomb = archive.getinfo("demographics.csv")
        assert bomb.file_size > 250 << 20
        assert bomb.file_size / bomb.compress_size > 900
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(made("truncated-zip"))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_rekeyed_users_are_the_same_people(made: Made, version: str) -> None:
    dirty = made("rekeyed-users", days=3, version=version)
    renamed = {}
    for old, new in zip(rows(made.clean, "users"), rows(dirty, "users"), strict=True):
        renamed[old["sourcedId"]] = new["sourcedId"]
        changed = {column for column in old if old[column] != new[column]}
        assert {"sourcedId"} <= changed <= {"sourcedId", "agentSourcedIds"}
        assert old["agentSourcedIds"].count(",") == new["agentSourcedIds"].count(",")
    assert not set(renamed) & set(renamed.values())
    second = {row["sourcedId"] for row in rows(dirty.parent / "day-002", "users")}
    assert len(second & set(renamed.values())) > 0.9 * len(renamed)
    for name in ("enrollments", "roles") if version == "1.2" else ("enrollments",):
        for old, new in zip(rows(made.clean, name), rows(dirty, name), strict=True):
            assert new["userSourcedId"] == renamed[old["userSourcedId"]]


def test_rekeyed_classes_are_the_same_classes(made: Made) -> None:
    dirty = made("rekeyed-classes", days=2)
    renamed = {}
    for old, new in zip(rows(made.clean, "classes"), rows(dirty, "classes"), strict=True):
        renamed[old["sourcedId"]] = new["sourcedId"]
        assert old.items() - new.items() == {("sourcedId", old["sourcedId"])}
    for old, new in zip(rows(made.clean, "enrollments"), rows(dirty, "enrollments"), strict=True):
        assert new == {**old, "classSourcedId": renamed[old["classSourcedId"]]}


def test_half_the_enrollments_are_gone(made: Made) -> None:
    dirty = made("half-the-enrollments-gone", days=2)
    before, after = (rows(folder, "enrollments") for folder in (made.clean, dirty))
    assert len(after) == len(before) // 2
    assert {row["sourcedId"] for row in after} < {row["sourcedId"] for row in before}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_school_vanishes_without_a_trace(made: Made, version: str) -> None:
    dirty = made("vanished-school", days=2, version=version)
    gone = {row["sourcedId"] for row in rows(made.clean, "orgs")} - {row["sourcedId"] for row in rows(dirty, "orgs")}
    assert gone == {"school-0001"}
    assert all("school-0001" not in path.read_text(encoding="utf-8") for path in dirty.iterdir())
    users, classes = ({row["sourcedId"] for row in rows(dirty, name)} for name in ("users", "classes"))
    assert 0 < len(users) < len(rows(made.clean, "users"))
    assert all(row["userSourcedId"] in users and row["classSourcedId"] in classes for row in rows(dirty, "enrollments"))
    assert all(
        agent in users for row in rows(dirty, "users") for agent in filter(None, row["agentSourcedIds"].split(","))
    )


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_deltas_lead_from_each_day_to_the_next(made: Made, version: str) -> None:
    last = made("delta-mode", days=3, version=version, change=0.1)
    folders = [last.parent / f"day-00{n}" for n in (1, 2, 3)]
    for name in ("users", "classes", "enrollments"):
        state = {row["sourcedId"]: row for row in rows(folders[0], name)}
        for folder in folders[1:]:
            for row in rows(folder, name):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["dateLastModified"])
                if row["status"] == "tobedeleted":
                    del state[row["sourcedId"]]
                else:
                    assert row["status"] == "active"
                    state[row["sourcedId"]] = {**row, "status": "", "dateLastModified": ""}
            clean = made.clean.parent / folder.name
            assert state == {row["sourcedId"]: row for row in rows(clean, name)}
    manifest = (last / "manifest.csv").read_text()
    assert "file.users,delta" in manifest
    assert "file.orgs,absent" in manifest
    assert not (last / "orgs.csv").exists()


def test_kinds_go_together(made: Made) -> None:
    dirty = made("crlf", "emoji", "delta-mode", "rekeyed-classes", "doubled-usernames", days=2)
    classes = rows(dirty, "classes")
    assert {row["status"] for row in classes} == {"active", "tobedeleted"}
    assert any(row["title"].startswith("🧪") for row in classes)
    assert b"\r\n" in (dirty / "classes.csv").read_bytes()


def test_all_kinds_at_once_do_not_get_in_each_others_way(tmp_path: Path) -> None:
    kinds = [name for name in mess_names() if name != "zip-bomb"]
    last = generate(tmp_path, students=60, seed=5, days=2, version="1.2", mess=kinds)[-1]
    assert last.suffix == ".zip"
    assert b"oneroster/" in last.read_bytes()
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(last)
