"""Rate limits hold for all processes of an installation together, in both databases."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollbook.store.folder import DataFolder
from rollbook.store.turns import Turns
from tests.web.accounts import sign_in, with_password
from tests.web.people import PASSWORD, make_person, words

ELSEWHERE = """
import sys
from pathlib import Path
import rollbook.web
from tests.cli.kit import open_store
from tests.web.accounts import sign_in
from tests.web.people import words
with open_store(Path(sys.argv[1])) as folder:
    from rollbook.web.opening import open_pages
    open_pages(folder)
    for _ in range(int(sys.argv[2])):
        print("not correct" if "not correct" in words(sign_in("gus@example.org", "wrong")) else "refused")
"""


@pytest.mark.usefixtures("database")
def test_guesses_in_one_process_count_in_another(pages: DataFolder) -> None:
    person = make_person("Gus")
    with_password(person)
    command = [sys.executable, "-c", ELSEWHERE, str(pages.path), "4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["not", "correct"] * 4
    assert "not correct" in words(sign_in("gus@example.org", "wrong", Client()))
    assert "Too many failed" in words(sign_in("gus@example.org", PASSWORD, Client()))


@pytest.mark.usefixtures("database", "turns_clock")
def test_turns_of_two_processes_come_from_one_table(pages: DataFolder) -> None:
    one, other = Turns("test", 10, at_once=2), Turns("test", 10, at_once=2)  # two processes
    answers = [each.take("t") == 0.0 for _ in range(7) for each in (one, other)]
    assert answers.count(True) == 10
    assert 0 < one.take("t") <= 6.001
    assert one.take("another") == 0.0


def test_turns_come_back(pages: DataFolder, turns_clock: list[datetime]) -> None:
    turns = Turns("test", 60, at_once=1)
    assert [turns.take("t") == 0.0 for _ in range(61)][-2:] == [True, False]
    turns_clock[0] += timedelta(seconds=10)
    assert [turns.take("t") == 0.0 for _ in range(11)] == [True] * 10 + [False]


def test_unused_turns_go_back(pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that asks slowly is not charged for what its process had taken for it."""
    monkeypatch.setattr("rollbook.store.turns._MINE_FOR_S", 0.0)
    turns = Turns("test", 40, at_once=20)
    assert [turns.take("t") for _ in range(40)] == [0.0] * 40


def test_most_requests_write_nothing(pages: DataFolder) -> None:
    turns = Turns("test", 300)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(30):
            turns.take("t")
    assert sum(query["sql"].startswith(("UPDATE", "INSERT")) for query in asked.captured_queries) <= 6
