"""What the memory LMS does with a bulk call, as a real one would do on its own servers. Not part of a connector.

It upserts by external id, answers item by item, and knows of no call that removes anything but links and enrollments.
An account can be deactivated: it keeps everything, and has it again when it is reactivated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rollbook.connectors.memory.space import LOSE_AFTER, AnswerLost, Space, Stored

#: Kinds that join two objects: these two fields name them, and their external ids form its own.
LINKS: Mapping[str, tuple[str, str]] = {
    "enrollment": ("section", "user"),
    "guardian_link": ("student", "guardian"),
}
_LINKED_KIND = {"section": "section", "user": "user", "student": "user", "guardian": "user"}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item of a bulk call: `code` is its external id as it shall be, `lms_id` and `old_code` say which object is
    meant where it is there already. `parents` maps fields to the kind and LMS id(s) they must refer to."""

    code: str
    fields: Mapping[str, Any] = field(repr=False)
    lms_id: str | None = None
    old_code: str | None = None
    parents: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What the LMS says about one item: an HTTP-like status, an id, and words for people."""

    status: int
    lms_id: str | None = None
    words: str = ""


def bulk(space: Space, key: str, kind: str, verb: str, items: Sequence[Item]) -> list[Answer]:
    """Carry out a bulk call: `verb` is upsert (make or change), change (only what is there), remove, deactivate,
    reactivate or password. One answer per item. Raises what `Space.arrive` raises; AnswerLost may also mean that
    everything was carried out."""
    with space.lock:
        fault = space.arrive(key)
        answers = [_one(space, kind, verb, item) for item in items]
    if fault == LOSE_AFTER:
        raise AnswerLost
    return answers


def _one(space: Space, kind: str, verb: str, item: Item) -> Answer:
    if item.code in space.faults.refuse:
        return Answer(400, words=space.faults.refuse[item.code])
    fields, code = dict(item.fields), item.code
    if kind in LINKS:
        ends = [space.find(_LINKED_KIND[name], fields.get(name)) for name in LINKS[kind]]
        if None in ends:
            missing = " and ".join(name for name, end in zip(LINKS[kind], ends, strict=True) if end is None)
            return Answer(200) if verb == "remove" else Answer(404, words=f"there is no such {missing}")
        ids = [end.lms_id for end in ends if end is not None]
        fields.update(zip(LINKS[kind], ids, strict=True))
        code = "|".join(ids)
    there = space.by_id(kind, item.lms_id) or space.find(kind, item.old_code) or space.find(kind, code)
    if verb == "remove":
        if there is not None:
            space.delete(kind, there)
        return Answer(200, there.lms_id if there else item.lms_id)
    if there is None and verb != "upsert":
        return Answer(404, words=f"there is no such {kind}")
    if there is not None and verb == "password":
        space.passwords[there.lms_id] = item.password or ""
        return Answer(200, there.lms_id)
    if there is not None and verb in ("deactivate", "reactivate"):
        return _switch(there, active=verb == "reactivate")
    for name, (parent, wanted) in item.parents.items():
        if not all(space.by_id(parent, each) for each in wanted):
            return Answer(404, words=f"there is no such {parent} ({name})")
    return _write(space, kind, code, fields, (there, item.password))


def _write(
    space: Space, kind: str, code: str, fields: Mapping[str, Any], known: tuple[Stored | None, str | None]
) -> Answer:
    there, password = known
    if there is None:
        there = space.add(kind, code, fields)
        if password is not None:
            space.passwords[there.lms_id] = password
        return Answer(201, there.lms_id)
    if there.code != code:
        if space.find(kind, code) is not None:
            return Answer(409, words="the external id is taken")
        space.rename(kind, there, code)
    there.fields.update(fields)
    return Answer(200, there.lms_id)


def _switch(account: Stored, *, active: bool) -> Answer:
    """Nothing of an account is lost, and nobody is told; an administrator's cannot be switched off."""
    if account.protected and not active:
        return Answer(403, words="the account is an administrator's")
    account.active = active
    return Answer(200, account.lms_id)


def code_of(space: Space, kind: str, stored: Stored) -> str:
    """The external id of an object as the LMS shows it."""
    if kind not in LINKS:
        return stored.code
    ends = [space.by_id(_LINKED_KIND[name], stored.fields[name]) for name in LINKS[kind]]
    return "|".join(end.code for end in ends if end is not None)
