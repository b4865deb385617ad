"""A practice system for a bench, in a process of its own: prints its address and ends when its stdin does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rollbook.practice.lms import create_lms
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis


def _app(kind: str, **settings: Any) -> Any:
    if kind == "lms":
        return create_lms(**settings)
    if kind == "moodle":
        return create_moodle(**settings)
    prerender = settings.pop("prerender", None)
    directory = Path(settings.pop("directory"))
    return create_sis(directory, prerender=tuple(prerender) if prerender else None, **settings)


def main(arguments: dict[str, Any]) -> None:
    with serve(_app(**arguments)) as running:
        print(json.dumps({"url": running.url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
