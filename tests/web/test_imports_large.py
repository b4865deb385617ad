"""CSV imports at their bound are checked within the request: in how much of a processor's time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rollbook.actions import matching_files
from rollbook.connectors.memory.space import Space
from rollbook.store.accounts_given import Account, Accounts
from rollbook.store.folder import DataFolder
from rollbook.store.models import MatchDecision, PasswordRow
from rollbook.web.csv_in import MOST_ROWS
from rollbook.web.pages import manage_users_import
from tests.web.people import Person
from tests.web.test_data_prep import HERE, LOOK, clash
from tests.web.world import run_now

#: A request may use so many seconds of a processor; a machine that nobody shares needs a third of that.
MOST_S = 3.0
#: What `_known_work` takes on that machine. A slower one, or one that shares its cores, takes longer for both.
_KNOWN_S = 0.011


def _spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, as many as they would be on the machine of MOST_S, and what `work` gives."""
    before = [_seconds(_known_work)[0] for _ in range(5)]
    spent, answer = _seconds(work)
    known = [*before, *(_seconds(_known_work)[0] for _ in range(5))]
    return spent / max(1.0, sum(known) / len(known) / _KNOWN_S), answer


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    answer = work()
    return time.process_time() - start, answer


def _known_work() -> None:
    rows = [{"unique_id": f"u-{n}", "username": f"name-u-{n}", "password": f"Passphrase-{n:06}"} for n in range(4000)]
    found = {row["unique_id"]: re.sub("[a-z]+-", "", row["password"]) for row in json.loads(json.dumps(rows))}
    sorted(found.items(), key=lambda one: one[1])


def test_passwords(ann: Person, world: Space, pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run_now(pages)
    number = manage_users_import._MOST_ROWS

    def known(_self: Accounts, names: Iterable[str]) -> list[Account]:
        keys = {name for name in names if name.startswith("u-")}
        return [Account(key, "A", "B", f"name-{key}", None, "Student", "s", "created", "1") for key in keys]

    monkeypatch.setattr(Accounts, "known", known)
    lines = ["unique_id,username,password", *(f"u-{n},name-u-{n},Passphrase-{n:06}-x" for n in range(number))]
    file = SimpleUploadedFile("passwords.csv", "\n".join(lines).encode())
    looked, page = _spent(lambda: ann.client.post("/o/maple/manage-users/import/", {"file": file}))
    assert page.status_code == 200
    sealed = page.content.decode().split('name="confirmed" value="')[1].split('"')[0]
    kept, done = _spent(lambda: ann.client.post("/o/maple/manage-users/import/", {"confirmed": sealed}))
    assert done.status_code == 302
    assert PasswordRow.objects.filter(key__startswith="u-").count() == number
    print(f"passwords: looked at in {looked:.2f} s, kept in {kept:.2f} s")
    assert max(looked, kept) < MOST_S


def test_decisions(ann: Person, world: Space, pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    clash(world)
    run_now(pages, wanted=LOOK)

    def asked(_blobs: Any, _look: Any, keys: Sequence[str]) -> dict[str, list[str]]:
        return {key: [f"9{key.removeprefix('u-')}"] for key in keys}

    monkeypatch.setattr(matching_files, "accounts_in_question", asked)
    lines = ["unique_id,lms_id,first_name,last_name,username,decision"]
    lines += [f"u-{n},9{n},First{n},Last{n},name-{n},link" for n in range(MOST_ROWS)]
    file = SimpleUploadedFile("decisions.csv", "\n".join(lines).encode())
    looked, page = _spent(lambda: ann.client.post(f"{HERE}decisions/", {"file": file}))
    signed = page.content.decode().split('name="confirmed" value="')[1].split('"')[0]
    kept, done = _spent(lambda: ann.client.post(f"{HERE}decisions/", {"confirmed": signed}))
    assert done.status_code == 302
    assert MatchDecision.objects.filter(key__startswith="u-").count() == MOST_ROWS
    print(f"decisions: looked at in {looked:.2f} s, kept in {kept:.2f} s")
    assert max(looked, kept) < MOST_S
