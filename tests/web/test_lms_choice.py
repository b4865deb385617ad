"""Which LMS it is: offered from the registry, chosen on Configuration, and fixed once a sync wrote to it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from rollbook.actions.actors import OPERATOR
from rollbook.actions.lms_choice import choose_lms
from rollbook.actions.matching import SKIPPED, decide_matches, finish_data_prep
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.base import Connector
from rollbook.connectors.memory.space import Space
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.core.protocols import LEAVE, Decision
from rollbook.errors import ConfigError
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, DirectoryRow, LedgerVersionRow, MatchDecision, River, Run, RunState
from rollbook.web.lms_list import FIRST_LMS, every_lms
from rollbook.web.steps import steps
from tests.web.elm import AT, elm, error_at, html, lms_data, make_elm, number, secrets, select, settings
from tests.web.people import PASSWORD, Answer, Person, make_person, words
from tests.web.test_manage_users import sign_in_again, text_of

CHOOSE, SAVE, TEST = (f"{AT}configuration/lms/{name}" for name in ("choose/", "", "test/"))
TOKEN = "practice-token-to-look-for"
OTHERS = [one.name for one in every_lms() if one.name != FIRST_LMS]


@pytest.fixture
def eve(pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Has chosen a SIS, and may talk to this machine."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    found = make_elm()
    select(found)
    return found


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serve(create_moodle(token=TOKEN)) as running:
        yield running.url


def _choose(person: Person, lms: str = "moodle", **more: Any) -> Answer:
    return person.post(CHOOSE, **{"lms": lms, "seen": number(), **more})


def _data(base: str, **more: Any) -> dict[str, Any]:
    """What the form of a Moodle sends: the options that every form has, as the page shows them at first."""
    found = {"lms-base_url": base, "lms-token": TOKEN, "lms-time_zone": "America/New_York", "seen": number()}
    return {**found, **more}


def test_every_connector_to_an_lms_is_offered_by_its_title(eve: Person) -> None:
    page = html(eve.get(f"{AT}configuration/"))
    for name in CONNECTORS:
        one = connector(name)
        offered = f'<option value="{name}"' in page
        assert offered == (one.target is not None and not one.practice), name
        assert not offered or f">{one.title}</option>" in page
    assert f'<option value="{FIRST_LMS}" selected>' in page
    assert len(OTHERS) > 0


@pytest.mark.parametrize("name", [one.name for one in every_lms()])
def test_what_a_connector_says_of_itself_holds(name: str) -> None:
    one = connector(name)
    assert one.credentials.endswith(".")
    with translation.override("es"):
        assert translation.gettext(one.credentials) != one.credentials


def test_choosing_changes_the_form_and_nothing_else(eve: Person) -> None:
    answer = _choose(eve)
    assert (answer.status_code, answer["Location"]) == (302, f"{AT}configuration/#lms")
    found = settings()
    assert found.lms.connector == "moodle"
    assert found.lms.options == {"time_zone": "America/New_York"}, "that of the organization"
    assert found.sis.connector == "oneroster_rest"
    row = AuditRow.objects.get(action="choose LMS")
    assert (row.by, row.organization, row.subject) == ("Eve Elm (eve.elm@example.org)", "elm", "2")
    page = eve.get(f"{AT}configuration/")
    text, title, other = words(page), connector("moodle").title, connector(FIRST_LMS).title
    for said in (f"LMS connection: {title}", f"{title} Acting User", "Site address", connector("moodle").credentials):
        assert said in text, said
    assert text.replace(f"{other} ", "", 1).count(other) == 0, "only the list of LMSs names the other one"
    assert 'name="lms-secret"' not in html(page)
    assert not steps(elm()).lms


def test_saved_and_tested(eve: Person, site: str) -> None:
    _choose(eve)
    answer = eve.post(TEST, **_data(site))
    text = words(answer)
    assert "The connection works." in text
    for fact in ("Buildings", "Roles", "Account of the service", "Release"):
        assert fact in text, fact
    assert TOKEN not in html(answer)
    assert eve.post(SAVE, **_data(site))["Location"] == f"{AT}configuration/#lms"
    assert secrets() == {"lms.token": TOKEN}
    assert settings().lms.options.items() >= {"base_url": site, "time_zone": "America/New_York"}.items()
    assert steps(elm()).lms
    assert TOKEN not in html(eve.get(f"{AT}configuration/"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("lms-base_url", "", "required"),
        ("lms-base_url", "not an address", "https://"),
        ("lms-token", "", "required"),
        ("lms-student_role_id", "0", "at least 1"),
        ("lms-student_role_id", "five", "number"),
        ("lms-leavers", "delete", "valid choice"),
        ("lms-time_zone", "Mars/Olympus", "is not known"),
        ("lms-batch_size", "2.5", "whole number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(eve: Person, field: str, value: str, said: str) -> None:
    _choose(eve)
    answer = eve.post(SAVE, **_data("https://moodle.example", **{field: value}))
    assert answer.status_code == 422
    assert said in error_at(answer, field), error_at(answer, field)
    assert settings().lms.options == {"time_zone": "America/New_York"}


def test_a_wrong_token_says_where_the_right_one_is(eve: Person, site: str) -> None:
    _choose(eve)
    answer = eve.post(TEST, **_data(site, **{"lms-token": "wrong-token"}))
    text = words(answer)
    assert "The connection does not work." in text
    assert "the token is not valid, or not any more; make a new one" in text
    assert f"Who must act: You: check the credentials, and what they may do in the LMS. {_moodle().credentials}" in text
    assert "Consumer" not in text.partition("Who must act")[2].partition("Scheduling")[0]
    assert "wrong-token" not in html(answer)


def test_a_service_that_lacks_functions(eve: Person) -> None:
    _choose(eve)
    functions = frozenset({"core_webservice_get_site_info"})
    with serve(create_moodle(token=TOKEN, functions=functions)) as running:
        text = words(eve.post(TEST, **_data(running.url)))
    assert "he service of the token lacks these functions:" in text
    assert "core_user_create_users" in text


def test_in_spanish(eve: Person, site: str) -> None:
    eve.post("/language/", language="es", next="/")
    _choose(eve)
    text = words(eve.post(TEST, **_data(site, **{"lms-token": "wrong-token"})))
    assert "el token no es válido" in text
    assert "Usted: compruebe las credenciales" in text
    assert "¿Qué LMS usa su distrito?" in text


def test_choosing_back_and_forth_drops_what_was_the_old_ones(eve: Person) -> None:
    eve.post(SAVE, **lms_data("https://lms.example", **{"lms-expires": "2027-06-30"}))
    assert secrets()
    DirectoryRow.objects.create(
        organization=elm(), name="lms.building", rows=[], digest="", read_at="2026-11-01T00:00Z"
    )
    DirectoryRow.objects.create(organization=elm(), name="sis.orgs", rows=[], digest="", read_at="2026-11-01T00:00Z")
    maps = {
        "schools": {"a": "create", "b": "id:7", "c": "skip", "*": "code:X"},
        "terms": {"*": {"fall": "create", "old": "id:3", "both": ["create", "id:3"]}, "a": {"old": "id:3"}},
        "roles": {"*": {"student": "Student"}},
    }
    change_settings(org="elm", by="Eve", what="test", change=lambda document: document.update(maps))
    decide_matches(org="elm", by="Eve", decisions=[Decision(key="u1", choice=LEAVE, lms_ids=("9",))])
    finish_data_prep(org="elm", by="Eve", how=SKIPPED)
    _choose(eve)
    found = settings()
    assert found.schools == {"a": "create", "c": "skip"}
    assert found.terms == {"*": {"fall": "create", "both": "create"}}
    assert found.roles == {}
    assert secrets() == {}
    assert found.lms.expires is None
    assert [row.name for row in DirectoryRow.objects.filter(organization=elm())] == ["sis.orgs"]
    assert not MatchDecision.objects.exists()
    assert not steps(elm()).data_prep
    assert "Saved." in words(eve.client.post(CHOOSE, {"lms": FIRST_LMS, "seen": number()}, follow=True))
    assert (settings().lms.connector, settings().lms.options) == (FIRST_LMS, {})


def test_the_one_that_is_chosen_keeps_everything(eve: Person) -> None:
    """The button, pressed where the choice was not touched, or pressed twice."""
    eve.post(SAVE, **lms_data("https://lms.example"))
    before = number()
    answer = eve.client.post(CHOOSE, {"lms": FIRST_LMS, "seen": before}, follow=True)
    assert "saved like that already" in words(answer)
    assert number() == before
    assert secrets() == {"lms.secret": "practice"}


def _ledger() -> None:
    LedgerVersionRow.objects.create(organization=elm(), number=1, files={})


def _run(**more: Any) -> None:
    Run.objects.create(id="r1", organization=elm(), requested_by="Eve", **more)


@pytest.mark.parametrize(
    "sent",
    [
        _ledger,
        lambda: _run(state=RunState.FAILED, settled=False),
        lambda: _run(state=RunState.RUNNING),
    ],
    ids=["ledger", "unsettled", "running"],
)
def test_once_something_was_sent_it_is_fixed(eve: Person, sent: Any) -> None:
    sent()
    before = number()
    page = eve.get(f"{AT}configuration/")
    assert "That cannot be changed any more" in words(page)
    assert "choose/" not in html(page)
    answer = _choose(eve)
    assert answer.status_code == 422
    assert "LMS cannot be changed any more" in words(answer)
    assert (settings().lms.connector, number()) == (FIRST_LMS, before)
    with pytest.raises(ConfigError, match="cannot be changed any more"):
        choose_lms(org="elm", by="Eve", lms="moodle")


@pytest.mark.parametrize(
    "more",
    [
        {"state": RunState.PLANNED, "dry_run": True},
        {"state": RunState.RUNNING, "dry_run": True},
        {"state": RunState.FAILED},
        {"state": RunState.RUNNING, "river": River.GRADES},
    ],
    ids=["planned", "planning", "failed before", "grades"],
)
def test_what_sent_nothing_fixes_nothing(eve: Person, more: dict[str, Any]) -> None:
    _run(**more)
    assert _choose(eve).status_code == 302
    assert settings().lms.connector == "moodle"


def test_the_operator_may_bring_another_one(eve: Person) -> None:
    _ledger()
    text = """
