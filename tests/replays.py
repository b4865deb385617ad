"""A run of a small organization in memory that went just so before is not worked again: what it left is put in place.

A run, or an undo, depends on nothing but the SIS's rows or files, what the LMS holds, what is remembered, the settings,
the moment and what is asked; the same beginnings are lived through by dozens of tests. Where a test has put something
of its own between (a target that watches, a patched function, a journal that dies), it is worked.
"""

from __future__ import annotations

import copy
import hashlib
import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rollbook.connectors.memory import MemorySource
from rollbook.connectors.memory.space import Space, Stored
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.core.stored import RunResult
from rollbook.roster.lms import KINDS

if TYPE_CHECKING:
    from tests.districts import Organization

#: So many runs are kept.
_MOST = 200
_LMS = ("_by_id", "_by_code", "_last_id", "passwords", "roles", "faults")
_MEMORY = ("stored", "refused", "counted")
_PATCHABLE = ("rollbook.pipeline", "rollbook.core", "rollbook.roster", "rollbook.testing.world",
              "rollbook.connectors.memory", "rollbook.connectors.oneroster_csv")  # fmt: skip


@dataclass(frozen=True)
class _Lived:
    """What a run left: the state of both sides, new files of the world's blobs, and what the test is shown."""

    lms: Mapping[str, Any]
    world: Mapping[str, Any]
    files: Mapping[str, bytes]
    calls: int
    shown: Mapping[str, Any]
    result: RunResult


_lived: OrderedDict[str, _Lived] = OrderedDict()


class Replay:
    """One run of an organization, before it is worked: `flow` is what is done, with the plan `of` an earlier run."""

    def __init__(self, org: Organization, flow: str, asked: Mapping[str, Any], of: Sequence[Any] = ()) -> None:
        self._org = org
        # What goes on with an earlier run reads its journal, and may write into it.
        self._goes_on = bool(of)
        more = (org.world.journals, org.target.batches, org.plan) if of else ()
        self._key = _key(org, (flow, asked, of, more)) if _untouched(org) else ""
        self._calls = org.lms.calls
        self._blobs = set(org.world.blobs._sums)
        self._journals = set(org.world.journals)

    def known(self) -> RunResult | None:
        """The result, when this was lived through before: all is as it was then."""
        lived = _lived.get(self._key) if self._key else None
        if lived is None:
            return None
        _lived.move_to_end(self._key)
        org, world = self._org, self._org.world
        for name, content in lived.files.items():
            (world.blobs._folder / name).write_bytes(content)
        org.lms.calls += lived.calls
        _put(org.lms, copy.deepcopy(dict(lived.lms)))
        kept = copy.deepcopy(dict(lived.world))
        world.journals |= kept.pop("journals")
        for place, values in kept.items():
            vars(getattr(world, place) if place else world).update(values)
        shown = copy.deepcopy(dict(lived.shown))
        org.target.batches[:], org.target.doubled[:] = shown["batches"], shown["doubled"]
        org.plan = shown["plan"]
        return copy.deepcopy(lived.result)

    def keep(self, result: RunResult) -> None:
        """Remember a run that was worked."""
        org, world = self._org, self._org.world
        if not self._key:
            return
        state = {place: {name: getattr(getattr(world, place), name) for name in names} for place, names in _WORLD}
        state |= {"": {"runs": world.runs}}
        journals = world.journals.items()
        state["journals"] = {key: one for key, one in journals if self._goes_on or key not in self._journals}
        fresh = set(world.blobs._sums) - self._blobs
        shown = {"batches": org.target.batches, "doubled": org.target.doubled, "plan": org.plan}
        _lived[self._key] = _Lived(
            lms=copy.deepcopy({name: getattr(org.lms, name) for name in _LMS}),
            world=copy.deepcopy(state),
            files={name: (world.blobs._folder / name).read_bytes() for name in fresh},
            calls=org.lms.calls - self._calls,
            shown=copy.deepcopy(shown),
            result=copy.deepcopy(result),
        )
        if len(_lived) > _MOST:
            _lived.popitem(last=False)


