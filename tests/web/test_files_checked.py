"""An upload is taken at once and checked beside it: people watch, runs read the earlier file, the dead are replaced."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rollbook.core.protocols import Progress
from rollbook.engine import uploads
from rollbook.engine.uploads import check_uploads
from rollbook.errors import BadResponse
from rollbook.store.folder import DataFolder
from rollbook.store.models import UploadRow, UploadState
from tests.patience import until
from tests.web.files_case import PAGE, cora, packages, send
from tests.web.people import Person, words
from tests.web.world import run_now

__all__ = ["cora", "packages"]


@pytest.mark.usefixtures("database")
def test_the_request_only_takes_the_file(cora: Person, pages: DataFolder, packages: list[bytes]) -> None:
    answer = send(cora, packages[0], "first.zip", follow=False)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    row = UploadRow.objects.get()
    assert (row.state, row.report) == (UploadState.WAITING, None)
    assert "“first.zip” waits to be checked." in words(cora.get(PAGE))
    assert run_now(pages, "cedar").state == "failed"  # nothing that was not checked is read
    second = send(cora, packages[1], "second.zip", follow=False)
    assert (second.status_code, "is being checked at this moment" in words(second)) == (409, True)
    part = cora.get(f"{PAGE}working")
    assert "Rollbook-Ended" not in part
    assert check_uploads() == 1
    assert cora.get(f"{PAGE}working")["Rollbook-Ended"] == "true"
    assert run_now(pages, "cedar").state == "done"


def test_people_see_how_far_the_check_is(cora: Person, packages: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(uploads, "_TELL_EVERY_S", 0.01)
    judge = uploads.judge_upload

    def slowly(row: UploadRow, watch: Any, progress: Progress) -> Any:
        progress.update("check", 3, 8, "users")
        until(lambda: UploadRow.objects.get(pk=row.pk).progress)
        seen.append(words(cora.get(f"{PAGE}working")))
        return judge(row, watch, progress)

    monkeypatch.setattr(uploads, "judge_upload", slowly)
    send(cora, packages[0])
    assert "“roster.zip” is being checked. Checking the records: users (3 / 8)." in seen[0]


def test_a_check_whose_worker_died_is_made_again(cora: Person, packages: list[bytes]) -> None:
    send(cora, packages[0], follow=False)
    UploadRow.objects.update(state=UploadState.CHECKING, checked_by="dead", touched_at=timezone.now(), attempts=1)
    assert check_uploads() == 0  # it may be alive
    UploadRow.objects.update(touched_at=timezone.now() - timedelta(minutes=2))
    assert check_uploads() == 1
    assert UploadRow.objects.get().state == UploadState.KEPT


def test_a_file_that_kills_its_workers_is_refused(cora: Person, packages: list[bytes]) -> None:
    send(cora, packages[0], follow=False)
    old = timezone.now() - timedelta(minutes=2)
    UploadRow.objects.update(state=UploadState.CHECKING, checked_by="dead", touched_at=old, attempts=3)
    assert check_uploads() == 0
    assert "broke off several times" in words(cora.get(PAGE))


def test_a_lost_claim_keeps_nothing(cora: Person, packages: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    judge = uploads.judge_upload

    def late(row: UploadRow, watch: Any, progress: Progress) -> Any:
        found = judge(row, watch, progress)
        UploadRow.objects.update(checked_by="somebody else")
        return found

    monkeypatch.setattr(uploads, "judge_upload", late)
    send(cora, packages[0])
    assert UploadRow.objects.get().state == UploadState.CHECKING


def test_no_check_takes_for_ever(cora: Person, packages: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_LONGEST_S", -1.0)

    def endless(row: UploadRow, watch: Any, progress: Progress) -> Any:
        watch.check()
        raise AssertionError("it was not stopped")

    monkeypatch.setattr(uploads, "judge_upload", endless)
    assert "more than an hour" in words(send(cora, packages[0]))


def test_an_error_that_nobody_foresaw_refuses_the_file(
    cora: Person, packages: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise BadResponse("the archive is odd")

    monkeypatch.setattr(uploads, "judge_upload", fail)
    page = words(send(cora, packages[0]))
    assert "The archive is odd. Nothing was kept." in page
