"""Test connection: against a practice SIS and LMS over HTTP, with typed and with saved values."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.kit.retry import Retry
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow
from tests.cli.practice import practice_sis
from tests.patience import LONG
from tests.web.elm import AT, html, lms_data, make_elm, number, select, sis_data
from tests.web.people import Person, make_person, words

TEST = f"{AT}configuration/sis/test/"
WRONG = "a-wrong-secret-to-look-for"


@pytest.fixture
def eve(pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Person:
    """May talk to this machine."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    found = make_elm()
    select(found)
    return found


@pytest.fixture(scope="module")
def sis(days: list[Path]) -> Iterator[str]:
    with practice_sis(days[0]) as url:
        yield url


def test_typed_values_are_tested_and_not_saved(eve: Person, sis: str) -> None:
    answer = eve.post(TEST, **sis_data(sis))
    text = words(answer)
    assert answer.status_code == 200
    assert "The connection works." in text
    assert "connected" in text
    for fact in ("Schools and districts", "Users", "Enrollments", "OneRoster version 1.1", "Clock"):
        assert fact in text, fact
    assert number() == 1
    assert f'value="{sis}/token"' in html(answer)  # what was typed is still there
    row = AuditRow.objects.get(action="test connection")
    assert (row.by, row.organization, row.subject) == ("Eve Elm (eve.elm@example.org)", "elm", "sis")


def test_saved_values_are_tested(eve: Person, sis: str) -> None:
    eve.post(f"{AT}configuration/sis/", **sis_data(sis))
    assert "The connection works." in words(eve.post(TEST, **sis_data(sis, **{"sis-secret": ""})))


def test_a_wrong_secret(eve: Person, sis: str) -> None:
    answer = eve.post(TEST, **sis_data(sis, **{"sis-secret": WRONG}))
    text = words(answer)
    assert "The connection does not work." in text
    assert "Who must act: You: check Consumer Key and Consumer Secret." in text
    assert WRONG not in html(answer)


def test_a_typed_secret_is_tested_instead_of_the_saved_one(eve: Person, sis: str) -> None:
    eve.post(f"{AT}configuration/sis/", **sis_data(sis))
    assert "does not work" in words(eve.post(TEST, **sis_data(sis, **{"sis-secret": WRONG})))


def test_nobody_answers(eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried some times, though without the waits between them."""
    monkeypatch.setattr(Retry, "backoff", lambda _self, _attempt: 0.01)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        text = words(eve.post(TEST, **sis_data(address)))
    assert "The connection does not work." in text
    assert "check the address" in text


def test_what_answers_is_no_sis(eve: Person, sis: str) -> None:
    with serve(create_lms()) as lms:
        data = sis_data(sis, **{"sis-base_url": f"{lms.url}/ims/oneroster/v1p1"})
        text = words(eve.post(TEST, **data))
    assert "The connection does not work." in text
    assert "Who must act:" in text


@pytest.mark.parametrize("field", ["sis-base_url", "sis-token_url"])
def test_private_hosts_need_the_variable(eve: Person, sis: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS")
    answer = eve.post(TEST, **sis_data("https://sis.example", **{field: sis.replace("http:", "https:")}))
    assert answer.status_code == 422
    assert "ROLLBOOK_ALLOW_PRIVATE_HOSTS=1" in words(answer)
    assert not AuditRow.objects.filter(action="test connection").exists()


def test_a_name_that_leads_to_this_machine_is_private_too(
    eve: Person, sis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that a name stands for is judged when the connection is made."""
    monkeypatch.delenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS")
    port = sis.rpartition(":")[2]
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))
    text = words(eve.post(TEST, **sis_data(f"https://sis.example:{port}")))
    assert "The connection does not work." in text
    assert "private address" in text


def test_fields_that_are_wrong_are_not_tested(eve: Person) -> None:
    answer = eve.client.post(TEST, {**sis_data("https://sis.example"), "sis-key": ""}, headers={"HX-Request": "true"})
    text = words(answer)
    assert "Not tested." in text
    assert "Consumer Key: This field is required." in text
    assert "<html" not in html(answer)


def test_a_part_of_the_page_is_answered_to_a_script(eve: Person, sis: str) -> None:
    answer: Any = eve.client.post(TEST, sis_data(sis), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert "The connection works." in words(answer)
    assert "<html" not in html(answer)


@pytest.mark.usefixtures("turns_clock")
def test_a_few_a_minute(eve: Person, sis: str) -> None:
    texts = [words(eve.post(TEST, **sis_data(sis))) for _ in range(6)]
    assert all("The connection works." in text for text in texts[:5])
    assert "Wait a minute, then test again" in texts[5]
    assert AuditRow.objects.filter(action="test connection").count() == 5


def test_a_silent_sis_is_left_in_time(eve: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection, and then says a letter now and then."""
    monkeypatch.setattr("rollbook.engine.try_connection._LEFT", 1.0)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dribble() -> None:
            taken, _ = server.accept()
            with taken:
                taken.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.1):
                    taken.sendall(b"X")

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        begun = time.monotonic()
        text = words(eve.post(TEST, **sis_data(f"http://127.0.0.1:{server.getsockname()[1]}")))
        assert time.monotonic() - begun < 30, "as long as a test may take that is not silent"
        stop.set()
        thread.join(LONG)
    assert "takes too long to answer" in text


def test_the_lms(eve: Person) -> None:
    path = f"{AT}configuration/lms/test/"
    with serve(create_lms()) as lms:
        text = words(eve.post(path, **lms_data(lms.url)))
        assert "The connection works." in text
        assert "Buildings" in text
        text = words(eve.post(path, **lms_data(lms.url, **{"lms-secret": WRONG})))
    assert "The connection does not work." in text
    assert "School Management, Integration, API" in text
    assert WRONG not in text


def test_files(pages: DataFolder, days: list[Path], tmp_path: Path) -> None:
    eve = make_elm()
    select(eve, "csv")
    assert "There are no files yet" in words(eve.post(TEST, seen=1, **{"sis-files": "bulk"}))
    eve.account.is_operator = True
    eve.account.save()
    assert "export with all files" in words(eve.post(TEST, seen=1, **{"sis-path": str(days[0]), "sis-files": "bulk"}))
    assert "does not work" in words(eve.post(TEST, seen=1, **{"sis-path": str(tmp_path / "no"), "sis-files": "bulk"}))


def test_others_do_not_test(eve: Person, sis: str) -> None:
    for role in ("administrator", "viewer", "teacher"):
        other = make_person(f"Otto {role}", org="elm", role=role)
        assert other.post(TEST, **sis_data(sis)).status_code == 403
    assert make_person("Stan").post(TEST, **sis_data(sis)).status_code == 404
