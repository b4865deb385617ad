"""Exit codes of runs: 0 done, 1 failed or cancelled, 2 wrong settings, 3 something is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import errors

if TYPE_CHECKING:
    from rollbook.store.models import Run

OK, FAILED, WRONG, HELD = 0, 1, 2, 3


def code_of(run: Run) -> int:
    """The exit code of a run that has ended."""
    if run.state == "failed":
        kind = getattr(errors, run.error_name, None)
        return int(kind.exit_code) if isinstance(kind, type) and issubclass(kind, errors.RollbookError) else FAILED
    if run.state == "cancelled":
        return FAILED
    if run.state == "held" or run.holds.filter(state="waiting").exists():
        return HELD
    return OK
