"""Runs of grades where gradebooks are read by permission of their teachers: sections with and without one, and one that
was taken back in the LMS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from rollbook.actions.organizations import current_settings
from rollbook.connectors.memory.space import Space
from rollbook.engine.try_connection import check_connection, try_connection
from rollbook.errors import AuthFailed, ConfigError
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, GradeSection, Organization, RunState, TeacherPermission
from rollbook.store.permissions import StoredTokens, place_of
from rollbook.store.secrets import KeyRing, secrets_of
from tests.web.people import Person, words
from tests.web.permission_case import HERE, Case, permission_case, told


@pytest.fixture
def case(folder: DataFolder, world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with permission_case(folder, world, tmp_path) as found:
        yield found


def results(case: Case, code: str) -> int:
    """How many results the SIS holds of a class."""
    return sum(each["class"] == code for each in case.world.sis_book.records.get("result", {}).values())


def ready(case: Case, *codes: str) -> None:
    """Looked at and mapped."""
    case.sync(*codes, dry_run=True)
    case.map(*codes)


def test_sections_with_a_permission_go_on_without_the_others(case: Case, ann: Person) -> None:
    case.allow()
    ready(case, case.mine)
    run = case.sync(case.mine, case.his)
    assert run.state == RunState.DONE
    shown = told(run)
    assert shown["findings"]["GRADES_NOT_ALLOWED"] == 1
    assert results(case, case.mine) == shown["kinds"]["result"]["done"] > 1
    assert results(case, case.his) == 0
    trouble = GradeSection.objects.get(code=case.his).trouble
    assert trouble.startswith("a teacher of this section must allow Rollbook to read its gradebook")
    assert "must allow Rollbook to read its gradebook" in words(case.tom.get(f"{HERE}/status/{case.his}/"))
    page = words(ann.get(f"{HERE}/teachers/"))
    assert case.ids["tom"] in page
    findings = words(ann.get(f"/o/maple/logs/{run.pk}/"))
    assert "by permission of their teachers" in findings


def test_one_that_is_taken_back_loses_nothing(case: Case) -> None:
    case.allow()
    ready(case, case.mine)
    case.sync(case.mine)
    had = results(case, case.mine)
    assert had > 1
    case.revoke()
    run = case.sync(case.mine)
    assert told(run)["findings"] == {"GRADES_NOT_ALLOWED": 1}
    assert results(case, case.mine) == had, "what was sent stays"
    row = TeacherPermission.objects.get()
    assert row.refused_at is not None
    assert AuditRow.objects.filter(action="permission refused", by=f"run {run.pk}").count() == 1
    page = words(case.tina.get(f"{HERE}/status/{case.mine}/"))
    assert "The LMS does not accept your permission any more." in page
    assert "does not accept the permission that a teacher gave any more" in page
    assert "must allow Rollbook to read its gradebook again" in page
    calls = sum(case.calls().values())
    case.sync(case.mine)
    assert sum(case.calls().values()) - calls < 6, "it is not tried again"
    case.allow()
    assert TeacherPermission.objects.get().refused_at is None
    settled = words(case.tina.get(f"{HERE}/items/{case.mine}/"))
    assert "must allow Rollbook" not in settled, "it is given now"
    again = case.sync(case.mine)
    assert told(again)["findings"] == {}
    assert GradeSection.objects.get(code=case.mine).trouble == ""
    assert results(case, case.mine) == had


def test_taking_it_back_in_rollbook_ends_the_reading(case: Case) -> None:
    case.allow()
    ready(case, case.mine)
    case.tina.post(f"{HERE}/permission/back/", section=case.mine)
    run = case.sync(case.mine)
    assert told(run)["findings"] == {"GRADES_NOT_ALLOWED": 1}
    assert not [name for name in case.calls() if name.endswith("sections/{id}/grade_items") and case.calls()[name] > 1]


def test_the_connection_test_tries_whether_the_key_may_ask(case: Case) -> None:
    organization = Organization.objects.get(slug="maple")
    settings = current_settings(organization)[1]
    secrets = dict(secrets_of(organization.pk, KeyRing(case.folder.keys)))
    assert try_connection(case.folder, settings, secrets, "lms").error is None
    lms = msgspec.structs.replace(settings.lms, options={**settings.lms.options, "app_key": "stranger"})
    wrong = msgspec.structs.replace(settings, lms=lms)
    tried = try_connection(case.folder, wrong, {**secrets, "lms.app_secret": "not-so"}, "lms")
    assert isinstance(tried.error, AuthFailed)
    assert "not-so" not in str(tried.error)
    bad = msgspec.structs.replace(lms, options={**lms.options, "site": "javascript:alert(1)"})
    with pytest.raises(ConfigError):
        check_connection(case.folder, msgspec.structs.replace(settings, lms=bad), secrets, "lms")


def test_of_the_admins_key_nobody_is_asked(case: Case) -> None:
    case.import_settings("admin")
    ready(case, case.mine, case.his)
    run = case.sync(case.mine, case.his)
    assert told(run)["findings"] == {}
    assert results(case, case.mine) > 1
    assert results(case, case.his) > 1


def test_a_permission_given_while_a_run_refused_the_old_one_stays(case: Case) -> None:
    """What is marked is the one that was refused."""
    case.allow()
    organization = Organization.objects.get(slug="maple")
    place = place_of(current_settings(organization)[1])
    tokens = StoredTokens(organization, KeyRing(case.folder.keys), place)
    [old] = tokens.of([case.lms_id(case.ids["tina"])])
    assert old.token not in repr(old) + repr(tokens)
    tokens.refused(old)
    assert tokens.of([old.account]) == []
    case.allow()
    tokens.keep_refused("a run")
    assert TeacherPermission.objects.get().refused_at is None
    assert not AuditRow.objects.filter(action="permission refused").exists()
