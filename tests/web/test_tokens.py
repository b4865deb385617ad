"""The page API: tokens are made, shown once, listed and revoked."""

from __future__ import annotations

import re

from rollbook.connectors.memory.space import Space
from rollbook.store.models import ApiToken, AuditRow
from tests.web.people import Person, words
from tests.web.programs import Program

PAGE = "/o/maple/api-tokens/"


def _made(person: Person, **typed: str) -> tuple[str, str]:
    """The page after the form, and the token it shows."""
    answer = person.post(f"{PAGE}make", **({"name": "nightly job", "days": "30"} | typed))
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    found = re.search(r'value="(rb_[\w-]{43})"', answer.content.decode())
    assert found
    return words(answer), found[1]


def test_a_token_is_shown_once_and_works(ann: Person) -> None:
    page, text = _made(ann, may_write="yes")
    assert "It is shown this one time" in page
    token = ApiToken.objects.get()
    assert (token.may_write, token.hint, token.account) == (True, text[-4:], ann.account)
    assert text not in token.digest
    assert Program(token, text).ask("POST", "/runs", {}).status_code == 202
    later = ann.get(PAGE).content.decode()
    assert text not in later
    assert f"…{token.hint}" in later
    audited = AuditRow.objects.get(action="make API token")
    assert (audited.by, text in audited.subject) == ("Ann Acting (ann.acting@example.org)", False)


def test_without_the_tick_it_only_reads(ann: Person) -> None:
    _, text = _made(ann)
    holder = Program(ApiToken.objects.get(), text)
    assert holder.ask("GET", "/runs").status_code == 200
    assert holder.ask("POST", "/runs", {}).status_code == 403


def test_a_revoked_token_opens_nothing(ann: Person) -> None:
    _, text = _made(ann)
    token = ApiToken.objects.get()
    answer = ann.client.post(f"{PAGE}{token.pk}/revoke", follow=True)
    assert "is revoked" in words(answer)
    assert Program(token, text).ask("GET", "").status_code == 401
    ann.post(f"{PAGE}{token.pk}/revoke")
    assert AuditRow.objects.filter(action="revoke API token").count() == 1
    assert "There is no such token" in words(ann.client.post(f"{PAGE}999/revoke", follow=True))


def test_wrong_input_is_told_at_its_field_and_kept(ann: Person) -> None:
    for typed, told in (
        ({"name": "  "}, "Give the token a name"),
        ({"name": "x" * 101}, "too long"),
        ({"days": "0"}, "from 1 to 3650"),
        ({"days": "²"}, "from 1 to 3650"),
        ({"days": "soon"}, "from 1 to 3650"),
    ):
        answer = ann.post(f"{PAGE}make", **({"name": "nightly", "days": "30"} | typed))
        assert answer.status_code == 422
        assert told in words(answer)
        assert 'class="form-control is-invalid"' in answer.content.decode()
        assert f'value="{typed.get("days", "30")}"' in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_form_that_is_sent_twice_makes_one_token(ann: Person) -> None:
    _made(ann)
    again = ann.post(f"{PAGE}make", name="nightly job", days="30")
    assert again.status_code == 422
    assert "There is a token with this name already" in words(again)
    assert ApiToken.objects.count() == 1


def test_days_may_be_empty(ann: Person) -> None:
    _made(ann, days="")
    assert ApiToken.objects.get().expires_at is None


def test_others_see_the_list_and_cannot_make_or_revoke(ann: Person, bob: Person, vic: Person) -> None:
    _made(ann)
    number = ApiToken.objects.get().pk
    for person in (bob, vic):
        page = person.get(PAGE)
        assert "nightly job" in words(page)
        assert "<fieldset disabled>" in page.content.decode()
        assert "Make token" not in words(page)
        assert person.post(f"{PAGE}make", name="mine").status_code == 403
        assert person.post(f"{PAGE}{number}/revoke").status_code == 403


def test_a_token_of_another_organization_cannot_be_revoked_here(ann: Person, world: Space) -> None:
    from tests.web.programs import program
    from tests.web.world import import_maple

    import_maple(world.name, slug="other")
    strange = program(ann, org="other").token
    assert "There is no such token" in words(ann.client.post(f"{PAGE}{strange.pk}/revoke", follow=True))
    assert ApiToken.objects.get(pk=strange.pk).revoked_at is None


def test_the_document_is_for_everybody(ann: Person) -> None:
    from django.test import Client

    page = ann.get(PAGE).content.decode()
    assert 'href="/api/v1/openapi.json"' in page
    document = Client().get("/api/v1/openapi.json")
    assert document.json()["openapi"] == "3.1.0"
    assert "Maple" not in document.content.decode()
