"""The table of operations: one entry says its address, who may, what is given and answered. Views are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from rollbook.errors import RollbookError
from rollbook.store.database import DATABASE_TROUBLE, in_words
from rollbook.web.access import Place, Rule, Who
from rollbook.web.api.answers import Refused, error_answer, json_answer, refusal_of
from rollbook.web.api.given import read_body, read_query, read_version
from rollbook.web.api.rights import PACE, check_right, place_of, token_of
from rollbook.web.api.shapes import Given

READS: Final = "GET"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an operation is called with. `by` is for actions; `parts` of the address besides the slug; `version` is what
    the settings' number was when the asker looked at them (None: not said)."""

    place: Place
    by: str
    parts: dict[str, str]
    query: Any
    body: Any
    version: int | None

    @property
    def slug(self) -> str:
        return str(self.place.organization.slug)


Answer = dict[str, Any]
Run = Callable[[Asked], Answer]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`path` is below /api/v1/o/<slug:slug>; `answer` the name of a schema, of docs/reference/schemas or a struct of
    shapes. `conflict`: an action's ConfigError is about the state of things (409), not about what was given (422).
    `versioned`: the settings' number is answered as ETag and may be given as If-Match."""

    method: str
    path: str
    who: Who
    summary: str
    answer: str
    run: Run
    query: type[Given] = Given
    body: type[Given] | None = None
    status: int = 200
    conflict: bool = False
    versioned: bool = False

    @property
    def writes(self) -> bool:
        return self.method != READS


OPERATIONS: Final[list[Operation]] = []


def operation(method: str, path: str, **traits: Any) -> Callable[[Run], Run]:
    """Put a function into the table; its docstring is the summary."""

    def add(run: Run) -> Run:
        summary = " ".join((run.__doc__ or "").split())
        OPERATIONS.append(Operation(method=method, path=path, summary=summary, run=run, **traits))
        return run

    return add


@dataclass(frozen=True)
class Resource:
    """One address with its operations by method."""

    path: str
    operations: dict[str, Operation] = field(default_factory=dict)

    def view(self) -> Callable[..., HttpResponse]:
        """A view with a rule, as every page has one; PUT and PATCH count as writing."""

        @csrf_exempt  # it never looks at a cookie
        def asked(request: HttpRequest, slug: str, **parts: str) -> HttpResponse:
            try:
                return self._answer(request, slug, parts)
            except Refused as refused:
                return error_answer(refused)
            except DATABASE_TROUBLE as trouble:
                return error_answer(refusal_of(in_words(trouble), conflict=False))

        read = self.operations.get(READS)
        writing = next((one for one in self.operations.values() if one.writes), None)
        asked.__dict__["rule"] = Rule(read=read.who if read else None, write=writing.who if writing else None)
        asked.__dict__["resource"] = self
        return asked

    def _answer(self, request: HttpRequest, slug: str, parts: dict[str, str]) -> HttpResponse:
        method = READS if request.method == "HEAD" else request.method or ""
        wanted = self.operations.get(method)
        if wanted is None:
            there = ", ".join(self.operations)
            raise Refused(405, "MethodNotAllowed", f"here one may only {there}", headers={"Allow": there})
        token = token_of(request)
        PACE.take(token.pk)
        place = place_of(token, slug)
        check_right(token, place, wanted.who, writes=wanted.writes)
        asked = Asked(
            place=place,
            by=_name(token, place),
            parts=parts,
            query=read_query(request, wanted.query),
            body=read_body(request, wanted.body),
            version=read_version(request) if wanted.versioned else None,
        )
        try:
            document = wanted.run(asked)
        except RollbookError as error:
            raise refusal_of(error, conflict=wanted.conflict) from None
        except RecursionError:
            raise Refused(422, "UsageError", "the request is not valid: it is nested too deeply") from None
        headers = {"ETag": f'"{document["version"]}"'} if wanted.versioned else {}
        return json_answer(document, status=wanted.status, headers=headers)


def resources() -> list[Resource]:
    """The table by address, in its order."""
    found: dict[str, Resource] = {}
    for one in OPERATIONS:
        found.setdefault(one.path, Resource(one.path)).operations[one.method] = one
    return list(found.values())


def _name(token: Any, place: Place) -> str:
    from rollbook.actions.accounts import account_by

    return f"{account_by(place.account)}, API token {token.name}"


def missing(what: str) -> Refused:
    """404: the organization has no such thing."""
    return Refused(404, "NotFound", f"this organization has no such {what}")


def shape_names() -> dict[str, type[msgspec.Struct]]:
    """Answers that are structs of ours, by name."""
    from rollbook.web.api import shapes

    return {name: one for name, one in vars(shapes).items() if isinstance(one, type) and issubclass(one, shapes.Shown)}
