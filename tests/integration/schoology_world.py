"""A Schoology target before a practice LMS over real HTTP, and short ways to say changes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Batch, Context
from rollbook.connectors.kit import parse
from rollbook.connectors.schoology import CONNECTOR, SchoologyOptions
from rollbook.connectors.schoology.target import SchoologyTarget
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.roster.changes import Change, Outcome

PASSWORD = "correct-horse-battery"


class Going:
    """A cancel that nobody uses."""

    def check(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class Hasty(Going):
    """Does not wait, so that back-off costs no time."""

    def wait(self, seconds: float) -> None:
        pass


def context(work: Path, cancel: Going, *, allow_private_hosts: bool = True) -> Context:
    return Context(work=work, cancel=cancel, count=lambda attempts=1, /: None, allow_private_hosts=allow_private_hosts)


class World:
    """One practice LMS and the target that writes to it."""

    def __init__(self, url: str, work: Path, **options: Any) -> None:
        self.url = url
        self.attempts = 0
        given = {
            "base_url": f"{url}/v1",
            "key": "practice",
            "secret": "practice",
            "timeout": 10.0,
            "credits": 1000,
        }
        self.options = parse(SchoologyOptions, {**given, **options})
        context = Context(work=work, cancel=Going(), count=self._count, allow_private_hosts=True)
        assert CONNECTOR.target is not None
        made = CONNECTOR.target(self.options, context)
        assert isinstance(made, SchoologyTarget)
        self.target = made
        self._control = httpx2.Client(base_url=url, timeout=60.0)
        self._next = 0

    def _count(self, attempts: int = 1, /) -> None:
        self.attempts += attempts

    def close(self) -> None:
        self.target.close()
        self._control.close()

    # --- the practice LMS's own controls

    def state(self) -> dict[str, Any]:
        found = self._control.get("/_practice/state").json()
        assert isinstance(found, dict)
        return found

    def requests(self) -> dict[str, Any]:
        found = self._control.get("/_practice/requests").json()
        assert isinstance(found, dict)
        return found

    def calls(self, method: str, path: str) -> int:
        return int(self.requests()["attempts"].get(f"{method} {path}", 0))

    def reset_counters(self) -> None:
        self._control.post("/_practice/reset-counters").raise_for_status()

    def fault(self, name: str, **settings: Any) -> None:
        self._control.post("/_practice/faults", json={"on": [{"name": name, **settings}]}).raise_for_status()

    def no_faults(self) -> None:
        self._control.post("/_practice/faults", json={"clear": True}).raise_for_status()

    def password(self, code: str, password: str) -> dict[str, Any]:
        body = {"school_uid": code, "password": password}
        found = self._control.post("/_practice/check-password", json=body).json()
        assert isinstance(found, dict)
        return found

    # --- changes

    def change(self, kind: str, action: str, key: str, after: Mapping[str, Any], **more: Any) -> Change:
        self._next += 1
        return Change(seq=self._next, kind=kind, action=action, key=key, after=dict(after), **more)

    def apply(self, *changes: Change, secrets: Mapping[str, str] | None = None) -> Sequence[Outcome]:
        first = changes[0]
        return self.target.apply(Batch(kind=first.kind, action=first.action, changes=changes, secrets=secrets or {}))

    def done(self, *changes: Change, secrets: Mapping[str, str] | None = None) -> list[str]:
        """Apply and expect all done; the LMS ids."""
        outcomes = self.apply(*changes, secrets=secrets)
        assert [each.status for each in outcomes] == ["done"] * len(changes), [each.message for each in outcomes]
        return [each.lms_id or "" for each in outcomes]

    def building(self, code: str = "north", *, title: str = "North", action: str = "create", **more: Any) -> Change:
        return self.change("building", action, f"org:{code}", {"title": title, "code": code}, **more)

    def period(self, title: str = "2026-2027", *, action: str = "create", **more: Any) -> Change:
        after = {"title": title, "start": "2026-08-17", "end": "2099-06-30"}
        return self.change("grading_period", action, f"session:{title}", after, **more)

    def user(
        self,
        key: str,
        place: str,
        *,
        action: str = "create",
        more: Mapping[str, Any] | None = None,
        **after: Any,
    ) -> Change:
        fields = {
            "first_name": "Ana",
            "last_name": f"Diaz {key}",
            "middle_name": None,
            "preferred_first_name": None,
            "username": f"user.{key}",
            "email": f"{key}@example.org",
            "role": "Student",
            "building": "org:north",
            "additional_buildings": [],
            "graduation_year": None,
        }
        refs = {"refs": {"building": place, "additional_buildings": []}}
        return self.change("user", action, key, fields | after, **{**refs, **(more or {})})

    def course(self, code: str, place: str, *, action: str = "create", **more: Any) -> Change:
        after = {"title": f"Course {code}", "code": code, "building": "org:north"}
        return self.change("course", action, f"{code}|org:north", after, **{"refs": {"building": place}, **more})

    def section(
        self, key: str, course: Change, place: str, period: str, *, action: str = "create", **more: Any
    ) -> Change:
        after = {
            "title": f"Section {key}",
            "course": course.key,
            "grading_periods": ["session:1"],
            "location": None,
        }
        refs = {"course": "1", "course.building": place, "grading_periods": [period]}
        given = {"refs": refs, "parent_fields": {"course": course.after}}
        return self.change("section", action, key, after, **{**given, **more})

    def enrollment(self, section: str, user: str, *, action: str = "create", admin: bool = False) -> Change:
        after = {"section": section, "user": user, "admin": admin}
        return self.change("enrollment", action, f"{section}|{user}", after)

    def link(self, student: str, guardian: str, *, action: str = "create") -> Change:
        after = {"student": student, "guardian": guardian}
        return self.change("guardian_link", action, f"{student}|{guardian}", after)


@contextmanager
def practice(work: Path, *, lms: Mapping[str, Any] | None = None, **options: Any) -> Iterator[World]:
    """A world with an LMS of its own; `lms` are settings of the practice LMS."""
    with serve(create_lms(**(lms or {}))) as running:
        world = World(running.url, work, **options)
        try:
            yield world
        finally:
            world.close()
