"""A SIS that refuses, breaks off or answers nonsense: who must act is named, and nothing is removed or lost."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.practice import District, check_words, district, practice_sis, quiet, synced

__all__ = ["district", "synced"]
ENROLLMENTS = "path=/enrollments"


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_wrong_secret_names_the_admin_and_is_not_repeated(synced: District, days: list[Path]) -> None:
    before = synced.state()
    with practice_sis(days[0]) as sis:
        synced.asks(sis, secret="practice-secret")
        run = synced.sync(code=1)
        assert run["error"]["error"] == "AuthFailed"
        assert "the SIS" in run["error"]["message"]
        assert run["error"]["who"] == "the admin, who renews the credentials"
        check_words(synced.rollbook.text("sync", "maple"))
        check_words(synced.rollbook.text("check", "--org", "maple"))
    assert synced.state() == before


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("html", "BadResponse", "web page"),
        ("not_json", "BadResponse", "not JSON"),
        ("no_envelope", "BadResponse", "without 'orgs'"),
        ("truncate", "BadResponse", "not JSON"),
        (f"html:{ENROLLMENTS}", "BadResponse", "asked for: enrollments"),
        ("throttle:retry_after=500", "Throttled", "wait 500 seconds"),
        ("scope_refused", "ConfigError", "scopes"),
    ],
)
def test_nonsense_ends_the_run_and_touches_nothing(
    synced: District, days: list[Path], fault: str, error: str, words: str
) -> None:
    before = synced.state()
    with practice_sis(days[1], fault) as sis:
        synced.asks(sis)
        run = synced.sync(code=2 if error == "ConfigError" else 1)
    assert run["error"]["error"] == error
    assert words in run["error"]["message"]
    assert run["settled"]
    assert synced.state() == before


@pytest.mark.rule(20)
@pytest.mark.parametrize(
    "fault",
    ["skip_rows:path=/users,rows=15", "truncate:path=/users,after=1", "no_envelope:path=/classes,after=1",
     "wrong_total:by=7", "skip_rows:path=/enrollments"],
)  # fmt: skip
def test_what_was_not_read_whole_takes_nothing_away(synced: District, days: list[Path], fault: str) -> None:
    before = synced.state()
    with practice_sis(days[0], fault) as sis:
        synced.asks(sis, page_size=20)
        run = synced.sync(code=3)
    assert run["findings"]["SOURCE_INCOMPLETE"] >= 1
    assert run["verdicts"]
    assert synced.state() == before


@pytest.mark.rule(12)
@pytest.mark.parametrize("fault", ["skip_rows:path=/orgs", "repeat_page:path=/orgs"])
def test_a_school_that_was_not_read_moves_nobody(synced: District, days: list[Path], fault: str) -> None:
    before = synced.state()
    with practice_sis(days[0], fault) as sis:
        synced.asks(sis, page_size=3)
        run = synced.sync(code=3)
    assert run["findings"]["USER_ORG_MISSING"] >= 1
    assert synced.state() == before


@pytest.mark.parametrize(
    "fault",
    ["expire_token:uses=3", "short_token:seconds=0.2", "server_error:times=2", "half_page:times=1",
     "drop_answer:times=1", "throttle:times=1", "short_pages", "no_link", "link_other_origin"],
)  # fmt: skip
def test_passing_trouble_is_waited_out(synced: District, days: list[Path], fault: str) -> None:
    before = synced.state()
    with practice_sis(days[0], fault) as sis:
        synced.asks(sis, page_size=50)
        run = synced.sync()
    assert quiet(run)
    assert synced.state() == before


def test_who_cannot_be_reached_is_said(synced: District, days: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.connectors.kit.retry.Retry.backoff", lambda self, attempt: 0.0)
    synced.asks(f"http://127.0.0.1:{_closed_port()}")
    run = synced.sync(code=1)
    assert run["error"]["error"] == "Unavailable"
    assert "the SIS (127.0.0.1) cannot be reached" in run["error"]["message"] or "token" in run["error"]["message"]
    assert run["error"]["who"].startswith("nobody yet")
    with practice_sis(days[0]) as sis:
        synced.asks(sis.replace("http:", "https:"))
        run = synced.sync(code=2)
    assert "does not answer in https" in run["error"]["message"]


def test_a_wrong_address_says_so(synced: District, days: list[Path]) -> None:
    with practice_sis(days[0]) as sis:
        synced.asks(sis, base_url=f"{sis}/nothing/v1p1")
        run = synced.sync(code=1)
    assert "check the address" in run["error"]["message"]


def test_plain_http_needs_leave(synced: District, days: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS")
    with practice_sis(days[0]) as sis:
        synced.asks(sis)
        run = synced.sync(code=2)
    assert run["error"]["who"] == "the admin"
    assert "https" in run["error"]["message"]
