"""The page Files: packages are judged before anything reads them; hostile ones leave nothing behind."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from rollbook.actions.actors import OPERATOR
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.gc import collect
from rollbook.store.models import AuditRow, LooseBlob, UploadRow, UploadState
from tests.web.files_case import CSV, PAGE, cora, pack, packages, send, unpack
from tests.web.people import Person, make_person, words
from tests.web.world import run_now

__all__ = ["cora", "packages"]


def kept(folder: DataFolder) -> list[Path]:
    """What lies in blobs, and in the folder for passing files."""
    return [
        path for place in (folder.blobs, Path(tempfile.gettempdir())) for path in place.rglob("*") if path.is_file()
    ]


def test_an_upload_is_checked_kept_and_read(cora: Person, pages: DataFolder, packages: list[bytes]) -> None:
    page = words(send(cora, packages[0]))
    assert "What is in “roster.zip”" in page
    assert "It was checked and is kept." in page
    assert "users.csv" in page
    assert "Runs read this one" in page
    run = run_now(pages, "cedar")
    assert (run.state, run.error) == ("done", "")
    assert run.result["kinds"]["user"]["done"] >= 20
    audited = AuditRow.objects.get(action="upload file")
    assert (audited.by, audited.details) == ("Cora Acting (cora.acting@example.org)", "roster.zip")


def test_findings_are_told_at_once(cora: Person, packages: list[bytes]) -> None:
    files = unpack(packages[0])
    header, first, rest = files["users.csv"].split(b"\n", 2)
    username = header.decode().replace('"', "").strip().split(",").index("username")
    cells = first.split(b",")
    cells[username] = b"two words"
    page = words(send(cora, pack(files | {"users.csv": b"\n".join([header, b",".join(cells), rest])})))
    assert "was checked and is kept" in page
    assert "blocks" in page
    assert "users.csv line 2" in page


def test_a_run_without_any_upload_says_what_to_do(cora: Person, pages: DataFolder) -> None:
    run = run_now(pages, "cedar")
    assert (run.state, run.error_name) == ("failed", "ConfigError")
    assert "bring a OneRoster zip on the page Files" in run.error


def test_one_may_go_back_to_an_earlier_file(cora: Person, pages: DataFolder, packages: list[bytes]) -> None:
    send(cora, packages[0], "first.zip")
    send(cora, packages[1], "second.zip")
    first = UploadRow.objects.get(name="first.zip")
    answer = cora.client.post(f"{PAGE}{first.pk}/use", follow=True)
    assert "From now on runs read “first.zip”" in words(answer)
    newest = UploadRow.objects.first()
    assert newest is not None
    assert (newest.name, newest.blob) == ("first.zip", first.blob)
    cora.post(f"{PAGE}{first.pk}/use")  # twice is once
    assert UploadRow.objects.count() == 3
    assert AuditRow.objects.filter(action="use earlier file").count() == 1
    assert "not kept any more" in words(cora.client.post(f"{PAGE}999/use", follow=True))


def test_the_last_five_files_are_kept(cora: Person, pages: DataFolder, packages: list[bytes]) -> None:
    for number, package in enumerate(packages):
        assert "is kept" in words(send(cora, package, f"day{number}.zip"))
    assert [row.name for row in UploadRow.objects.all()] == [f"day{number}.zip" for number in (6, 5, 4, 3, 2)]
    assert collect(pages, days=30)["loose"] == 2
    LooseBlob.objects.update(since=timezone.now() - timedelta(days=2))
    assert collect(pages, days=30)["deleted"] == 2
    assert len(kept(pages)) == 5
    assert run_now(pages, "cedar").state == "done"


# --- hostile and broken files -----------------------------------------------------------------------------------------


def _bomb() -> bytes:
    return pack({"users.csv": b"0" * (64 << 20), "orgs.csv": b"x"})


def _lying_size() -> bytes:
    """Says that its file is small where it is not."""
    content = bytearray(pack({"users.csv": b"a" * 5_000_000}))
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")
    return bytes(content)


HOSTILE: dict[str, tuple[Any, str]] = {
    "empty": (lambda good: b"", "empty"),
    "no zip": (lambda good: b"sourcedId,status\n" * 100, "no zip file at all"),
    "cut off": (lambda good: good[: len(good) // 2], "cut off"),
    "bomb": (lambda good: _bomb(), "packed more than 200 to 1"),
    "lying": (lambda good: _lying_size(), ""),
    "traversal": (lambda good: pack(unpack(good) | {"../../etc/cron.d/x.csv": b"x"}), "leads out of its folder"),
    "drive": (lambda good: pack(unpack(good) | {"C:\\users.csv": b"x"}), "leads out of its folder"),
    "many": (lambda good: pack({f"{number}.csv": b"x" for number in range(1001)}), "1001 files"),
    "nothing inside": (lambda good: pack({}), "no whole OneRoster export"),
    "wrong files": (lambda good: pack({"pupils.csv": b"name\nZoe\n"}), "users.csv is missing"),
    "wrong columns": (lambda good: pack(unpack(good) | {"users.csv": b"name,class\nZoe,3\n"}), "has no header line"),
    "file cut off": (lambda good: pack(unpack(good) | {"users.csv": unpack(good)["users.csv"][:-30]}), "breaks off"),
    "no people": (
        lambda good: pack(unpack(good) | {"users.csv": unpack(good)["users.csv"].split(b"\n")[0] + b"\n"}),
        "no record in users.csv",
    ),
    "formula": (
        lambda good: (
            pack(unpack(good) | {"users.csv": unpack(good)["users.csv"].replace(b",Li,", b",=1+1,", 1)})
            if b",Li," in unpack(good)["users.csv"]
            else pack(unpack(good) | {"orgs.csv": unpack(good)["orgs.csv"].rstrip() + b"\nx,active,,=HYPERLINK(1)\n"})
        ),
        "run as a formula",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_words_and_nothing_is_kept(
    name: str, cora: Person, pages: DataFolder, packages: list[bytes]
) -> None:
    make, told = HOSTILE[name]
    before = kept(pages)
    page = words(send(cora, make(packages[0])))
    assert told in page
    assert "Nothing was kept." in page
    assert not UploadRow.objects.filter(state=UploadState.KEPT).exists()
    assert kept(pages) == before
    assert not AuditRow.objects.filter(action="upload file").exists()


def test_a_file_that_is_too_large_is_refused(
    cora: Person, packages: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.web.pages.files.UPLOAD_MIB", 0)
    answer = send(cora, packages[0])
    assert (answer.status_code, "has more than 0 MiB" in words(answer)) == (422, True)
    assert not UploadRow.objects.exists()


def test_no_file_is_told_at_the_field(cora: Person) -> None:
    answer = cora.post(f"{PAGE}upload")
    assert (answer.status_code, "Choose a file first" in words(answer)) == (422, True)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\Users\\x\\a b.zip", "a b.zip"),
        ("../../x.zip", "x.zip"),
        ("<script>.zip", "_script_.zip"),
        ("\u202egpj.zip", "gpj.zip"),
        ("x" * 500 + ".zip", "x" * 116 + ".zip"),
    ],
)
def test_file_names_are_made_harmless(name: str, shown: str) -> None:
    from rollbook.actions.uploads import plain_name

    assert plain_name(name) == shown


FORMULAS = ["=1+1", "=cmd|' /C calc'!A0", "+SUM(1)", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", '"=x"', '" =x"']
TEXTS = [
    "+1 (555) 010-2030",
    "-",
    "-5",
    "@zoe",
    "a=b",
    '"Math, =2 parts"',
    '"Lab, +Extra(1)"',
    "1-2",
    "=",
    "+44 20 7946",
]


@pytest.mark.parametrize("cell", FORMULAS)
def test_formulas_are_found(cell: str, tmp_path: Path) -> None:
    from rollbook.connectors.oneroster_csv.formulas import find_formulas

    file = tmp_path / "users.csv"
    file.write_text(f"sourcedId,givenName\nu1,Zoe\nu2,{cell}\nu3,Li\n")
    assert find_formulas(file) == 3


@pytest.mark.parametrize("cell", TEXTS)
def test_what_is_no_formula_passes(cell: str, tmp_path: Path) -> None:
    from rollbook.connectors.oneroster_csv.formulas import find_formulas

    file = tmp_path / "users.csv"
    file.write_text(f"sourcedId,givenName,phone\nu1,{cell},x\n" * 3)
    assert find_formulas(file) is None


def test_formulas_are_found_beyond_the_first_megabyte(tmp_path: Path) -> None:
    from rollbook.connectors.oneroster_csv.formulas import find_formulas

    file = tmp_path / "users.csv"
    file.write_text("sourcedId,givenName\r\n" + "u1,Zoe\r\n" * 400_000 + "u2,=1+1\r\n")
    assert find_formulas(file) == 400_002


# --- who, and from where ----------------------------------------------------------------------------------------------


def test_others_see_the_list_and_cannot_upload(cora: Person, packages: list[bytes]) -> None:
    send(cora, packages[0])
    viewer = make_person("Vera", org="cedar", role="viewer")
    page = viewer.get(PAGE)
    assert "roster.zip" in words(page)
    assert "<fieldset disabled>" in page.content.decode()
    assert send(viewer, packages[0], follow=False).status_code == 403
    assert UploadRow.objects.count() == 1


def test_another_sis_has_no_uploads(ann: Person, packages: list[bytes]) -> None:
    assert "does not read such files" in words(ann.get("/o/maple/files/"))
    file = SimpleUploadedFile("x.zip", packages[0])
    answer = ann.client.post("/o/maple/files/upload", {"file": file})
    assert answer.status_code == 422
    assert not UploadRow.objects.exists()


def test_uploads_become_the_source_by_a_decision(cora: Person, world: Space, packages: list[bytes]) -> None:
    text = CSV.replace("upload:", "/srv/oneroster").replace("SPACE", world.name)
    import_settings(text, name="test", around=Surroundings({}, Path()), by=OPERATOR)
    page = cora.get(PAGE).content.decode()
    assert "/srv/oneroster" in page
    assert 'name="seen" value="2"' in page
    late = cora.client.post(f"{PAGE}use-uploads", {"seen": "1"}, follow=True)
    assert "changed by somebody else" in words(late)
    done = cora.client.post(f"{PAGE}use-uploads", {"seen": "2"}, follow=True)
    assert "From now on runs read what you upload here" in words(done)
    assert "Runs read the file that was uploaded last" in words(cora.get(PAGE))
