"""Puts the ids of a run on every log line of its worker, and tells its start and end. Changes nothing about the run."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from rollbook.engine.log import logged
from rollbook.store.lease import Lease
from rollbook.store.models import Organization, Run

log = logging.getLogger(__name__)
_Self = TypeVar("_Self")
_Result = TypeVar("_Result")


def logged_run(work: Callable[[_Self, Lease], _Result]) -> Callable[[_Self, Lease], _Result]:
    """For the method that carries out the run of a lease."""

    @functools.wraps(work)
    def with_ids(self: _Self, lease: Lease) -> _Result:
        slug = Organization.objects.filter(pk=lease.organization).values_list("slug", flat=True).first()
        with logged(run=lease.run, organization=slug):
            start = time.monotonic()
            log.info("the run begins")
            result = work(self, lease)
            state, error = Run.objects.values_list("state", "error_name").get(pk=lease.run)
            words = f"{state} {error}".strip()
            log.log(logging.WARNING if error else logging.INFO, "run %s, %.1f s", words, time.monotonic() - start)
            return result

    return with_ids
