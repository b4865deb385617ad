"""Wire to words and words to wire. Pure and total: whatever comes in, something sensible goes out, nothing is raised.

The biggest file of most connectors. Keep it free of HTTP, so that odd records can be tried by the thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rollbook.connectors.base import Row
from rollbook.connectors.memory.server import LINKS, Answer, Item
from rollbook.roster.changes import DONE, REFUSED, Change, Outcome
from rollbook.roster.lms import CREATE, DEACTIVATE, KINDS, REVIVE, SET_PASSWORD
from rollbook.roster.oneroster import COLLECTIONS

#: Kinds whose external id is a field of theirs; the others are known by their key.
_OWN_CODE = {"building": "code", "grading_period": "title", "course": "code"}


def rows(collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
    """A page, `{"users": [{…}, …]}`, as (collection, row) pairs. A record that is no object becomes an empty row: it is
    reported as one without an id later, instead of vanishing here."""
    for record in page_records(collection, body) or ():
        known = record if isinstance(record, Mapping) else {}
        yield collection, {name: text(known.get(name)) for name in COLLECTIONS[collection].columns}


def page_records(collection: str, body: bytes) -> list[Any] | None:
    """The records of a page, or None when the page is broken: then it must not pass for an empty one."""
    try:
        page = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    records = page.get(collection) if isinstance(page, dict) else None
    return records if isinstance(records, list) else None


def text(value: Any) -> str | None:
    """A value as text: None for absent, lists joined by commas, the rest as JSON writes it (true, 7, {"a":1})."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(text(item) or "" for item in value)
    return msgspec.json.encode(value).decode()


def item(change: Change, passwords: Mapping[str, str]) -> Item | str:
    """A change as an item of a bulk call, or the words why it cannot be said to this LMS (it is refused unsent).
    A password goes with a create, or alone (rule 14), and no field with a change of an account's state (rule 13)."""
    if change.action == SET_PASSWORD:
        given = passwords.get(change.key)
        return Item(code=change.key, fields={}, lms_id=change.lms_id, password=given) if given else "no password"
    if change.action in (DEACTIVATE, REVIVE):
        return Item(code=change.key, fields={}, lms_id=change.lms_id)
    kind = KINDS.get(change.kind)
    fields = {name: value for name, value in change.after.items() if kind and name in kind.fields}
    parents: dict[str, tuple[str, list[str]]] = {}
    for name, parent in kind.parents.items() if kind and change.kind not in LINKS else ():
        if not fields.get(name):
            continue
        lms_ids = change.refs.get(name)
        if not lms_ids:
            return f"the LMS id of its {name.replace('_', ' ')} is not known"
        fields[name] = lms_ids
        parents[name] = (parent, [str(each) for each in lms_ids] if isinstance(lms_ids, list) else [str(lms_ids)])
    code = fields.get(_OWN_CODE.get(change.kind, "")) or change.new_key or change.key
    password = passwords.get(change.key) if change.action == CREATE else None
    return Item(
        code=str(code), fields=fields, lms_id=change.lms_id, old_code=change.key, parents=parents, password=password
    )


def outcome(answer: Answer) -> Outcome:
    """What the LMS said of one item. A status that nobody has heard of is a refusal in its own words."""
    done = 200 <= answer.status < 300
    return Outcome(status=DONE if done else REFUSED, lms_id=answer.lms_id, message=answer.words, code=answer.status)
