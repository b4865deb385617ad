"""Progress of long work: a bar on stderr when that is a terminal, else nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollbook.core.protocols import Progress, ProgressListener


@contextmanager
def progress_bar() -> Iterator[ProgressListener | None]:
    """A listener that draws, or None. It may be called in any thread."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=None)

        def listen(progress: Progress, /) -> None:
            words = f"{progress.stage} {progress.note}".strip()
            bars.update(task, description=words, completed=progress.done, total=progress.total)

        yield listen
