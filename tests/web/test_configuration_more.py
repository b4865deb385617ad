"""More settings: everything else of a settings file has its field, its words and its errors; and the YAML."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings_text import read_settings
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.web import setting_texts
from rollbook.web.setting_forms import leaves
from tests.web.elm import error_at, html, number, references, rows, secrets, settings
from tests.web.people import Person, words
from tests.web.world import run_now

AT = "/o/maple/configuration/more/"
YAML = "/o/maple/configuration/yaml/"
SECRET = "a-webhook-secret-of-many-letters"
NOTICES = {
    "notices-notices-email": "", "notices-notices-on": ["failed"], "notices-notices-digest": "none",
    "notices-notices-language": "es",
}  # fmt: skip


def _post(person: Person, group: str, **values: Any) -> Any:
    named = {f"{group}-{name.replace('.', '-')}": value for name, value in values.items()}
    return person.post(AT, group=group, seen=number("maple"), **named)


def _limits(**more: Any) -> dict[str, Any]:
    found = {
        "limits.remove.percent": 10, "limits.remove.from": 20, "limits.update.percent": 75, "limits.update.from": 100,
        "limits.create.percent": 25, "limits.create.from": 100,
    }  # fmt: skip
    return {**found, **more}


def _users(**more: Any) -> dict[str, Any]:
    found = {
        "users.unique_id": "sourcedId", "users.username": "username", "users.email": "email",
        "users.preferred_name": "preferredGivenName", "users.graduation_year": "none", "users.passwords": "generate",
        "users.guardians": "on", "users.deactivate_after": "", "users.role_order": "",
    }  # fmt: skip
    return {**found, **more}


def _hooks(person: Person, *hooks: dict[str, Any]) -> Any:
    return person.post(AT, group="notices", seen=number("maple"), **NOTICES, **rows("webhooks", *hooks))


def test_every_setting_has_its_words() -> None:
    """Labels, groups and the meaning of choices, and none that belongs to nothing."""
    texts = setting_texts.texts()
    assert sorted(texts["labels"]) == sorted(leaf.name for leaf in leaves())
    assert set(texts["groups"]) == {leaf.name.partition(".")[0] for leaf in leaves()}
    named = {f"{group}.{own}" for group, choices in texts["choices"].items() for own in choices}
    for leaf in leaves():
        hint = get_args(leaf.hint)[0] if get_origin(leaf.hint) is tuple else leaf.hint
        if get_origin(hint) is Literal:
            group, _, own = leaf.name.partition(".")
            assert set(texts["choices"][group][own]) == set(get_args(hint)), leaf.name
            named.discard(leaf.name)
    assert not named
    assert all(setting_texts.sentence(leaf.name) for leaf in leaves())


def test_every_setting_has_its_field(ann: Person) -> None:
    page = html(ann.get(AT))
    for leaf in leaves():
        group = leaf.name.partition(".")[0]
        if leaf.name != "notices.webhooks":
            assert f'name="{group}-{leaf.field}"' in page, leaf.name
    assert 'name="webhooks-0-url"' in page
    assert "](" not in page  # no Markdown is left
    assert "<code>generate</code>" in page
    assert "&lt;code&gt;" not in page
    assert 'value="10"' in page
    assert '<option value="America/New_York" selected>America/New York</option>' in page


def test_the_texts_are_escaped() -> None:
    assert setting_texts.as_html("`<b>` & [a link](x.md#y)") == "<code>&lt;b&gt;</code> &amp; a link"
    assert setting_texts.as_html("Kept ([why](x.md), [rule 1](y.md#z)). (Both.)") == "Kept. (Both.)"


def test_saving_each_group_as_it_is_changes_nothing(ann: Person) -> None:
    before, version = settings("maple"), number("maple")
    page = html(ann.get(AT))
    assert page.count("<form method") >= 9
    assert _post(ann, "limits", **_limits()).status_code == 302
    assert _post(ann, "users", **_users()).status_code == 302
    assert (settings("maple"), number("maple")) == (before, version)


def test_limits(ann: Person) -> None:
    answer = _post(ann, "limits", **_limits(**{"limits.remove.percent": "12.5", "limits.remove.from": "5"}))
    assert answer["Location"] == f"{AT}#limits"
    found = settings("maple").limits.remove
    assert (found.percent, found.from_) == (12.5, 5)


def test_users(ann: Person) -> None:
    more = {
        "users.deactivate_after": "30",
        "users.role_order": "Teacher\n\nStudent\nTeacher",
        "users.passwords": "none",
    }
    values = _users(**more)
    del values["users.guardians"]
    assert _post(ann, "users", **values).status_code == 302
    found = settings("maple").users
    assert (found.deactivate_after, found.role_order, found.guardians) == (30, ("Teacher", "Student"), False)
    _post(ann, "users", **_users())
    assert settings("maple").users.deactivate_after is None


def test_the_rest(ann: Person) -> None:
    _post(ann, "organization", **{"organization.name": "Maple & Sons", "organization.timezone": "America/Chicago"})
    _post(ann, "sections", **{"sections.title": "{course}: {class}"})
    _post(ann, "enrollments", **{
        "enrollments.members": "sis", "enrollments.end_dates": "", "enrollments.give_days_before": "0",
    })  # fmt: skip
    exclude = dict.fromkeys(("courses", "subjects", "class_types", "people"), "")
    _post(ann, "exclude", **{f"exclude.{name}": text for name, text in exclude.items()},
          **{"exclude.grades": "KG\n01", "exclude.emails": "*@test.example"})  # fmt: skip
    _post(ann, "live", **{
        "live.compare": "every", "live.sections_per_run": "10", "live.missing_enrollments": "give",
    })  # fmt: skip
    _post(ann, "undo", **{"undo.pin_days": "7"})
    found = settings("maple")
    assert (found.organization.name, found.organization.timezone) == ("Maple & Sons", "America/Chicago")
    assert found.sections.title == "{course}: {class}"
    assert (found.enrollments.members, found.enrollments.end_dates) == ("sis", None)
    assert (found.exclude.grades, found.exclude.emails) == (("KG", "01"), ("*@test.example",))
    assert (found.live.compare, found.live.sections_per_run, found.live.missing_enrollments) == ("every", 10, "give")
    assert found.undo.pin_days == 7
    assert "Maple &amp; Sons" in html(ann.get(AT))


@pytest.mark.parametrize(
    ("group", "field", "value", "said"),
    [
        ("limits", "limits.remove.percent", "101", "at most 100"),
        ("limits", "limits.remove.percent", "-1", "at least 0"),
        ("limits", "limits.remove.from", "1.5", "whole number"),
        ("limits", "limits.remove.from", "", "required"),
        ("limits", "limits.remove.from", "inf", "number"),
        ("users", "users.deactivate_after", "0", "at least 1"),
        ("users", "users.username", "password", "valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(ann: Person, group: str, field: str, value: str, said: str) -> None:
    before = settings("maple")
    given = _limits() if group == "limits" else _users(**{"users.role_order": "kept while wrong"})
    answer = _post(ann, group, **{**given, field: value})
    assert answer.status_code == 422
    assert said in error_at(answer, f"{group}-{field.replace('.', '-')}")
    assert group == "limits" or "kept while wrong" in html(answer)
    assert settings("maple") == before


def test_addresses_of_notices(ann: Person) -> None:
    wrong = ann.post(AT, group="notices", seen=number("maple"), **rows("webhooks"),
                     **{**NOTICES, "notices-notices-email": "nobody"})  # fmt: skip
    assert wrong.status_code == 422
    assert "written as it should be" in error_at(wrong, "notices-notices-email")
    right = ann.post(AT, group="notices", seen=number("maple"), **rows("webhooks"),
                     **{**NOTICES, "notices-notices-email": "a@maple.example\nb@maple.example"})  # fmt: skip
    assert right.status_code == 302
    found = settings("maple").notices
    assert (found.email, found.on) == (("a@maple.example", "b@maple.example"), ("failed",))


def test_webhooks_and_their_secrets_move_together(ann: Person) -> None:
    assert _hooks(
        ann, *({"old": "", "url": f"https://{n}.example/x", "secret": f"{SECRET}-{n}"} for n in "abc")
    ).status_code == 302  # fmt: skip
    assert [one.url for one in settings("maple").notices.webhooks] == [f"https://{n}.example/x" for n in "abc"]
    assert SECRET not in html(ann.get(AT))
    kept = ({"old": 1, "url": "https://b.example/x"}, {"old": 2, "url": "https://c.example/x"})
    assert _hooks(ann, {"old": 0, "url": ""}, *kept).status_code == 302
    assert [one.url for one in settings("maple").notices.webhooks] == ["https://b.example/x", "https://c.example/x"]
    found = secrets("maple")
    assert found["notices.webhooks.0.secret"] == f"{SECRET}-b"
    assert found["notices.webhooks.1.secret"] == f"{SECRET}-c"
    assert "notices.webhooks.2.secret" not in references("maple")
    assert _hooks(ann).status_code == 302
    assert not [place for place in references("maple") if place.startswith("notices")]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"url": "https://a.example", "secret": ""}, "secret"),
        ({"url": "https://a.example", "secret": "", "old": 5}, "secret"),
        ({"url": "https://a.example", "secret": "short"}, "secret"),
        ({"url": "http://a.example", "secret": SECRET}, "url"),
        ({"url": "https://127.0.0.1/", "secret": SECRET}, "url"),
        ({"url": "a.example", "secret": SECRET}, "url"),
        ({"url": "", "secret": SECRET}, "url"),
    ],
)
def test_wrong_webhooks(ann: Person, row: dict[str, Any], field: str) -> None:
    answer = _hooks(ann, row)
    assert answer.status_code == 422
    assert error_at(answer, f"webhooks-0-{field}")
    assert SECRET not in html(answer)
    assert settings("maple").notices.webhooks == ()


@pytest.mark.rule(8)
def test_the_unique_id_is_locked_after_the_first_apply(ann: Person, world: Space, pages: DataFolder) -> None:
    assert _post(ann, "users", **_users(**{"users.unique_id": "identifier"})).status_code == 302
    _post(ann, "users", **_users())
    run_now(pages)
    assert "locked since the first sync" in words(ann.get(AT))
    answer = _post(ann, "users", **_users(**{"users.unique_id": "identifier"}))
    assert answer.status_code == 422
    assert "locked since the first sync" in error_at(answer, "users-users-unique_id")
    values = _users(**{"users.graduation_year": "from_grade"})
    del values["users.unique_id"]  # a browser does not send what is switched off
    assert _post(ann, "users", **values).status_code == 302
    assert settings("maple").users.unique_id == "sourcedId"
    assert settings("maple").users.graduation_year == "from_grade"


def test_two_tabs(ann: Person) -> None:
    data = {"undo-undo-pin_days": "7", "group": "undo", "seen": number("maple")}
    assert ann.post(AT, **data).status_code == 302
    answer = ann.post(AT, **{**data, "undo-undo-pin_days": "8"})
    assert answer.status_code == 422
    assert "in another tab" in words(answer)
    assert 'value="8"' in html(answer)
    assert settings("maple").undo.pin_days == 7


@pytest.mark.parametrize("group", ["", "schedule", "sis", "__class__"])
def test_other_groups_are_not_there(ann: Person, group: str) -> None:
    before = settings("maple")
    assert ann.post(AT, group=group, seen=number("maple"))["Location"] == AT
    assert settings("maple") == before


def test_the_yaml_can_be_imported_again(ann: Person, tmp_path: Path) -> None:
    _hooks(ann, {"old": "", "url": "https://a.example/x", "secret": SECRET})
    _post(ann, "undo", **{"undo.pin_days": "7"})
    page = ann.get(YAML)
    assert "pin_days: 7" in words(page)
    file: Any = ann.get(YAML, download="yes")
    assert file["Content-Disposition"] == 'attachment; filename="maple.yaml"'
    text = file.content.decode()
    assert SECRET not in text + html(page)
    assert "memory" not in [line.strip() for line in text.splitlines() if line.strip().startswith("key:")]
    known = {"NOTICES_WEBHOOKS_0_SECRET": SECRET, "SIS_KEY": "memory", "LMS_KEY": "memory"}
    assert read_settings(text, name="x", around=Surroundings(known, tmp_path)).settings == settings("maple")


def test_who_sees_what(bob: Person, vic: Person, ann: Person) -> None:
    _hooks(ann, {"old": "", "url": "https://hooks.example/a-path-that-is-a-secret", "secret": SECRET})
    assert "a-path-that-is-a-secret" in html(bob.get(AT))
    assert "a-path-that-is-a-secret" not in html(vic.get(AT))
    assert "hooks.example" in html(vic.get(AT))
    assert bob.get(YAML).status_code == 200
    assert vic.get(YAML).status_code == 403
    for person in (bob, vic):
        page = html(person.get(AT))
        assert "Save:" not in page
        assert _post(person, "undo", **{"undo.pin_days": "1"}).status_code == 403


def test_the_docs_say_the_same() -> None:
    """One file of texts makes docs/reference/settings.md and these pages."""
    root = Path(__file__).parents[2]
    file = root / "src/rollbook/web/setting_texts.toml"
    sentence = tomllib.loads(file.read_text())["settings"]["undo.pin_days"]
    assert sentence in (root / "docs/reference/settings.md").read_text()
