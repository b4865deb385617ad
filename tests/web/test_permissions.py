"""Every page × every kind of person: the list of URLs makes the tests, so that a new page without a rule fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from rollbook.connectors.memory.space import Space
from rollbook.web.access import Rule, Who
from tests.web.people import make_person
from tests.web.world import import_maple

#: Values for the parts of addresses; none of them is there, which is asked after the permission.
PARTS = {"slug": "maple", "run": "nothing", "hold": "nothing", "org": "nothing", "token": "nothing", "number": 999999,
         "section": "nothing", "code": "nothing", "lms": "other", "key": "nothing"}  # fmt: skip
MEMBERS = ("acting", "administrator", "viewer", "teacher")
#: Who of MEMBERS passes.
PASSES = {
    Who.MEMBER: set(MEMBERS),
    Who.READER: {"acting", "administrator", "viewer"},
    Who.ADMINISTRATOR: {"acting", "administrator"},
    Who.ACTING: {"acting"},
    Who.SECTION_READER: set(MEMBERS),  # of a section that is not there, a teacher learns nothing
    Who.SECTION_ACTOR: {"acting", "teacher"},
    Who.SIGNED_IN: set(MEMBERS),
}


def _ours(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for one in patterns:
        if isinstance(one, URLResolver):
            if str(one.pattern) != "accounts/":  # the sign-in library's own
                yield from _ours(one.url_patterns, prefix + str(one.pattern))
        else:
            assert isinstance(one, URLPattern)
            yield prefix + str(one.pattern), one


def _pages() -> list[tuple[str, Any]]:
    return list(_ours(get_resolver().url_patterns))


def _address(pattern: str) -> str:
    import re

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: str(PARTS[part[1]]), pattern)


def _methods(page: Any) -> list[tuple[str, Who | None]]:
    """Who may GET and POST it. An address of the API may be written in other ways than POST."""
    rule, resource = page.callback.rule, getattr(page.callback, "resource", None)
    posts = resource is None or "POST" in resource.operations
    return [("get", rule.read), ("post", rule.write if posts else None)]


def _of_the_api(pattern: str) -> bool:
    return pattern.startswith("api/")


PAGES = _pages()
IDS = [pattern or "/" for pattern, _ in PAGES]


@pytest.mark.parametrize(("pattern", "page"), PAGES, ids=IDS)
def test_every_page_has_a_rule(pattern: str, page: Any) -> None:
    rule = page.callback.rule
    assert isinstance(rule, Rule)
    assert rule.read or rule.write


@pytest.mark.parametrize(("pattern", "page"), PAGES, ids=IDS)
def test_every_page_for_every_person(pattern: str, page: Any, world: Space) -> None:
    people = {
        "acting": make_person("Ann", org="maple", acting=True),
        "administrator": make_person("Bob", org="maple"),
        "viewer": make_person("Vic", org="maple", role="viewer"),
        "teacher": make_person("Tea", org="maple", role="teacher"),
    }
    import_maple(world.name, slug="other")
    stranger = make_person("Stan", org="other", acting=True)
    for method, who in _methods(page):
        for name, person in people.items():
            answer = getattr(person.client, method)(_address(pattern))
            status = answer.status_code
            if who not in (None, Who.ANYONE) and status in (200, 403):
                assert answer["Cache-Control"] == "no-store", "nothing of it stays on the disk of a shared computer"
            if who is None:
                assert status == 405, (method, name)
            elif _of_the_api(pattern) and who is not Who.ANYONE:
                assert status == 401, (
                    method,
                    name,
                )  # it takes no cookie; tests/web/test_api_rights.py asks with tokens
            elif who is Who.OPERATOR:
                assert status == 404, (method, name)
            elif who is not Who.ANYONE:
                assert (status == 403) == (name not in PASSES[who]), (method, name, status)
        if "slug" in pattern and who is not None and not _of_the_api(pattern):
            strange = getattr(stranger.client, method)(_address(pattern))
            assert strange.status_code == 404
            assert "Maple" not in strange.content.decode()


@pytest.mark.parametrize(("pattern", "page"), PAGES, ids=IDS)
def test_without_signing_in_nothing_is_shown(pattern: str, page: Any, world: Space) -> None:
    from django.test import Client

    for method, who in _methods(page):
        answer = getattr(Client(), method)(_address(pattern))
        if who not in (None, Who.ANYONE) and _of_the_api(pattern):
            assert answer.status_code == 401
            assert answer.json()["error"]["error"] == "Unauthorized"
        elif who not in (None, Who.ANYONE):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/accounts/login/")
