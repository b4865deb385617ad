"""Folders, zips and manifests: what is accepted, what is refused, and who must act."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import pytest

from rollbook.connectors.base import ReadRequest
from rollbook.connectors.oneroster_csv.manifest import parse_manifest
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.engine.world import input_bytes
from rollbook.errors import BadResponse, ConfigError, RollbookError
from rollbook.roster.oneroster import COLLECTIONS
from tests.unit.csv_kit import LI, USERS, ZOE, Export, codes, read

LINES = f"{USERS}\n{ZOE}\n{LI}\n"


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path / "export")


def pack(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def refused(export: Export, path: Path, **options: object) -> RollbookError:
    with pytest.raises(RollbookError) as caught:
        export.source(path, **options).collections()
    return caught.value


def test_a_zip_is_read_like_a_folder(export: Export, tmp_path: Path) -> None:
    source = export.source(pack(tmp_path / "a.zip", {"Users.CSV": LINES}))
    rows, verdict, findings = read(source, "users")
    assert [row["sourcedId"] for row in rows] == ["u1", "u2"]
    assert verdict.complete
    assert findings == []
    assert not (tmp_path / "Users.CSV").exists()


@pytest.mark.parametrize("folder", ["oneroster/", "a b/"])
def test_one_folder_around_everything_is_a_finding(export: Export, tmp_path: Path, folder: str) -> None:
    path = pack(tmp_path / "a.zip", {f"{folder}users.csv": LINES, "__MACOSX/._users.csv": b"\0"})
    assert len(read(export.source(path), "users")[0]) == 2
    assert "CSV_IN_FOLDER" in codes(read(export.source(path), "orgs")[2])


def test_files_in_other_folders_are_not_read(export: Export, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"users.csv": LINES, "old/classes.csv": "sourcedId\n"})
    source = export.source(path)
    findings = read(source, "orgs")[2]
    assert {finding.code: finding.details.get("files") for finding in findings} == {
        "CSV_UNKNOWN_FILE": "old/classes.csv",
        "CSV_MISSING_FILE": None,
    }
    assert not read(source, "classes")[1].complete


@pytest.mark.parametrize("name", ["../users.csv", "/users.csv", "a/../../users.csv", "..\\users.csv", "C:/users.csv"])
def test_names_that_lead_out_are_refused(export: Export, tmp_path: Path, name: str) -> None:
    error = refused(export, pack(tmp_path / "a.zip", {"orgs.csv": "sourcedId\n", name: LINES}))
    assert isinstance(error, BadResponse)
    assert "leads out" in str(error)


def test_a_file_that_is_there_twice_is_refused(export: Export, tmp_path: Path) -> None:
    assert "twice" in str(refused(export, pack(tmp_path / "a.zip", {"users.csv": LINES, "USERS.csv": LINES})))


def test_a_list_of_files_without_end_is_not_read(export: Export, tmp_path: Path) -> None:
    """Each entry of a zip's list takes ten times its room in memory."""
    path, size = tmp_path / "a.zip", 2 << 20
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, size, 0, 0)
    path.write_bytes(bytes(size) + end)
    error = refused(export, path)
    assert isinstance(error, BadResponse)
    assert "far more files" in str(error)
    assert input_bytes(OneRosterCsvOptions(path=str(path))) == path.stat().st_size, "nor before a run"


def test_a_zip_bomb_is_refused_before_it_is_opened(export: Export, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"users.csv": LINES, "demographics.csv": b" " * (8 << 20)})
    assert "200 to 1" in str(refused(export, path))
    assert not any((tmp_path / "work").glob("**/*.csv"))


def test_a_package_larger_than_allowed_is_refused(export: Export, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"users.csv": os.urandom(200_000)})
    assert "max_gigabytes" in str(refused(export, path, max_gigabytes=0.0001))


def test_too_many_files_are_refused(export: Export, tmp_path: Path) -> None:
    assert "1001 files" in str(refused(export, pack(tmp_path / "a.zip", {f"{n}.csv": "" for n in range(1001)})))


def test_a_size_that_lies_is_found_out(export: Export, tmp_path: Path) -> None:
    """The unpacker stops at the declared size, and the checksum tells."""
    path = pack(tmp_path / "a.zip", {"users.csv": LINES * 1000})
    raw = path.read_bytes()
    size = struct.pack("<L", len((LINES * 1000).encode()))
    path.write_bytes(raw.replace(size, struct.pack("<L", 500)))
    source = export.source(path)
    rows, verdict, findings = read(source, "users")
    assert rows == []
    assert not verdict.complete
    assert codes(findings) == {"CSV_UNREADABLE_FILE"}


