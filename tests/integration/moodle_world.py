"""A Moodle target before a practice Moodle over real HTTP, and short ways to say changes. One server serves one site
after the other, as starting one for each test would take longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Batch, Context
from rollbook.connectors.kit import parse
from rollbook.connectors.moodle import MoodleOptions
from rollbook.connectors.moodle.target import MoodleTarget
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.lms import KEYS, KINDS

PASSWORD = "Correct-Horse-1"
TOKEN = "token-that-nobody-may-see"
#: The category that every new Moodle has: buildings lie below it.
ROOT = 1


class Switch:
    """An ASGI app that hands requests to the site that is on now."""

    def __init__(self) -> None:
        self.url = ""
        self._app: Any = None

    def put_on(self, **settings: Any) -> Any:
        """Another, empty site from now on; what it keeps is at hand as `.store`, in memory."""
        self._forget()
        self._app = create_moodle(token=TOKEN, **settings)
        return self._app.state.moodle

    def _forget(self) -> None:
        if self._app is not None:
            self._app.state.moodle.store.close()
            self._app = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        for what in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{what}.complete"})
        self._forget()


@contextmanager
def switched() -> Iterator[Switch]:
    switch = Switch()
    with serve(switch) as running:
        switch.url = running.url
        yield switch


class Going:
    """A cancel that nobody uses, and that does not wait, so that back-off costs no time."""

    def check(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        pass


class World:
    """One practice Moodle and the target that writes to it."""

    def __init__(self, switch: Switch, work: Path, site: Mapping[str, Any], **options: Any) -> None:
        self.site = switch.put_on(**site)
        given = {"base_url": switch.url, "token": TOKEN, "root_category": ROOT, "timeout": 10.0, **options}
        self.options = parse(MoodleOptions, given)
        self._context = Context(work=work, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)
        self.target = MoodleTarget(self.options, self._context)
        self._control = httpx2.Client(base_url=switch.url, timeout=60.0)
        self._next = 0
        #: LMS ids of the accounts of people, as the ledger has them.
        self.accounts: dict[str, str] = {}

    def close(self) -> None:
        self.target.close()
        self._control.close()

    def fresh_target(self, **options: Any) -> MoodleTarget:
        """As a later run has it: it has learned nothing yet."""
        self.target.close()
        self.options = parse(MoodleOptions, {**_plain(self.options), **options})
        self.target = MoodleTarget(self.options, self._context)
        return self.target

    # --- the practice Moodle's own controls

    def state(self) -> dict[str, Any]:
        return dict(self._control.get("/_practice/state").json())

    def calls(self) -> list[str]:
        """The functions that were called, in order."""
        return [row[2] for row in self._control.get("/_practice/requests").json()["calls"]]

    def notes(self) -> list[str]:
        """What became of each call, in order: "ok", an errorcode, a status."""
        return [row[3] for row in self._control.get("/_practice/requests").json()["calls"]]

    def forget_calls(self) -> None:
        self._control.post("/_practice/reset-counters").raise_for_status()

    def fault(self, name: str, **settings: Any) -> None:
        self._control.post("/_practice/faults", json={"on": [{"name": name, **settings}]}).raise_for_status()

    def no_faults(self) -> None:
        self._control.post("/_practice/faults", json={"clear": True}).raise_for_status()

    # --- changes

    def change(self, kind: str, key: str, after: Mapping[str, Any], action: str = "create", **more: Any) -> Change:
        self._next += 1
        fields: dict[str, Any] = {name: [] if type_ == KEYS else None for name, type_ in KINDS[kind].fields.items()}
        return Change(seq=self._next, kind=kind, action=action, key=key, after=fields | dict(after), **more)

    def building(self, code: str = "north", action: str = "create", **more: Any) -> Change:
        return self.change("building", f"org:{code}", {"title": code.title(), "code": code}, action, **more)

    def user(self, key: str, action: str = "create", more: Mapping[str, Any] | None = None, **after: Any) -> Change:
        fields = {"first_name": "Ana", "last_name": f"Diaz {key}", "username": key, "email": f"{key}@example.org"}
        return self.change("user", key, {**fields, **after}, action, **(more or {}))

    def section(self, key: str, place: str, action: str = "create", more: Any = None, **after: Any) -> Change:
        fields = {"title": f"Algebra {key}", "course": "c|org:north", "start": "2026-08-24", "end": "2027-06-11"}
        refs = {"course.building": place}
        return self.change("section", key, {**fields, **after}, action, refs=refs, **(more or {}))

    def enrollment(
        self, section: str, user: str, action: str = "create", *, admin: bool = False, known: bool = True, **more: Any
    ) -> Change:
        """With the id of the user's account as far as it is `known`."""
        refs = {"user": self.accounts[user]} if known and user in self.accounts else {}
        more = {"refs": refs, **more}
        after = {"section": section, "user": user, "admin": admin}
        return self.change("enrollment", f"{section}|{user}", after, action, **more)

    def apply(self, *changes: Change, secrets: Mapping[str, str] | None = None) -> Sequence[Outcome]:
        first = changes[0]
        outcomes = self.target.apply(
            Batch(kind=first.kind, action=first.action, changes=changes, secrets=secrets or {})
        )
        if first.kind == "user":
            made = zip(changes, outcomes, strict=True)
            self.accounts |= {change.new_key or change.key: each.lms_id for change, each in made if each.lms_id}
        return outcomes

    def done(self, *changes: Change, secrets: Mapping[str, str] | None = None) -> list[str]:
        """Apply and expect all done; the LMS ids."""
        outcomes = self.apply(*changes, secrets=secrets)
        assert [each.status for each in outcomes] == ["done"] * len(changes), [each.message for each in outcomes]
        return [each.lms_id or "" for each in outcomes]


def _plain(options: MoodleOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__struct_fields__}
