"""An organization of tests on a practice space in memory, and runs of it that are worked at once."""

from __future__ import annotations

from pathlib import Path

from rollbook.actions.actors import OPERATOR
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.engine.waiting import work_until_ended
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from tests.cli.kit import SETTINGS
from tests.web.relived import relive


def import_maple(space_name: str, *, slug: str = "maple", more: str = "") -> None:
    """The organization `maple` (or another slug), everything mapped, its SIS and LMS in the space of this name."""
    text = SETTINGS.replace("SPACE", space_name).replace("slug: maple,", f"slug: {slug},")
    import_settings(text + more, name="test", around=Surroundings({}, Path()), by=OPERATOR)


def run_now(folder: DataFolder, org: str = "maple", *, by: str = OPERATOR, wanted: Wanted | None = None) -> Run:
    """Ask for a run and work it to its end; what began just so before is put in place."""
    asked = wanted or Wanted()

    def work() -> Run:
        return work_until_ended(folder, request_run(org=org, wanted=asked, by=by).pk)

    return relive(folder, org, (asked, by), work)