def test_a_damaged_file_in_a_zip_is_incomplete_and_the_others_are_read(export: Export, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("users.csv", LINES)
        archive.writestr("orgs.csv", "sourcedId,name,type\no1,School,school\n")
    path.write_bytes(path.read_bytes().replace(b"zoe", b"ZOE"))
    source = export.source(path)
    assert not read(source, "users")[1].complete
    assert read(source, "orgs")[1].complete


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_zip_names_who_must_act(export: Export, tmp_path: Path, share: float) -> None:
    path = pack(tmp_path / "a.zip", {"users.csv": LINES})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    error = refused(export, path)
    assert isinstance(error, BadResponse)
    assert "ask whoever makes the export to send it again" in str(error)
    assert "vendor" in error.who


def test_a_zip_with_password_is_the_admins_matter(export: Export, tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"users.csv": LINES})
    raw = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + offset] |= 1
    path.write_bytes(raw)
    assert isinstance(refused(export, path), ConfigError)


def test_a_path_without_anything_is_the_admins_matter(export: Export, tmp_path: Path) -> None:
    error = refused(export, tmp_path / "nowhere")
    assert isinstance(error, ConfigError)
    assert error.exit_code == 2


def test_an_empty_folder_misses_every_file(export: Export) -> None:
    source = export.source()
    report = source.test()
    assert not report.ok
    for name in source.collections():
        rows, verdict, findings = read(source, name)
        assert rows == []
        assert not verdict.complete
        assert codes(findings) == {"CSV_MISSING_FILE"}


# --- which collections, which mode ------------------------------------------------------------------------------------


def test_roles_are_offered_where_users_do_not_tell_theirs(export: Export) -> None:
    export.write("users.csv", LINES)
    assert "roles" not in export.source().collections()
    export.write("users.csv", "sourcedId,enabledUser,username,givenName,familyName\nu1,true,a,A,B\n")
    assert export.source().collections() == tuple(COLLECTIONS)
    export.write("manifest.csv", "propertyName,value\noneroster.version,1.2\nfile.roles,absent\n")
    assert "CSV_MISSING_FILE" in codes(export.read("roles")[2]), "nobody says who is what"


def test_delta_bulk_and_absent_as_declared(export: Export) -> None:
    manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
    export.write("manifest.csv", manifest + "file.users,delta\nfile.orgs,bulk\nfile.courses,absent\n")
    export.write("users.csv", LINES)
    export.write("orgs.csv", "sourcedId,name,type\no1,School,school\n")
    source = export.source()
    verdicts = {name: read(source, name)[1] for name in ("users", "orgs", "courses", "classes")}
    assert {name: (each.mode, each.complete) for name, each in verdicts.items()} == {
        "users": ("delta", True),
        "orgs": ("bulk", True),
        "courses": ("absent", False),
        "classes": ("bulk", False),
    }
    assert export.read("users", files="bulk")[1].mode == "bulk"
    assert export.read("orgs", files="delta")[1].mode == "delta"
    assert codes(read(source, "courses")[2]) == set()
    assert codes(read(source, "classes")[2]) == {"CSV_MISSING_FILE"}


def test_where_the_manifest_contradicts_the_files_win(export: Export) -> None:
    export.write("manifest.csv", "propertyName,value\noneroster.version,1.1\nfile.users,absent\nfile.results,bulk\n")
    export.write("users.csv", LINES)
    rows, verdict, _ = export.read()
    assert len(rows) == 2
    assert (verdict.complete, verdict.mode) == (True, "bulk")
    wrong = next(finding for finding in export.read("orgs")[2] if finding.code == "CSV_MANIFEST_WRONG")
    assert wrong.details["files"] == "users.csv, results.csv"


def test_a_blank_manifest_is_a_finding(export: Export) -> None:
    export.write("manifest.csv", "propertyName,value\nmanifest.version,\noneroster.version,\nfile.users,\n")
    export.write("users.csv", LINES)
    assert export.read()[1].complete
    unclear = next(finding for finding in export.read("orgs")[2] if finding.code == "CSV_MANIFEST_UNCLEAR")
    assert unclear.details["properties"] == "oneroster.version, file.users"


@pytest.mark.parametrize("change", [str.upper, lambda text: text.replace(",", ";"), lambda text: "\ufeff" + text])
def test_odd_manifests_are_read(export: Export, change: object) -> None:
    assert callable(change)
    export.write("manifest.csv", change("propertyName,value\r\noneroster.version,1.2\r\nfile.users,delta\r\n"))
    export.write("users.csv", LINES)
    assert export.read()[1].mode == "delta"


def test_manifest_reading_is_total() -> None:
    assert parse_manifest(None).version == "1.0"
    for text in ("", "\0", '"', "a" * 200_000, "file.,\n,,,\n", "oneroster.version,9.9"):
        assert parse_manifest(text).version in ("1.1", "1.2")


def test_files_that_are_not_needed_are_never_opened(export: Export, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("users.csv", LINES)
        archive.writestr("demographics.csv", "sourcedId,birthDate\nu1,2011-01-01\n")
    source = export.source(path)
    for name in source.collections():
        list(source.read(ReadRequest(collection=name)))
    assert [file.name for file in (tmp_path / "work").glob("**/*.csv")] == ["users.csv"]
