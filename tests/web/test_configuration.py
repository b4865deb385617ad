"""Configuration: what the forms of SIS and LMS ask for, keep, refuse and never show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import export_settings, import_settings
from rollbook.actions.settings_text import typed_options
from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, SettingsVersion
from rollbook.web.steps import steps
from tests.web.elm import AT, elm, error_at, html, lms_data, make_elm, number, secrets, select, settings, sis_data
from tests.web.people import Person, make_person, words

BASE = "https://sis.example"
SAVE = f"{AT}configuration/sis/"
SECRET = "a-secret-that-nobody-sees"


@pytest.fixture
def eve(pages: DataFolder) -> Person:
    """Has chosen a SIS that leaves everything open."""
    found = make_elm()
    select(found)
    return found


def _save(eve: Person, **more: Any) -> Any:
    return eve.post(SAVE, **sis_data(BASE, **{"sis-secret": SECRET, **more}))


def test_before_a_sis_is_chosen(pages: DataFolder) -> None:
    eve = make_elm()
    answer = eve.get(f"{AT}configuration/")
    assert "Begin with your SIS" in words(answer)
    for name in ("sis", "lms", "sis/test", "schedule", "schedule/preview", "year", "year/read", "more"):
        assert eve.post(f"{AT}configuration/{name}/").status_code == 302
    assert number() == 0


def test_the_guides_labels(eve: Person) -> None:
    text = words(eve.get(f"{AT}configuration/"))
    for label in (
        "SIS Connect Domain", "Consumer Key", "Consumer Secret", "Save API Credentials", "Scheduling Options",
        "Save Sync Options", "SIS Connect Active Year", "Schoology Acting User", "You are the Acting User",
        "Select Daily unless otherwise instructed", "added to the queue, not the time at which it is completed",
    ):  # fmt: skip
        assert label in text, label


@pytest.mark.parametrize(("side", "name"), [("sis", "oneroster_rest"), ("lms", "schoology")])
def test_every_declared_option_can_be_set(eve: Person, side: str, name: str) -> None:
    page = html(eve.get(f"{AT}configuration/"))
    for option in describe(connector(name).options):
        assert (f'name="{side}-{option.name}"' in page) == (option.name != "partner"), option.name


def test_saved_and_never_shown(eve: Person) -> None:
    answer = _save(eve, **{"sis-expires": "2027-06-30"})
    assert (answer.status_code, answer["Location"]) == (302, f"{AT}configuration/#sis")
    found = settings().sis
    assert found.options == {"base_url": f"{BASE}/ims/oneroster/v1p1", "token_url": f"{BASE}/token", "key": "practice"}
    assert found.expires == "2027-06-30"
    assert secrets() == {"sis.secret": SECRET}
    assert steps(elm()).sis
    page = eve.get(f"{AT}configuration/")
    assert SECRET not in html(page)
    assert "A secret is saved" in words(page)
    assert f'value="{BASE}/token"' in html(page)
    kept = [str(row) for row in SettingsVersion.objects.values_list("document", flat=True)]
    told = [f"{row.action}{row.subject}{row.details}" for row in AuditRow.objects.all()]
    assert SECRET not in "".join(kept + told)


def test_an_empty_secret_stays_as_it_is(eve: Person) -> None:
    _save(eve)
    _save(eve, **{"sis-secret": "", "sis-key": "another"})
    assert settings().sis.options["key"] == "another"
    assert secrets() == {"sis.secret": SECRET}


def test_a_new_secret_replaces_the_old_one(eve: Person) -> None:
    _save(eve)
    _save(eve, **{"sis-secret": "another secret"})
    assert secrets() == {"sis.secret": "another secret"}


def test_saving_the_same_again_makes_no_version(eve: Person) -> None:
    _save(eve)
    before = number()
    answer = eve.client.post(SAVE, sis_data(BASE, **{"sis-secret": SECRET}), follow=True)
    assert "saved like that already" in words(answer)
    assert number() == before


def test_a_domain_without_https_is_completed(eve: Person) -> None:
    _save(eve, **{"sis-base_url": "sis.example", "sis-token_url": "sis.example/token"})
    assert settings().sis.options["base_url"] == "https://sis.example"
    assert settings().sis.options["token_url"] == "https://sis.example/token"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("sis-base_url", "", "required"),
        ("sis-base_url", "not an address", "https://"),
        ("sis-base_url", "http://sis.example/ims", "https://"),
        ("sis-base_url", "https://10.0.0.5/ims", "private"),
        ("sis-base_url", "https://169.254.169.254/", "never called"),
        ("sis-base_url", "https://key:word@sis.example/", "fields for key and secret"),
        ("sis-token_url", "ftp://sis.example/token", "https://"),
        ("sis-token_url", "", "shows it beside key and secret"),
        ("sis-key", "", "required"),
        ("sis-secret", "", "required"),
        ("sis-auth", "oauth3", "valid choice"),
        ("sis-page_size", "-1", "at least 0"),
        ("sis-page_size", "2.5", "whole number"),
        ("sis-page_size", "many", "number"),
        ("sis-parallel", "99", "at most 16"),
        ("sis-timeout", "0", "more than 0"),
        ("sis-expires", "2027-02-30", "valid date"),
        ("sis-headers", "no colon", "colon"),
        ("sis-endpoints", "people: users", "no collection"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(eve: Person, field: str, value: str, said: str) -> None:
    answer = _save(eve, **{field: value, "sis-scopes": "kept while wrong"})
    assert answer.status_code == 422
    assert said in error_at(answer, field), error_at(answer, field)
    assert 'value="kept while wrong"' in html(answer)
    assert SECRET not in html(answer)
    assert number() == 1


def test_several_errors_at_once(eve: Person) -> None:
    answer = _save(eve, **{"sis-page_size": "-1", "sis-parallel": "99", "sis-key": "", "sis-base_url": "no address"})
    assert error_at(answer, "sis-key")
    assert error_at(answer, "sis-base_url")
    assert error_at(answer, "sis-page_size")
    assert error_at(answer, "sis-parallel")
    assert "<details open" in html(answer)  # they are among the further options


@pytest.mark.parametrize(
    "field", ["sis-base_url", "sis-token_url", "sis-auth", "sis-page_size", "sis-expires", "sis-endpoints"]
)
def test_a_secret_in_the_wrong_field_is_in_no_message(eve: Person, field: str) -> None:
    answer = _save(eve, **{field: SECRET, "sis-secret": ""})
    assert answer.status_code == 422
    assert SECRET not in error_at(answer, field)
    typed = re.sub(r'<textarea.*?</textarea>|value="[^"]*"', "", html(answer), flags=re.DOTALL)
    assert SECRET not in typed


def test_oauth1_needs_no_token_address(eve: Person) -> None:
    _save(eve, **{"sis-auth": "oauth1", "sis-token_url": ""})
    assert settings().sis.options["auth"] == "oauth1"
    assert "token_url" not in settings().sis.options


def test_the_partner_answers_what_it_can(pages: DataFolder) -> None:
    eve = make_elm()
    select(eve, "aeries")
    page = html(eve.get(f"{AT}configuration/"))
    assert 'name="sis-auth"' not in page
    assert "/aeries/ims/oneroster/v1p1" in page  # an example of its addresses
    assert "Good to know about Aeries" in words(eve.get(f"{AT}configuration/"))
    answer = eve.post(SAVE, seen=1, **{"sis-base_url": "aeries.example", "sis-key": "k", "sis-secret": "s"})
    assert answer.status_code == 302
    assert settings().sis.options == {"base_url": "https://aeries.example", "key": "k"}


def test_another_host_asks_for_the_secret_again(eve: Person) -> None:
    _save(eve)
    for field in ("sis-base_url", "sis-token_url"):
        for path in (SAVE, f"{SAVE}test/"):
            answer = eve.post(path, **sis_data(BASE, **{"sis-secret": "", field: "https://elsewhere.example/x"}))
            assert answer.status_code == 422
            assert "Type the secret again" in error_at(answer, "sis-secret")
    assert eve.post(
        SAVE, **sis_data(BASE, **{"sis-secret": "", "sis-base_url": f"{BASE}/another/path"})
    ).status_code == 302  # fmt: skip


def test_secret_headers_are_kept_and_removed(eve: Person) -> None:
    """A secret that is a table."""
    answer = _save(eve, **{"sis-headers": f"X-Key: {SECRET}\nX-Other: {{key}}"})
    assert answer.status_code == 302, words(answer)
    assert "sis.headers" in secrets()
    assert SECRET not in html(eve.get(f"{AT}configuration/"))
    typed: Any = typed_options(settings().sis, secrets(), "sis")
    assert typed.headers == {"X-Key": SECRET, "X-Other": "{key}"}
    _save(eve, **{"sis-headers-remove": "on"})
    assert "sis.headers" not in secrets()
    assert secrets()["sis.secret"] == SECRET


def test_the_lms(eve: Person) -> None:
    lms = {"lms-secret": SECRET, "lms-base_url": "", "lms-expires": "2027-01-31", "lms-admin_roles": "System Admin\nIT"}
    answer = eve.post(f"{AT}configuration/lms/", **lms_data("", **lms))
    assert answer["Location"] == f"{AT}configuration/#lms"
    assert settings().lms.options == {"key": "practice", "admin_roles": ["System Admin", "IT"]}
    assert settings().lms.expires == "2027-01-31"
    assert secrets() == {"lms.secret": SECRET}
    assert settings().sis.options == {}
    wrong = eve.post(
        f"{AT}configuration/lms/", **lms_data("", **{"lms-base_url": "https://x.example", "lms-secret": ""})
    )
    assert "Type the secret again" in error_at(wrong, "lms-secret")


def test_two_tabs(eve: Person) -> None:
    first = sis_data(BASE, **{"sis-key": "of the first tab"})
    second = sis_data(BASE, **{"sis-key": "of the second tab", "sis-secret": SECRET})
    assert eve.post(SAVE, **first).status_code == 302
    answer = eve.post(SAVE, **second)
    assert answer.status_code == 422
    assert "Nothing was saved" in words(answer)
    assert 'value="of the second tab"' in html(answer)
    assert SECRET not in html(answer)
    assert settings().sis.options["key"] == "of the first tab"
    assert eve.post(SAVE, **{**second, "seen": number()}).status_code == 302  # knowing what is saved
    assert settings().sis.options["key"] == "of the second tab"


def test_a_form_that_does_not_say_what_it_saw_saves_nothing(eve: Person) -> None:
    for seen in ("", "x", "-1", "9" * 30):
        assert _save(eve, seen=seen).status_code == 422
    assert number() == 1


@pytest.mark.parametrize("role", ["administrator", "viewer"])
def test_others_see_the_same_page_and_change_nothing(eve: Person, role: str) -> None:
    _save(eve)
    other = make_person("Otto", org="elm", role=role)
    answer = other.get(f"{AT}configuration/")
    page = html(answer)
    assert "Only Eve Elm, the Acting User" in words(answer)
    assert "Eve Elm is the Acting User" in words(answer)
    assert "Save API Credentials" not in page
    assert "<fieldset" in page
    for line in page.split("<input")[1:] + page.split("<select")[1:]:
        tag = line.partition(">")[0]
        assert "disabled" in tag or 'type="hidden"' in tag, tag
    for name in ("sis", "lms", "sis/test", "lms/test", "schedule", "schedule/preview", "year", "more"):
        assert other.post(f"{AT}configuration/{name}/", seen=number()).status_code == 403
    assert number() == 2


def test_only_the_operator_names_files_of_the_server(pages: DataFolder) -> None:
    """Else an acting user could read the export of somebody else's organization."""
    eve = make_elm()
    select(eve, "csv")
    text = words(eve.get(f"{AT}configuration/"))
    assert "Only the operator of this server can name a folder of the server" in text
    assert 'name="sis-path"' not in html(eve.get(f"{AT}configuration/"))
    answer = eve.post(SAVE, seen=1, **{"sis-path": "/etc", "sis-files": "bulk", "sis-max_gigabytes": "2"})
    assert answer.status_code == 302, words(answer)
    assert settings().sis.options == {"files": "bulk", "max_gigabytes": 2}
    eve.account.is_operator = True
    eve.account.save()
    there = {"sis-path": "/out/elm-*.zip", "sis-host": "sftp.example", "sis-files": "bulk"}
    assert eve.post(SAVE, seen=2, **there).status_code == 302
    assert settings().sis.options["host"] == "sftp.example"
    eve.account.is_operator = False
    eve.account.save()
    assert eve.post(SAVE, seen=3, **{"sis-path": "/etc", "sis-host": "", "sis-files": "delta"}).status_code == 302
    assert settings().sis.options == {"path": "/out/elm-*.zip", "host": "sftp.example", "files": "delta"}


