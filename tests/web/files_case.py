"""What the tests of the page Files share: an organization that reads uploads, packages, and sending one."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rollbook.actions.actors import OPERATOR
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import Space
from rollbook.engine.uploads import check_uploads
from rollbook.practice import district
from tests.cli.kit import SETTINGS
from tests.web.people import Answer, Person, make_person

PAGE = "/o/cedar/files/"
CSV = SETTINGS.replace("slug: maple,", "slug: cedar,").replace(
    "sis: {connector: memory, options: {space: SPACE, key: memory}}",
    "sis: {connector: oneroster_csv, options: {path: 'upload:'}}",
)


@pytest.fixture
def cora(world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """The acting user of cedar, which reads uploaded files."""
    passing = tmp_path / "passing"
    passing.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(passing))
    import_settings(CSV.replace("SPACE", world.name), name="test", around=Surroundings({}, Path()), by=OPERATOR)
    return make_person("Cora Acting", org="cedar", acting=True)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Seven days of a small district, each as a zip."""
    folders = district.generate(tmp_path_factory.mktemp("cedar"), students=20, seed=5, days=7, change=0.1)
    return [pack({file.name: file.read_bytes() for file in folder.glob("*.csv")}) for folder in folders]


def pack(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def unpack(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def send(person: Person, content: bytes, name: str = "roster.zip", *, follow: bool = True) -> Answer:
    """Send a file; with `follow` its check is worked too, and the page is the one that tells of it."""
    file = SimpleUploadedFile(name, content, content_type="application/zip")
    answer = person.client.post(f"{PAGE}upload", {"file": file})
    if not follow or answer.status_code != 302:
        return answer
    check_uploads()
    return person.get(PAGE)
