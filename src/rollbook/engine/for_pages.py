"""What pages look up is prepared when a run has ended: the counts of its plan, and the list of sections. Runs need none
of it, so trouble here is logged and made up for later."""

from __future__ import annotations

import logging

from django.db import Error

from rollbook.engine.trouble import silence
from rollbook.errors import RollbookError
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.models import Organization, Run
from rollbook.store.plan_counts import keep_counts
from rollbook.store.runs import stored_plan
from rollbook.store.scratch import looking_scratch
from rollbook.store.section_lines import keep_lines

log = logging.getLogger(__name__)


def prepare_run(folder: DataFolder, run: str) -> None:
    """Prepare what pages show of a run that has ended, and what it changed of the list of sections."""
    try:
        ended = Run.objects.get(pk=run)
        plan = stored_plan(ended)
        with looking_scratch(folder) as scratch:
            if plan is not None:
                keep_counts(ended, plan, open_blobs(folder, scratch))
            keep_lines(ended.organization_id, open_blobs(folder, scratch))
    except (RollbookError, Error) as error:
        log.warning("what pages show of run %s is not prepared: %s", run, _words(error))
    except Exception:  # the run has ended well or badly, and stays so
        log.error("preparing what pages show of run %s met an error that nobody foresaw", run, exc_info=True)


def prepare_lists(folder: DataFolder) -> int:
    """Bring the lists of sections of all organizations in step: where a worker was broken off, and after an upgrade.
    Says how many lines changed."""
    changed = 0
    for organization in Organization.objects.order_by("pk"):
        try:
            with looking_scratch(folder) as scratch:
                changed += keep_lines(organization.pk, open_blobs(folder, scratch))
        except RollbookError as error:
            log.warning("the list of sections of %s is not in step: %s", organization.slug, _words(error))
    return changed


def _words(error: Exception) -> str:
    return silence(error) if isinstance(error, Error) else str(error)
