"""Files: the key of an SFTP host is shown, compared by a person and confirmed; then runs fetch from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import Space
from rollbook.practice import district
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow
from tests.integration.sftp_host import PASSWORD, USER, Host
from tests.web.files_case import CSV, PAGE, pack
from tests.web.people import Person, make_person, words
from tests.web.world import run_now


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    day = district.generate(tmp_path / "district", students=20, seed=5, days=1)[0]
    (folder / "roster-1.zip").write_bytes(pack({file.name: file.read_bytes() for file in day.glob("*.csv")}))
    with Host(folder).serving() as found:
        yield found


@pytest.fixture
def cora(world: Space, host: Host, monkeypatch: pytest.MonkeyPatch) -> Person:
    """The acting user of cedar, which fetches from the host."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    options = f"path: '/roster-*.zip', host: 127.0.0.1, port: {host.port}, user: {USER}, password: '{PASSWORD}'"
    text = CSV.replace("SPACE", world.name).replace("path: 'upload:'", options)
    import_settings(text, name="test", around=Surroundings({}, Path()), by=OPERATOR)
    return make_person("Cora Acting", org="cedar", acting=True)


def test_the_key_is_shown_compared_and_confirmed(cora: Person, host: Host, pages: DataFolder) -> None:
    fingerprint = host.key.get_fingerprint("sha256")
    assert "not confirmed yet, so nothing can be fetched" in words(cora.get(PAGE))
    first = run_now(pages, "cedar")
    assert (first.state, fingerprint in first.error) == ("failed", True)
    shown = cora.post(f"{PAGE}host-key")
    assert fingerprint in words(shown)
    assert f'name="host_key" value="{host.line}"' in shown.content.decode()
    late = cora.client.post(f"{PAGE}host-key/confirm", {"host_key": host.line, "seen": "0"}, follow=True)
    assert "changed by somebody else" in words(late)
    done = cora.client.post(f"{PAGE}host-key/confirm", {"host_key": host.line, "seen": "1"}, follow=True)
    assert f"The host key {fingerprint} is confirmed" in words(done)
    assert AuditRow.objects.filter(action="confirm host key").count() == 1
    run = run_now(pages, "cedar")
    assert (run.state, run.error) == ("done", "")
    assert run.result["kinds"]["user"]["done"] >= 20


def test_another_key_is_told_on_the_page_and_by_the_run(cora: Person, host: Host, pages: DataFolder) -> None:
    other = Host(host.folder).line
    cora.post(f"{PAGE}host-key/confirm", host_key=other, seen="1")
    run = run_now(pages, "cedar")
    assert (run.state, "does not have the host key that was confirmed" in run.error) == ("failed", True)
    assert "asks the owner of the SFTP host" in run.error_who
    assert PASSWORD not in run.error
    assert "This is another key than the one that was confirmed" in words(cora.post(f"{PAGE}host-key"))


def test_what_is_no_key_is_not_saved(cora: Person) -> None:
    page = cora.client.post(f"{PAGE}host-key/confirm", {"host_key": "trust me", "seen": "1"}, follow=True)
    assert "must look like" in words(page)
    assert "not confirmed yet" in words(page)


def test_only_the_acting_user_asks_and_confirms(cora: Person) -> None:
    viewer = make_person("Vera", org="cedar", role="viewer")
    assert "Ask the host for its key" not in words(viewer.get(PAGE))
    assert viewer.post(f"{PAGE}host-key").status_code == 403
    assert viewer.post(f"{PAGE}host-key/confirm").status_code == 403
