"""Faults by name that a practice system can be told to show; never random, so a test can repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LIMITS = {"times": 0, "after": 0, "every": 1, "path": "", "method": ""}


class UnknownFault(ValueError):
    """The system does not know this fault, or the fault does not know this parameter."""


@dataclass
class Fault:
    """One fault that is switched on.

    `times` 0 means without end; the first `after` matching requests pass; then each `every`-th one is hit.
    `path` is a prefix of the request's path, `method` an HTTP method or several joined by `+`; empty matches all.
    """

    name: str
    times: int = 0
    after: int = 0
    every: int = 1
    path: str = ""
    method: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    hits: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count this request if it matches, and say whether the fault hits it."""
        if not path.startswith(self.path) or (self.method and method not in self.method.upper().split("+")):
            return False
        if self.times and self.hits >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.seen - self.after) % self.every:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults one practice system knows, and those that are on.

    `known` maps a name to its own parameters with their defaults, e.g. {"slow": {"seconds": 1.0}}; the
    limits of `Fault` are understood by all.
    """

    def __init__(self, known: Mapping[str, Mapping[str, Any]], on: Iterable[str] = ()) -> None:
        """`on` holds texts as in `turn_on_text`. Raises UnknownFault."""
        self.known = {name: dict(parameters) for name, parameters in known.items()}
        self._on: dict[str, Fault] = {}
        for text in on:
            self.turn_on_text(text)

    def turn_on(self, name: str, **settings: Any) -> Fault:
        """Switch a fault on, or on anew with other settings. Raises UnknownFault."""
        if name not in self.known:
            raise UnknownFault(f"unknown fault {name!r}; known: {', '.join(sorted(self.known))}")
        own = self.known[name]
        for key in settings:
            if key not in own and key not in _LIMITS:
                names = ", ".join(sorted({*own, *_LIMITS}))
                raise UnknownFault(f"fault {name!r} has no parameter {key!r}; it has: {names}")
        typed = {key: _like({**_LIMITS, **own}[key], value, key) for key, value in settings.items()}
        limits = {key: value for key, value in typed.items() if key in _LIMITS}
        rest = {key: typed.get(key, default) for key, default in own.items()}
        self._on[name] = Fault(name, **limits, parameters=rest)
        return self._on[name]

    def turn_on_text(self, text: str) -> Fault:
        """Switch on from text such as `throttle` or `slow:seconds=0.5,times=3,path=/v1/users`."""
        name, _, rest = text.partition(":")
        pairs = [part.partition("=") for part in rest.split(",") if part]
        return self.turn_on(name.strip(), **{key.strip(): value.strip() for key, _, value in pairs})

    def turn_off(self, name: str) -> None:
        """Switch one fault off; it is no error if it was off."""
        self._on.pop(name, None)

    def clear(self) -> None:
        """Switch all faults off."""
        self._on.clear()

    def hit(self, name: str, method: str, path: str) -> dict[str, Any] | None:
        """The fault's parameters if it is on and hits this request (asked once per request), else None.

        The number of its hits so far is among them, so that what is returned is true.
        """
        fault = self._on.get(name)
        if fault is None or not fault.strikes(method, path):
            return None
        return {**fault.parameters, "hits": fault.hits}

    def listing(self) -> dict[str, Any]:
        """What is known and what is on, as plain data for JSON."""
        on = [
            {"name": f.name, "times": f.times, "after": f.after, "every": f.every, "path": f.path,
             "method": f.method, "seen": f.seen, "hits": f.hits, **f.parameters}
            for f in self._on.values()
        ]  # fmt: skip
        return {"known": self.known, "on": on}


def _like(default: Any, value: Any, key: str) -> Any:
    """Bring a value from text to the type of its default."""
    try:
        if isinstance(default, bool):
            return str(value).lower() in {"1", "true", "yes", "on"}
        converted = type(default)(value)
    except (TypeError, ValueError) as error:
        raise UnknownFault(f"parameter {key!r}: {value!r} is no {type(default).__name__}") from error
    if key == "every" and converted < 1:
        raise UnknownFault("parameter 'every' must be at least 1")
    return converted
