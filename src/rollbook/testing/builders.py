"""Small builders that tests share: changes, a ladder of objects of every kind, and a sender that works as core does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rollbook.connectors.base import Batch, Target
from rollbook.roster.changes import DONE, Change, Outcome
from rollbook.roster.lms import CREATE, KEYS, KINDS

#: Parents that a change names by the LMS's own id; users and sections are named by their codes.
BY_ID = ("building", "grading_period", "course")


def change(kind: str, key: str, after: Mapping[str, Any], action: str = CREATE, **more: Any) -> Change:
    """A change with every field of its kind, absent ones None (or empty). `more` are further parts of a Change."""
    fields: dict[str, Any] = {name: [] if type_ == KEYS else None for name, type_ in KINDS[kind].fields.items()}
    return Change(seq=more.pop("seq", 0), kind=kind, action=action, key=key, after=fields | dict(after), **more)


def ladder(roles: Mapping[str, bool], *, count: int = 5, tag: str = "a") -> dict[str, list[Change]]:
    """Creates by kind, in the order of KINDS, that depend on nothing but each other: two buildings, a grading period, a
    course, a section, `count` users with an enrollment each, and a link of the first two. `tag` keeps ladders apart."""
    student, staff = _role(roles, staff=False), _role(roles, staff=True)
    buildings = [_building(f"{tag}-{n}") for n in (1, 2)]
    users = [_user(f"{tag}-u{n}", staff if n == count else student, buildings) for n in range(1, count + 1)]
    period = {"title": f"Fall {tag}", "start": "2026-08-24", "end": "2027-01-23"}
    course = {"title": "Algebra", "code": f"ALG-{tag}", "building": buildings[0].key}
    section = {"title": "Algebra 1", "course": f"{tag}-c|{buildings[0].key}", "location": "H 12"}
    return {
        "building": buildings,
        "grading_period": [change("grading_period", f"session:{tag}-fall", period)],
        "user": users,
        "guardian_link": [_joined("guardian_link", "student", users[0].key, "guardian", users[1].key)],
        "course": [change("course", section["course"], course)],
        "section": [change("section", f"{tag}-s", section | {"grading_periods": [f"session:{tag}-fall"]})],
        "enrollment": [enrollment(f"{tag}-s", user.key, admin=user is users[-1]) for user in users],
    }


def enrollment(section: str, user: str, *, admin: bool = False, action: str = CREATE, **more: Any) -> Change:
    """A change of one enrollment."""
    after = {"section": section, "user": user, "admin": admin}
    return change("enrollment", f"{section}|{user}", after, action, **more)


class Sender:
    """Sends changes as core does: fills in LMS ids, cuts to the bulk size, learns from outcomes."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._users_by_id = target.traits.users_by_id
        self._ids: dict[tuple[str, str], str] = {}
        self._courses: dict[str, Mapping[str, Any]] = {}
        self._roles: dict[str, Any] = {}

    def send_all(self, changes: Mapping[str, Sequence[Change]]) -> dict[str, list[Outcome]]:
        """Send the kinds that the target has, in order; other kinds are known as done, as the ledger has them."""
        outcomes: dict[str, list[Outcome]] = {}
        for kind in (kind for kind in KINDS if kind in changes):
            if kind in self.target.traits.kinds:
                outcomes[kind] = self.send(changes[kind])
            else:
                for each in changes[kind]:
                    self.learn(each, Outcome(status=DONE))
        return outcomes

    def send(self, changes: Sequence[Change], secrets: Mapping[str, str] | None = None) -> list[Outcome]:
        """Send changes of one kind and action; one outcome each. Raises what the target raises."""
        outcomes: list[Outcome] = []
        for batch in self.batches(changes, secrets):
            answers = self.target.apply(batch)
            assert len(answers) == len(batch.changes), "one outcome per change"
            for each, outcome in zip(batch.changes, answers, strict=True):
                self.learn(each, outcome)
            outcomes += answers
        return outcomes

    def batches(self, changes: Sequence[Change], secrets: Mapping[str, str] | None = None) -> list[Batch]:
        """The bulk calls that these changes make."""
        if not changes:
            return []
        kind, action = changes[0].kind, changes[0].action
        size = self.target.traits.bulk[kind]
        parts = [changes[start : start + size] for start in range(0, len(changes), size)]
        known = [[self.complete(each) for each in part] for part in parts]
        return [Batch(kind=kind, action=action, changes=part, secrets=dict(secrets or {})) for part in known]

    def complete(self, change: Change) -> Change:
        """The change with the LMS ids that it needs, as far as they are known."""
        refs: dict[str, Any] = {}
        parents: dict[str, dict[str, Any]] = {}
        for name, parent in KINDS[change.kind].parents.items():
            value, before = change.after.get(name), change.before.get(name)
            if change.kind == "user" and before:
                refs[f"before.{name}"] = self._ids_of(parent, before)
            by_id = parent in BY_ID or (change.kind == "enrollment" and name == "user" and self._users_by_id)
            if not by_id or not value:
                continue
            refs[name] = self._ids_of(parent, value)
            if parent == "user":
                refs["user.role"] = self._roles.get(value)
            if parent == "course" and value in self._courses:
                parents[name] = dict(self._courses[value])
                refs[f"{name}.building"] = self._id("building", str(parents[name].get("building")))
        lms_id = change.lms_id if change.action == CREATE else change.lms_id or self._id(change.kind, change.key)
        return msgspec.structs.replace(change, refs=refs, parent_fields=parents, lms_id=lms_id)

    def _ids_of(self, kind: str, value: Any) -> Any:
        return [self._id(kind, key) for key in value] if isinstance(value, list) else self._id(kind, value)

    def learn(self, change: Change, outcome: Outcome) -> None:
        """Remember ids and courses of what was done."""
        if outcome.status != DONE:
            return
        key = change.new_key or change.key
        if outcome.lms_id:
            self._ids[change.kind, key] = outcome.lms_id
        if change.kind == "course":
            self._courses[key] = change.after
        if change.kind == "user":
            self._roles[key] = change.after.get("role")

    def _id(self, kind: str, key: str) -> str | None:
        return self._ids.get((kind, key))


def _role(roles: Mapping[str, bool], *, staff: bool) -> str:
    """A role for the ladder's people: never an administrator's, and a student's where there is one by that name."""
    fitting = [name for name, is_staff in roles.items() if is_staff == staff and "admin" not in name.lower()]
    wanted = "teacher" if staff else "student"
    return next((name for name in fitting if name.lower() == wanted), fitting[0])


def _building(tag: str) -> Change:
    return change("building", f"org:{tag}", {"title": f"School {tag}", "code": tag.upper()})


def _user(key: str, role: str, buildings: Sequence[Change]) -> Change:
    fields = {
        "first_name": "Zebulon",
        "last_name": "Quimbleton",
        "username": f"zquimbleton-{key}",
        "email": f"{key}-zq@private.example",
        "role": role,
        "building": buildings[0].key,
        "additional_buildings": [buildings[1].key],
    }
    return change("user", key, fields)


def _joined(kind: str, first: str, first_key: str, second: str, second_key: str) -> Change:
    return change(kind, f"{first_key}|{second_key}", {first: first_key, second: second_key})
