"""Which functions and values of modules are other ones than before any test: what a test has put in their place."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

#: Constants count by value: Python makes those of `time` anew when it first reads a date.
_CONSTANTS = (str, int, float, bytes, tuple)


@dataclass
class _Seen:
    """A module when it was first looked at. `ids` is all that is in it in one look; `parts`, by name, keeps it, so that
    nothing else gets its identity."""

    ids: Sequence[int]
    parts: Mapping[str, Any]
    classes: Sequence[type]


class Modules:
    """All modules whose name begins so, but for those whose name begins like one of `but`."""

    def __init__(self, *names: str, but: tuple[str, ...] = ()) -> None:
        self._names, self._but = names, but
        self._seen: dict[str, _Seen] = {}
        self.replaced()

    def replaced(self) -> list[tuple[str, str, Any]]:
        """(module, part, what it is now), None for what is not there any more. Modules that nobody has looked at yet
        are looked at."""
        found: list[tuple[str, str, Any]] = []
        for name, module in list(sys.modules.items()):
            if not name.startswith(self._names) or name.startswith(self._but):
                continue
            seen = self._seen.get(name)
            if seen is None:
                self._seen[name] = _look(name, module)
            elif _ids(module, seen.classes) != seen.ids:
                found += [(name, part, value) for part, value in _changed(seen, _look(name, module))]
        return found


def _look(name: str, module: ModuleType) -> _Seen:
    parts = dict(_parts(name, module))
    classes = [one for one in parts.values() if isinstance(one, type) and one.__module__ == name]
    return _Seen(_ids(module, classes), parts, classes)


def _ids(module: ModuleType, classes: Sequence[type]) -> list[int]:
    return [*map(id, vars(module).values()), *(id(part) for one in classes for part in vars(one).values())]


def _parts(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    for key, value in list(vars(module).items()):
        # Parts of a package come when they are first asked for, and Python itself notes warnings in a module.
        if not isinstance(value, ModuleType) and not key.startswith("__"):
            yield key, value
        if isinstance(value, type) and value.__module__ == name:
            parts = list(vars(value).items())
            yield from ((f"{key}.{part}", one) for part, one in parts if not part.startswith(("__", "_abc")))


def _changed(seen: _Seen, now: _Seen) -> Iterator[tuple[str, Any]]:
    """What is the same but for parts that do not count is not looked through again."""
    changed = [(part, value) for part, value in now.parts.items() if not _same(seen.parts.get(part), value)]
    changed += [(part, None) for part in seen.parts.keys() - now.parts.keys()]
    if not changed:
        seen.ids, seen.parts, seen.classes = now.ids, now.parts, now.classes
    yield from changed


def _same(first: Any, now: Any) -> bool:
    return first is now or (isinstance(now, _CONSTANTS) and type(first) is type(now) and first == now)