def _put(lms: Space, then: dict[str, Any]) -> None:
    """Objects that a test has in its hands change, as they do when a run is worked."""
    for kind in KINDS:
        same: dict[int, Stored] = {}
        for lms_id, stored in then["_by_id"][kind].items():
            mine = same[id(stored)] = lms._by_id[kind].get(lms_id) or stored
            if mine is not stored:
                fields = mine.fields
                vars(mine).update(vars(stored) | {"fields": fields})
                if fields != stored.fields:
                    fields.clear()
                    fields.update(stored.fields)
        for index in ("_by_id", "_by_code"):
            then[index][kind] = {key: same[id(stored)] for key, stored in then[index][kind].items()}
    vars(lms).update(then)


#: What of the world a run may change.
_WORLD = (
    ("ledger", ("version",)),
    ("passwords", ("given",)),
    ("permits", ("permits",)),
    ("memory", _MEMORY),
    ("pins", ("pins",)),
    ("blobs", ("_next", "_sums")),
)


def _key(org: Organization, asked: Any) -> str:
    lms, world = org.lms, org.world
    objects = [[(s.lms_id, s.code, s.fields, s.active, s.protected) for s in lms.all(kind)] for kind in KINDS]
    theirs = (objects, [list(lms._by_code[kind]) for kind in KINDS], lms.key, [getattr(lms, n) for n in _LMS[2:]])
    ours = [getattr(getattr(world, place), name) for place, names in _WORLD for name in names]
    options = [repr(vars(one).get("_options")).replace(lms.name, "") for one in (org.source, org.target._target)]
    options += [_files(org.source)] if isinstance(org.source, OneRosterCsvSource) else []
    files = [(path.name, path.read_bytes()) for path in sorted(world.blobs._folder.iterdir())]
    whole = (org.district.rows, org.settings, org.now, asked, theirs, ours, files, world.runs, world.decisions,
             options, org.target.doubled)  # fmt: skip
    text = io.BytesIO()
    pickler = pickle.Pickler(text)
    pickler.fast = True  # what is the same twice is written twice: only values count
    try:
        pickler.dump(whole)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):  # it was asked something of the test's own
        return ""
    return hashlib.sha256(text.getvalue()).hexdigest()


def _files(source: OneRosterCsvSource) -> Any:
    """What a folder of CSV files says, wherever it is."""
    folder = Path(source.options.path)
    files = [(str(path.relative_to(folder)), path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return repr(source.options).replace(str(folder), ""), files


def _untouched(org: Organization) -> bool:
    """Has the test put nothing of its own in the way of a run?"""
    return org.world.wrap is None and _plain(org.source) and shape(org) == org.shape and _unpatched()


def _plain(source: object) -> bool:
    """Is this a SIS in memory, or files of which nothing was read yet?"""
    known = {MemorySource: {"_options", "_context", "_space"}, OneRosterCsvSource: {"options", "context", "_fetched"}}
    return vars(source).keys() == known.get(type(source)) and not vars(source).get("_fetched")


def shape(org: Organization) -> object:
    """Which attributes the parts of an organization have, and of which types."""
    world = org.world
    parts = (org, org.target, org.target._target, org.lms, org.lms.faults, world, world.blobs, world.ledger,
             world.passwords, world.permits, world.memory, world.pins, world.cancel)  # fmt: skip
    return [(type(part), {k: type(v) for k, v in vars(part).items() if k not in _FREE}) for part in parts]


#: Attributes that may well be of another type later on.
_FREE = {"plan", "shape", "rows", "now", "district", "settings", "wrap", "source"}
_first_seen: dict[str, int] = {}


def _unpatched() -> bool:
    """Is every function of a run the one that was imported?"""
    return all(
        _first_seen.setdefault(name, now) == now
        for name, module in list(sys.modules.items())
        if name.startswith(_PATCHABLE) and (now := hash(tuple(_parts(name, module))))
    )


def _parts(name: str, module: Any) -> Iterator[int]:
    for key, value in list(vars(module).items()):
        # Parts of a package come when they are first asked for, and Python itself notes warnings in a module.
        if not isinstance(value, ModuleType) and not key.startswith("__"):
            yield id(value)
        if isinstance(value, type) and value.__module__ == name:
            yield from (id(part) for key, part in list(vars(value).items()) if not key.startswith(("__", "_abc")))


_unpatched()  # before any test runs
