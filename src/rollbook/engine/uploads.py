"""Checks packages that were uploaded, one after the other, while their people watch. A claim says which worker is at
it; one that was not seen for a while is taken over."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from django.db import Error, connection
from django.db.models import Q
from django.utils import timezone

from rollbook.actions.uploads import judge_upload, keep_upload, refuse_upload
from rollbook.core.protocols import Progress
from rollbook.engine.trouble import silence
from rollbook.errors import BadResponse, Bug, RollbookError, RunCancelled
from rollbook.store.models import UploadRow, UploadState

log = logging.getLogger(__name__)

#: How often the page learns how far the check is, and how long a worker may not be seen.
_TELL_EVERY_S: Final = 1.0
_CLAIM_ENDS: Final = timedelta(minutes=1)
_MOST_ATTEMPTS: Final = 3
#: No honest package takes longer.
_LONGEST_S: Final = 3600.0
_BROKE_OFF: Final = "its check broke off several times; most likely this server has too little memory or disk for it"


def check_uploads() -> int:
    """Check what waits, of every organization; how many were checked."""
    done = 0
    while (claim := _claim()) is not None:
        _check(claim)
        done += 1
    return done


class _Watch:
    """Of one check: whether somebody else has it by now, and whether it takes too long."""

    def __init__(self) -> None:
        self.lost = threading.Event()
        self._until = time.monotonic() + _LONGEST_S

    def check(self) -> None:
        if self.lost.is_set():
            raise RunCancelled("the check goes on elsewhere")
        if time.monotonic() > self._until:
            raise BadResponse("its check took more than an hour")

    def wait(self, seconds: float) -> None:
        self.lost.wait(seconds)
        self.check()


def _claim() -> UploadRow | None:
    stale = Q(state=UploadState.CHECKING, touched_at__lt=timezone.now() - _CLAIM_ENDS)
    for row in UploadRow.objects.filter(Q(state=UploadState.WAITING) | stale).order_by("pk"):
        same = UploadRow.objects.filter(pk=row.pk, state=row.state, checked_by=row.checked_by)
        me: dict[str, Any] = {"checked_by": uuid.uuid4().hex, "touched_at": timezone.now()}
        if not same.update(state=UploadState.CHECKING, attempts=row.attempts + 1, **me):
            continue  # somebody was faster
        claim = UploadRow.objects.select_related("organization").get(pk=row.pk)
        if claim.attempts <= _MOST_ATTEMPTS:
            return claim
        refuse_upload(claim, _BROKE_OFF)
    return None


def _check(claim: UploadRow) -> None:
    watch, progress = _Watch(), Progress()
    try:
        with _telling(claim, watch, progress):
            checked = judge_upload(claim, watch, progress)
        keep_upload(claim, checked)
    except RunCancelled:
        log.info("the check of upload %s goes on elsewhere", claim.pk)
    except RollbookError as error:
        if isinstance(error, Bug):
            log.error("checking upload %s met an error that nobody foresaw", claim.pk, exc_info=error)
        refuse_upload(claim, str(error))


@contextmanager
def _telling(claim: UploadRow, watch: _Watch, progress: Progress) -> Iterator[None]:
    """Beside the check: say how far it is, and that somebody is at it."""
    over = threading.Event()

    def tell() -> None:
        mine = UploadRow.objects.filter(pk=claim.pk, state=UploadState.CHECKING, checked_by=claim.checked_by)
        while not over.wait(_TELL_EVERY_S):
            now = {"stage": progress.stage, "done": progress.done, "total": progress.total, "note": progress.note}
            try:
                if not mine.update(progress=now, touched_at=timezone.now()):
                    watch.lost.set()
            except Error as error:
                log.warning("upload %s: %s", claim.pk, silence(error))
                connection.close()
        connection.close()

    thread = threading.Thread(target=tell, name=f"upload {claim.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
