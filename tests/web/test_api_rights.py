"""Every operation of the API × every kind of token: the table of operations makes the tests."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rollbook.actions.members import hand_over
from rollbook.actions.tokens import revoke_token
from rollbook.connectors.memory.space import Space
from rollbook.store.models import Account, ApiToken, Membership
from rollbook.web.access import Who
from rollbook.web.api.operations import Operation, resources
from rollbook.web.api.rights import Pace
from tests.web.people import Person, make_person
from tests.web.programs import Program, error_of, program
from tests.web.test_permissions import PARTS, PASSES
from tests.web.world import import_maple

OPERATIONS = [one for resource in resources() for one in resource.operations.values()]
IDS = [f"{one.method} {one.path or '/'}" for one in OPERATIONS]
ROLES = ("acting", "administrator", "viewer", "teacher")


def _path(one: Operation, slug: str = "maple") -> str:
    return f"/api/v1/o/{slug}" + re.sub(r"<str:(\w+)>", lambda part: str(PARTS[part[1]]), one.path)


def _ask(holder: Program, one: Operation, slug: str = "maple") -> Any:
    return holder.ask(one.method, _path(one, slug), {} if one.body is not None else None)


@pytest.fixture
def people(world: Space) -> dict[str, Person]:
    return {
        "acting": make_person("Ann", org="maple", acting=True),
        "administrator": make_person("Bob", org="maple"),
        "viewer": make_person("Vic", org="maple", role="viewer"),
        "teacher": make_person("Tea", org="maple", role="teacher"),
    }


@pytest.mark.parametrize("one", OPERATIONS, ids=IDS)
def test_every_operation_for_every_token(one: Operation, people: dict[str, Person], world: Space) -> None:
    import_maple(world.name, slug="other")
    stranger = program(make_person("Stan", org="other", acting=True), org="other")
    holders = {role: program(person, name=role) for role, person in people.items()}
    for role, holder in holders.items():
        status = _ask(holder, one).status_code
        assert (status == 403) == (role not in PASSES[one.who]), (role, status)
        assert status not in (401, 405, 500)
    strange = _ask(stranger, one)
    assert strange.status_code == 404
    assert "Maple" not in strange.content.decode()
    assert _ask(holders["acting"], one, "other").content == _ask(holders["acting"], one, "nowhere").content
    reader = program(people["acting"], may_write=False, name="reader")
    assert (_ask(reader, one).status_code == 403) == one.writes


@pytest.mark.parametrize("one", OPERATIONS, ids=IDS)
def test_tokens_that_open_nothing(one: Operation, people: dict[str, Person]) -> None:
    expired, revoked = program(people["acting"], name="expired"), program(people["acting"], name="revoked")
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoke_token(org="maple", token=revoked.token.pk, by="test")
    wrong = Program(expired.token, "rb_" + "x" * 43)
    foreign = Program(expired.token, "ghp_" + "x" * 43)
    nothing = Program(expired.token, "")
    for holder in (expired, revoked, wrong, foreign, nothing):
        answer = _ask(holder, one)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert error_of(answer)["error"] == "Unauthorized"


@pytest.mark.parametrize("one", OPERATIONS, ids=IDS)
def test_a_cookie_opens_nothing_and_none_is_set(one: Operation, people: dict[str, Person]) -> None:
    """So that no other site can use the browser of somebody who is signed in."""
    answer = people["acting"].client.generic(one.method, _path(one), "{}", "application/json")
    assert answer.status_code == 401
    assert not answer.cookies


def test_every_operation_says_who_may(world: Space) -> None:
    assert len(OPERATIONS) >= 17
    for one in OPERATIONS:
        assert one.who in (Who.READER, Who.ADMINISTRATOR, Who.ACTING)
        assert one.who is Who.READER or one.writes
        assert one.summary.endswith(".")


def test_a_token_has_the_rights_that_its_account_has_now(people: dict[str, Person]) -> None:
    """Rule 30: after handing over, its writes are refused in words and its reads go on; it ends with the membership."""
    ann, bob = people["acting"], people["administrator"]
    holder = program(ann)
    assert holder.ask("POST", "/runs", {"dry_run": True}).status_code == 202
    hand_over(org="maple", to=bob.account.pk, by="test")
    refused = holder.ask("POST", "/runs", {})
    assert refused.status_code == 403
    assert "only the Acting User (Bob) can do this" in error_of(refused)["message"]
    assert holder.ask("GET", "/runs").status_code == 200
    Membership.objects.filter(account=ann.account).delete()
    assert holder.ask("GET", "/runs").status_code == 401


def test_a_token_of_an_account_that_was_closed_opens_nothing(people: dict[str, Person]) -> None:
    holder = program(people["acting"])
    Account.objects.filter(pk=people["acting"].account.pk).update(is_active=False)
    assert holder.ask("GET", "").status_code == 401


def test_any_administrator_may_cancel(people: dict[str, Person]) -> None:
    """Rule 30."""
    run = program(people["acting"]).ask("POST", "/runs", {}).json()["run"]
    answer = program(people["administrator"], name="bob").ask("POST", f"/runs/{run}/cancel")
    assert answer.json()["state"] == "cancelled"


def test_use_is_noted_at_most_once_a_minute(people: dict[str, Person]) -> None:
    holder = program(people["acting"])
    holder.get("")
    first = ApiToken.objects.get(pk=holder.token.pk).used_at
    assert first is not None
    holder.get("")
    assert ApiToken.objects.get(pk=holder.token.pk).used_at == first
    ApiToken.objects.filter(pk=holder.token.pk).update(used_at=first - timedelta(minutes=2))
    holder.get("")
    assert ApiToken.objects.get(pk=holder.token.pk).used_at > first


@pytest.mark.usefixtures("turns_clock")
def test_a_token_that_asks_too_fast_waits(people: dict[str, Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.web.api.operations.PACE", Pace(3))
    holder, other = program(people["acting"]), program(people["viewer"], name="other")
    assert [holder.ask("GET", "").status_code for _ in range(4)] == [200, 200, 200, 429]
    late = holder.ask("GET", "")
    assert 1 <= int(late["Retry-After"]) <= 21
    assert error_of(late)["error"] == "TooManyRequests"
    assert other.ask("GET", "").status_code == 200
