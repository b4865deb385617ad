"""Programs of tests: they ask the JSON API through Django's own client with a token, and read JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from rollbook.actions.tokens import make_token
from rollbook.store.models import ApiToken
from tests.web.people import Answer, Person

BASE = "/api/v1/o/maple"


@dataclass
class Program:
    """What holds a token."""

    token: ApiToken
    text: str = field(repr=False)
    client: Client = field(default_factory=Client)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """`path` below the organization, or a whole one."""
        address = path if path.startswith("/api/") else BASE + path
        sent = {"Authorization": f"Bearer {self.text}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if body is not None:
            return self.client.generic(method, address, json.dumps(body), "application/json", headers=sent)
        return self.client.generic(method, address, headers=sent)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)


def program(
    person: Person, *, org: str = "maple", may_write: bool = True, days: int | None = None, name: str = "nightly"
) -> Program:
    """A program with a new token of this person."""
    made = make_token(
        org=org, account=person.account, by="test", name=name, may_write=may_write, days=days
    )  # fmt: skip
    return Program(*made)


def error_of(answer: Answer) -> dict[str, str]:
    """The error of an answer, after a look at its shape."""
    from tests.cli.kit import check_schema

    document = json.loads(answer.content)
    check_schema("error", document)
    assert answer["Cache-Control"] == "no-store"
    found: dict[str, str] = document["error"]
    return found
