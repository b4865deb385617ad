"""The generator's kinds of mess, read by the source and staged as the river does: what is found, what is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.core.duck import count
from rollbook.core.protocols import Progress
from rollbook.errors import BadResponse
from rollbook.pipeline.extract import extract
from rollbook.pipeline.stage import stage
from rollbook.pipeline.tables import Extracted, create_shared_tables
from rollbook.practice.district import generate
from rollbook.testing import make_context
from tests.scratch import in_memory

#: What each kind of mess in files is called by the source, and the collections that are not whole then.
MESS = {
    "bom": (set(), set()),
    "crlf": (set(), set()),
    "uppercase-booleans": (set(), set()),
    "ragged-rows": (set(), set()),
    "broken-quotes": (set(), set()),
    "no-manifest": (set(), set()),
    "latin1": ({"CSV_NOT_UTF8"}, set()),
    "nul-bytes": ({"CSV_NUL_BYTES"}, set()),
    "unknown-columns": ({"CSV_UNKNOWN_COLUMN"}, set()),
    "missing-columns": ({"CSV_COLUMN_EXPECTED"}, set()),
    "header-only-file": ({"CSV_EMPTY_FILE"}, set()),
    "empty-file": ({"CSV_EMPTY_FILE"}, set()),
    "truncated-file": ({"CSV_CUT_OFF"}, {"enrollments"}),
    "blank-manifest": ({"CSV_MANIFEST_UNCLEAR"}, set()),
    "wrong-manifest": ({"CSV_MANIFEST_WRONG"}, set()),
    "zip-with-folder": ({"CSV_IN_FOLDER"}, set()),
}
REFUSED = {"truncated-zip": "cut off", "zip-bomb": "200 to 1", "zip-path-escape": "leads out"}


def sis(path: Path, work: Path) -> OneRosterCsvSource:
    work.mkdir()
    return OneRosterCsvSource(OneRosterCsvOptions(path=str(path)), make_context(work))


def generated(folder: Path, mess: str, version: str = "1.1") -> Path:
    packed = "zip" in mess
    return generate(folder / "out", students=40, seed=7, version=version, mess=[mess], zip=packed)[-1]


def staged(source: OneRosterCsvSource, work: Path) -> tuple[Extracted, dict[str, int], list[str]]:
    """The verdicts, the rows that were staged by collection, and the codes that staging found."""
    db = in_memory()
    create_shared_tables(db)
    extracted = extract(source, work / "pages", Progress())
    stage(db, source, extracted, work / "staged", Progress())
    found = [code for (code,) in db.execute("SELECT DISTINCT code FROM found ORDER BY 1").fetchall()]
    return extracted, {name: count(db, name) for name in extracted.verdicts}, found


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("mess", MESS)
def test_mess_in_files_is_read_and_named(tmp_path: Path, mess: str, version: str) -> None:
    expected, incomplete = MESS[mess]
    source = sis(generated(tmp_path, mess, version), tmp_path / "work")
    extracted, rows, found = staged(source, tmp_path / "work")
    assert {code for code in found if code.startswith("CSV_")} == expected
    assert {name for name, verdict in extracted.verdicts.items() if not verdict.complete} == incomplete
    empty = {"enrollments"} if mess in ("header-only-file", "empty-file") else set()
    assert {name for name, number in rows.items() if number == 0} == empty
    assert ("roles" in rows) == (version == "1.2")


@pytest.mark.parametrize("mess", ["latin1", "nul-bytes", "crlf", "bom", "zip-with-folder", "blank-manifest"])
def test_nothing_is_lost_in_mending(tmp_path: Path, mess: str) -> None:
    (tmp_path / "clean").mkdir()
    clean = generate(tmp_path / "clean", students=40, seed=7)[-1]
    wanted = staged(sis(clean, tmp_path / "work-1"), tmp_path / "work-1")[1]
    assert staged(sis(generated(tmp_path, mess), tmp_path / "work-2"), tmp_path / "work-2")[1] == wanted


@pytest.mark.parametrize("mess", REFUSED)
def test_dangerous_and_broken_zips_are_refused(tmp_path: Path, mess: str) -> None:
    source = sis(generated(tmp_path, mess), tmp_path / "work")
    with pytest.raises(BadResponse, match=REFUSED[mess]):
        extract(source, tmp_path / "pages", Progress())
    assert not list((tmp_path / "work").glob("**/*.csv"))


def test_delta_files_are_known_as_such(tmp_path: Path) -> None:
    folder = generate(tmp_path / "out", students=40, seed=7, days=2, mess=["delta-mode"], change=0.4)[-1]
    verdicts = extract(sis(folder, tmp_path / "work"), tmp_path / "pages", Progress()).verdicts
    assert {verdict.mode for verdict in verdicts.values()} <= {"delta", "absent"}
    assert {name for name, verdict in verdicts.items() if verdict.mode == "delta"} >= {"users", "enrollments"}
