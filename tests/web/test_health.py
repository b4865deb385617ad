"""Is the process alive, can work be done? Asked over HTTP."""

from __future__ import annotations

import pytest
from django.db import connection

from rollbook.store.folder import DataFolder
from rollbook.store.workers import register
from tests.cli.kit import check_schema
from tests.web.asking import Site


def _ready(site: Site) -> dict[str, object]:
    page = site.get("/readyz")
    check_schema("readyz", page.json)
    assert page.status == (200 if page.json["ready"] else 503)
    assert page.json["ready"] is not bool(page.json["reasons"])
    return dict(page.json)


def test_alive(site: Site) -> None:
    page = site.get("/healthz")
    assert (page.status, page.text) == (200, "ok\n")
    assert page.headers["Cache-Control"] == "no-store"


def test_alive_without_a_database(site: Site, folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.database.rename(folder.path / "away")
    folder.database.mkdir()  # a folder in its place cannot be opened
    assert site.get("/healthz").status == 200
    found = _ready(site)
    assert found["checks"]["database"] == "the database does not answer: OperationalError"
    monkeypatch.setenv("ROLLBOOK_METRICS_TOKEN", "t")
    assert site.get("/metrics", Authorization="Bearer t").status == 503
    folder.database.rmdir()
    (folder.path / "away").rename(folder.database)
    assert site.get("/readyz").json["checks"]["database"] == "ok"


@pytest.mark.parametrize(
    ("alive", "ready", "words"),
    [
        (2, True, "ok"),
        (0, False, "no worker works the queue: rollbook up, or rollbook worker"),
    ],
)
def test_ready_when_a_worker_lives(
    site: Site, monkeypatch: pytest.MonkeyPatch, alive: int, ready: bool, words: str
) -> None:
    monkeypatch.setattr("rollbook.store.workers.alive", lambda: alive)
    found = _ready(site)
    assert found["ready"] is ready
    assert found["checks"]["worker"] == words


def test_not_ready_while_tables_are_of_an_earlier_release(site: Site) -> None:
    register("somebody")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'store' AND name = '0007_notices'")
    assert _ready(site)["checks"]["migrations"] == "the tables are of an earlier release: rollbook migrate"


@pytest.mark.parametrize("path", ["/nothing", "/admin", "/healthz/", "/%00", "/..%2f..%2fkeys"])
def test_nothing_else_is_there(site: Site, path: str) -> None:
    assert site.get(path).status == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_only_looking_is_allowed(site: Site, path: str) -> None:
    assert site.get(path, method="POST").status == 405
