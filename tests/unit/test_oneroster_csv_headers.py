"""Column names of three versions and of the wild."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.oneroster_csv.headers import ALIASES, missing, read_header
from rollbook.roster.oneroster import COLLECTIONS
from tests.unit.csv_kit import USERS, ZOE, Export, codes

#: Headers of 1.0 (Ed-Fi's published export) and what they mean in 1.2.
VERSION_1_0 = {
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId",
    "classes": "sourcedId,status,dateLastModified,title,grade,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedId,subjects",
    "courses": "sourcedId,status,dateLastModified,schoolYearId,metadata.duration,title,courseCode,grade,orgSourcedId,"
    "subjects",
    "enrollments": "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,status,dateLastModified,primary",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,metadata.classification,parentSourcedId",
    "users": "sourcedId,status,dateLastModified,orgSourcedIds,role,username,userId,givenName,familyName,identifier,"
    "email,sms,phone,agents",
}
RENAMED = {
    "classes": {"grades": "grade", "termSourcedIds": "termSourcedId"},
    "courses": {"grades": "grade", "schoolYearSourcedId": "schoolYearId"},
    "users": {"userIds": "userId", "agentSourcedIds": "agents"},
}


@pytest.mark.parametrize("name", VERSION_1_0)
def test_version_1_0_is_understood(name: str) -> None:
    header = read_header(name, VERSION_1_0[name] + "\n")
    assert header is not None
    assert (header.unknown, header.doubled, header.misspelt, header.dirty) == ((), (), (), False)
    columns = header.page_columns()
    for ours, theirs in RENAMED.get(name, {}).items():
        assert columns[ours] == theirs
    assert missing(name, header, users_have_roles=True, version="1.0") == ([], [])


@pytest.mark.parametrize("name", COLLECTIONS)
def test_every_column_of_ours_is_found_whatever_its_case_and_order(name: str) -> None:
    names = list(reversed(COLLECTIONS[name].columns))
    for change in (str, str.upper, str.lower, lambda word: f" {word} "):
        header = read_header(name, ",".join(change(each) for each in names) + "\n")
        assert header is not None
        assert {ours: names[place] for ours, place in header.columns.items()} == {each: each for each in names}


@pytest.mark.parametrize(
    ("collection", "wrong", "right"),
    [
        ("users", "dataLastModified", "dateLastModified"),
        ("users", "prefferedGivenName", "preferredGivenName"),
        ("users", "preferredFirstName", "preferredGivenName"),
        ("users", "userMasterIdentifer", "userMasterIdentifier"),
        ("enrollments", "classSourceId", "classSourcedId"),
        ("classes", "termSourcedID's", "termSourcedIds"),
        ("roles", "user_sourced_id", "userSourcedId"),
    ],
)
def test_misspelt_names_are_tolerated(collection: str, wrong: str, right: str) -> None:
    header = read_header(collection, f"sourcedId,{wrong}\n")
    assert header is not None
    assert header.page_columns()[right] == wrong


@pytest.mark.parametrize(
    "word", ["homeroom", "preferredMiddleName", "password", "metadata.givenName", "birthDate", "sms"]
)
def test_other_columns_are_never_taken_for_ours(word: str) -> None:
    header = read_header("users", f"sourcedId,{word},givenName\n")
    assert header is not None
    assert list(header.columns) == ["sourcedId", "givenName"]
    assert header.unknown == ((word,) if word in ("homeroom", "birthDate") else ())


def test_an_alias_never_takes_the_place_of_the_column_itself() -> None:
    header = read_header("users", "sourcedId,grade,grades\n")
    assert header is not None
    assert header.columns["grades"] == 2
    assert header.doubled == ("grade",)


def test_aliases_point_to_columns_that_exist() -> None:
    for name, aliases in ALIASES.items():
        assert set(aliases.values()) <= set(COLLECTIONS[name].columns)
        assert all(alias == "".join(c for c in alias.lower() if c.isalnum()) for alias in aliases)


@pytest.mark.parametrize("extra", [",", ",givenName", ",GIVENNAME", ',""'])
def test_doubled_and_nameless_columns_do_not_stop_the_reader(tmp_path: Path, extra: str) -> None:
    export = Export(tmp_path / "export")
    export.write("users.csv", f"{USERS}{extra}\n{ZOE},other\n")
    rows, verdict, findings = export.read()
    assert [row["givenName"] for row in rows] == ["Zoë"]
    assert verdict.complete
    assert codes(findings) == ({"CSV_DOUBLED_COLUMN"} if "ame" in extra.lower() else set())


def test_a_missing_column_makes_the_file_incomplete(tmp_path: Path) -> None:
    export = Export(tmp_path / "export")
    export.write("enrollments.csv", "sourcedId,classSourcedId,role\ne1,c1,student\n")
    rows, verdict, findings = export.read("enrollments")
    assert rows == []
    assert not verdict.complete, "else everybody would seem to have left"
    found = {finding.code: finding.details.get("columns") for finding in findings}
    assert found == {"CSV_MISSING_COLUMN": "userSourcedId", "CSV_COLUMN_EXPECTED": "schoolSourcedId"}


def test_findings_name_the_columns_and_the_line(tmp_path: Path) -> None:
    export = Export(tmp_path / "export")
    export.write("users.csv", f"\n{USERS},homeroom,prefferedGivenName\n{ZOE},7,Z\n")
    rows, _, findings = export.read()
    assert rows[0]["preferredGivenName"] == "Z"
    told = {finding.code: (finding.file, finding.line, finding.details["columns"]) for finding in findings}
    assert told == {
        "CSV_UNKNOWN_COLUMN": ("users.csv", 2, "homeroom"),
        "CSV_MISSPELT_COLUMN": ("users.csv", 2, "prefferedGivenName (read as preferredGivenName)"),
    }


@given(st.sampled_from(sorted(COLLECTIONS)), st.text(max_size=200))
def test_any_text_is_taken(collection: str, words: str) -> None:
    header = read_header(collection, words)
    if header is not None:
        assert len(set(map(str.lower, header.names))) == len(header.names)
        assert all(0 <= place < len(header.names) for place in header.columns.values())