def test_settings_of_a_file_are_shown_and_kept(ann: Person) -> None:
    """The organization of these tests came from a settings file, with the memory connector on both sides."""
    before = settings("maple")
    page = html(ann.get("/o/maple/configuration/"))
    assert f'value="{before.sis.options["space"]}"' in page
    data = {"sis-space": before.sis.options["space"], "seen": number("maple")}
    answer = ann.client.post("/o/maple/configuration/sis/", data, follow=True)
    assert "saved like that already" in words(answer)
    assert settings("maple") == before


def test_secret_headers_of_a_settings_file(pages: DataFolder, tmp_path: Path) -> None:
    """They are looked up one by one, and an export names the variable that holds all of them as JSON."""
    text = """
organization: {slug: oak, name: Oak}
sis: {connector: oneroster_rest, options: {base_url: "https://sis.example/ims/oneroster/v1p1", auth: oauth1, key: k,
      secret: s, headers: {X-Key: "${KEY}", X-Plain: plain}}}
lms: {connector: schoology, options: {key: k, secret: s}}
"""
    import_settings(text, name="oak.yaml", around=Surroundings({"KEY": SECRET}, tmp_path), by=OPERATOR)
    assert json.loads(secrets("oak")["sis.headers"]) == {"X-Key": SECRET, "X-Plain": "plain"}
    typed: Any = typed_options(settings("oak").sis, secrets("oak"), "sis")
    assert typed.headers == {"X-Key": SECRET, "X-Plain": "plain"}
    exported = export_settings("oak")
    assert "headers: ${SIS_HEADERS}" in exported
    assert SECRET not in exported
    around = {"SIS_SECRET": "s", "LMS_SECRET": "s", "SIS_HEADERS": secrets("oak")["sis.headers"]}
    again = import_settings(exported, name="oak.yaml", around=Surroundings(around, tmp_path), by=OPERATOR)
    assert not again.changed
    with pytest.raises(ConfigError, match="must be a table"):
        import_settings(
            exported, name="oak.yaml", around=Surroundings({**around, "SIS_HEADERS": SECRET}, tmp_path), by=OPERATOR
        )