organization: {slug: elm, name: Elm District, timezone: America/New_York}
sis: {connector: oneroster_rest, partner: generic-1.1, options: {base_url: "https://sis.example", key: k, secret: s}}
lms: {connector: moodle, options: {base_url: "https://moodle.example", token: abc}}
"""
    import_settings(text, name="test", around=Surroundings({}, Path()), by=OPERATOR)
    assert settings().lms.connector == "moodle"


@pytest.mark.parametrize("lms", ["", "memory", "oneroster_rest", "nothing", "__class__"])
def test_what_is_not_on_the_list_is_not_chosen(eve: Person, lms: str) -> None:
    answer = _choose(eve, lms)
    assert answer.status_code == 422
    assert 'id="id_lms_choice_error">Choose one of the LMSs of the list.' in html(answer)
    assert number() == 1


def test_an_action_takes_no_connector_that_is_no_lms(eve: Person) -> None:
    for lms in ("oneroster_rest", "nothing"):
        with pytest.raises(ConfigError, match="no LMS connector"):
            choose_lms(org="elm", by="Eve", lms=lms)


def test_a_page_from_before_saves_nothing(eve: Person) -> None:
    answer = _choose(eve, seen=0)
    assert answer.status_code == 422
    assert "somebody else, or you in another tab" in words(answer)
    assert settings().lms.connector == FIRST_LMS


@pytest.mark.parametrize("role", ["administrator", "viewer"])
def test_others_only_look(eve: Person, role: str) -> None:
    other = make_person("Otto", org="elm", role=role)
    page = other.get(f"{AT}configuration/")
    assert f"Your LMS is {connector(FIRST_LMS).title}." in words(page)
    assert "choose/" not in html(page)
    assert _choose(other).status_code == 403
    assert _choose(make_person("Stan")).status_code == 404
    assert number() == 1


def test_before_a_sis_is_chosen(pages: DataFolder) -> None:
    eve = make_elm()
    assert eve.post(CHOOSE, lms="moodle", seen=0).status_code == 302
    with pytest.raises(ConfigError, match="SIS first"):
        choose_lms(org="elm", by="Eve", lms="moodle")
    assert number() == 0


def test_terms_without_grading_periods(eve: Person) -> None:
    """What an LMS does not have is not asked for, and said in plain words."""
    session = {"id": "s1", "title": "Fall", "type": "term", "start": "2026-08-24", "end": "2027-01-22", "year": "2027"}
    rows = [session | {"parent": ""}]
    DirectoryRow.objects.create(
        organization=elm(), name="sis.academicSessions", rows=rows, digest="", read_at="2026-11-01T00:00Z"
    )
    change_settings(org="elm", by="Eve", what="test", change=lambda document: document.update(active_year="2027"))
    _choose(eve)
    title = _moodle().title
    assert f"{title} has no grading periods. Choose which terms of your SIS are synced" in words(eve.get(f"{AT}terms/"))
    page = eve.get(f"{AT}terms/others/")
    text = words(page)
    assert f"{title} has no grading periods" in text
    for absent in ("Create new grading period", "Further grading periods", f"{title} grading period"):
        assert absent not in text, absent
    assert "Is it synced?" in text
    eve.post(f"{AT}terms/others/", **{"term:s1": "create", "seen": number()})
    assert settings().terms == {"*": {"s1": "create"}}
    assert "A run now makes the buildings that are still missing." in words(eve.get(f"{AT}terms/others/"))
    _choose(eve, FIRST_LMS)
    assert "Create new grading period" in words(eve.get(f"{AT}terms/others/"))
    eve.post(f"{AT}terms/others/", **{"term:s1": "skip", "seen": number()})
    said = "A run now makes the buildings and grading periods that are still missing."
    assert said in words(eve.get(f"{AT}terms/others/"))


def test_settings_of_a_file_keep_their_connector_on_the_list(ann: Person, world: Space) -> None:
    """The organization of these tests practises in memory, which nobody else is offered."""
    page = html(ann.get("/o/maple/configuration/"))
    assert '<option value="memory" selected>Memory</option>' in page


def _moodle() -> Connector:
    return connector("moodle")


def test_exported_passwords_have_the_columns_of_the_lms(eve: Person) -> None:
    _choose(eve)
    page = eve.get(f"{AT}manage-users/")
    assert "The columns are those of the LMS's own User Import" in words(page)
    eve.account.set_password(PASSWORD)
    eve.account.save()
    eve.client.force_login(eve.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    sign_in_again(eve)
    text = text_of(eve.post(f"{AT}manage-users/passwords.csv", what="initial"))
    assert list(csv.reader(io.StringIO(text))) == [list(_moodle().user_import)]


def test_what_our_words_are_in_the_chosen_lms_is_said(eve: Person) -> None:
    assert "course category" not in words(eve.get(f"{AT}schools/"))
    _choose(eve)
    assert "In Moodle a building is a course category." in words(eve.get(f"{AT}schools/"))
