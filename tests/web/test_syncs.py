"""Users, Courses and Sections: ticks, role maps, previews and syncs (rule 4)."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.memory.space import Space
from rollbook.engine.directory import look
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, DirectoryRow, FactRow, Organization, Run, SettingsVersion
from tests.web.people import Person, words

PAGES = ["users", "courses", "sections"]


@pytest.fixture
def ready(world: Space, folder: DataFolder) -> Organization:
    """Set up to the end: the lists are read, Data Prep was looked at."""
    organization = Organization.objects.get(slug="maple")
    for side in ("sis", "lms"):
        look(folder, organization, side, by="test")
    FactRow.objects.create(organization=organization, name="data_prep", value="looked")
    return organization


def _change(**parts: Any) -> None:
    change_settings(org="maple", by="test", what="test", change=lambda document: document.update(parts))


def _roles() -> dict[str, dict[str, str]]:
    latest = SettingsVersion.objects.order_by("-number").first()
    assert latest is not None
    return dict(latest.document["roles"])


def _schools(organization: Organization) -> list[str]:
    rows = DirectoryRow.objects.get(organization=organization, name="sis.orgs").rows
    return [row["id"] for row in rows if row["type"] == "school"]


def _seen() -> int:
    return SettingsVersion.objects.count()


@pytest.mark.parametrize("name", PAGES)
def test_locked_until_set_up(name: str, ann: Person) -> None:
    """Rule 4: Users, Courses and Sections stay locked until Data Prep was looked at or skipped."""
    _change(terms={})
    page = ann.get(f"/o/maple/{name}/")
    assert "This page is locked" in words(page)
    assert 'href="/o/maple/data_prep/"' in page.content.decode() or "Data Prep" in words(page)
    assert "<form" not in page.content.decode().split('id="content"')[1]
    answer = ann.post(f"/o/maple/{name}/send/", do="sync", every="1")
    assert answer.status_code == 400
    assert "Nothing was queued" in words(answer)
    assert not Run.objects.exists()


def test_roles_are_mapped_before_data_prep(ann: Person, world: Space, folder: DataFolder) -> None:
    """Rule 4: they decide whom a look finds; nothing is sent before somebody has looked."""
    for side in ("sis", "lms"):
        look(folder, Organization.objects.get(slug="maple"), side, by="test")
    _change(roles={})
    assert "No roles are mapped yet" in words(ann.get("/o/maple/data-prep/"))
    page = ann.get("/o/maple/users/")
    assert "Nothing can be synced yet." in words(page)
    assert "Save role maps" in words(page)
    for button in ("Sync Users", "Preview", "Sync everything"):
        assert button not in words(page)
    fields = {"role|student|*": "Student", "seen": str(_seen())}
    for do in ("sync", "preview", "everything"):
        assert ann.post("/o/maple/users/send/", do=do, every="1", **fields).status_code == 400
    assert not _roles()
    ann.post("/o/maple/users/send/", do="save", **fields)
    assert _roles()["*"]["student"] == "Student"
    assert not Run.objects.exists()
    assert "No roles are mapped yet" not in words(ann.get("/o/maple/data-prep/"))


@pytest.mark.parametrize("name", PAGES)
def test_mapped_schools_are_listed_with_ticks(name: str, ann: Person, ready: Organization) -> None:
    page = ann.get(f"/o/maple/{name}/")
    text = page.content.decode()
    assert page.status_code == 200
    for school in _schools(ready):
        assert f'name="school" value="{school}"' in text
    district = next(r for r in DirectoryRow.objects.get(name="sis.orgs").rows if r["type"] == "district")
    assert district["id"] not in text
    _change(schools={"*": "create", _schools(ready)[0]: "skip"})
    assert f'value="{_schools(ready)[0]}"' not in ann.get(f"/o/maple/{name}/").content.decode()


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("users", ["building", "user", "guardian_link"]),
        ("courses", ["building", "course"]),
        ("sections", ["building", "grading_period", "section", "enrollment"]),
    ],
)
def test_ticks_scope_the_run(name: str, kinds: list[str], ann: Person, ready: Organization) -> None:
    """Rule 4: ticks scope that one run; equal requests join one that waits."""
    _change(schools={"*": "create", "more": "create"})
    school = _schools(ready)[0]
    answer = ann.post(f"/o/maple/{name}/send/", do="sync", school=[school, "somebody-elses"], seen=_seen())
    run = Run.objects.get()
    assert answer.status_code == 302
    assert (run.kinds, run.schools, run.dry_run) == (kinds, [school], False)
    assert run.requested_by == "Ann Acting (ann.acting@example.org)"
    ann.post(f"/o/maple/{name}/send/", do="sync", school=[school], seen=_seen())
    assert Run.objects.count() == 1
    page = words(ann.get(f"/o/maple/{name}/"))
    assert "yours joined it" in page
    assert run.pk in page
    assert "1 school" in page
    assert "asked for by Ann Acting" in page


def test_preview_and_everything(ann: Person, ready: Organization) -> None:
    ann.post("/o/maple/courses/send/", do="preview", every="1", despite_blackout="1")
    run = Run.objects.get()
    assert (run.dry_run, run.schools, run.kinds, run.despite_blackout) == (True, [], ["building", "course"], False)
    ann.post("/o/maple/courses/send/", do="everything")
    whole = Run.objects.exclude(pk=run.pk).get()
    assert (whole.dry_run, whole.schools, len(whole.kinds)) == (False, [], 7)


def test_all_ticked_is_a_whole_run(ann: Person, ready: Organization) -> None:
    ann.post("/o/maple/sections/send/", do="sync", school=_schools(ready))
    assert Run.objects.get().schools == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_ticked(name: str, ann: Person, ready: Organization) -> None:
    answer = ann.post(f"/o/maple/{name}/send/", do="sync", school=["unknown"], seen=_seen())
    assert answer.status_code == 400
    assert "Tick at least one school first." in words(answer)
    assert not Run.objects.exists()


def test_options_of_the_run(ann: Person, ready: Organization) -> None:
    ann.post("/o/maple/sections/send/", do="sync", every="1", retry_refused="1", compare_live="1")
    run = Run.objects.get()
    assert (run.retry_refused, run.compare_live) == (True, True)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ("ours", "Members whom somebody added in the LMS stay."),
        ("sis", "those who were there before the first sync wait"),
    ],
)
def test_sections_say_whose_members_are_removed(members: str, sentence: str, ann: Person, ready: Organization) -> None:
    """Rule 21: the page says it before one syncs."""
    _change(enrollments={"members": members})
    page = words(ann.get("/o/maple/sections/"))
    assert sentence in page
    assert "Course admins whom somebody enrolled in the LMS are never removed" in page


# --- role maps --------------------------------------------------------------------------------------------------------


def _form(organization: Organization, **values: str) -> dict[str, Any]:
    """The form as it is shown, everything at its saved value."""
    roles, form = _roles(), {"seen": _seen()}
    for org in ["*", *_schools(organization)]:
        saved = roles.get(org, roles.get("*", {}))
        for role in [row["name"] for row in DirectoryRow.objects.get(name="sis.roles").rows]:
            form[f"role|{role}|{org}"] = saved.get(role, saved.get("*", "skip"))
    return form | values


def test_only_what_was_changed_gets_a_map_of_its_own(ann: Person, ready: Organization) -> None:
    first = _schools(ready)[0]
    before = _roles()
    ann.client.post("/o/maple/users/send/", _form(ready, do="save") | {f"role|aide|{first}": "Teacher"})
    assert _roles() == before | {
        first: before["*"] | dict.fromkeys(_sis() - before["*"].keys(), "skip") | {"aide": "Teacher"}
    }
    assert "The role maps are saved." in words(ann.get("/o/maple/users/"))
    assert AuditRow.objects.filter(action="save role maps").count() == 1
    assert not Run.objects.exists()
    ann.client.post("/o/maple/users/send/", _form(ready, do="save"))
    assert "Nothing was changed" in words(ann.get("/o/maple/users/"))
    assert AuditRow.objects.filter(action="save role maps").count() == 1


def _sis() -> set[str]:
    return {row["name"] for row in DirectoryRow.objects.get(name="sis.roles").rows}


def test_sync_users_saves_the_maps_first(ann: Person, ready: Organization) -> None:
    first = _schools(ready)[0]
    _change(schools={"*": "create", "more": "create"})
    form = _form(ready, do="sync") | {f"role|aide|{first}": "Teacher", "school": [first]}
    ann.client.post("/o/maple/users/send/", form)
    assert _roles()[first]["aide"] == "Teacher"
    assert Run.objects.get().schools == [first]


def test_the_map_of_all_others(ann: Person, ready: Organization) -> None:
    ann.client.post("/o/maple/users/send/", _form(ready, do="save") | {"role|aide|*": "Teacher"})
    assert set(_roles()) == {"*"}
    assert _roles()["*"]["aide"] == "Teacher"


def test_the_same_map_for_all_ticked_and_its_end(ann: Person, ready: Organization) -> None:
    schools = _schools(ready)
    form = _form(ready, do="save", same_as="*") | {"role|aide|*": "Teacher", "school": schools}
    ann.client.post("/o/maple/users/send/", form)
    assert set(_roles()) == {"*", *schools}
    assert _roles()[schools[0]] == _roles()["*"]
    assert "drop its own map" in words(ann.get("/o/maple/users/"))
    ann.client.post("/o/maple/users/send/", _form(ready, do="save") | {"general": schools})
    assert set(_roles()) == {"*"}


def test_a_role_that_the_lms_does_not_have(ann: Person, ready: Organization) -> None:
    before = SettingsVersion.objects.count()
    form = _form(ready, do="sync") | {"role|aide|*": "Wizard<b>", "school": _schools(ready), "every": "1"}
    answer = ann.client.post("/o/maple/users/send/", form)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert "The LMS has no role “Wizard&lt;b&gt;”." in text
    assert "invalid-feedback" in text
    assert 'aria-describedby="wrong-' in text
    assert SettingsVersion.objects.count() == before
    assert not Run.objects.exists()


def test_two_tabs(ann: Person, ready: Organization) -> None:
    form = _form(ready, do="sync", every="1") | {"role|aide|*": "Teacher"}
    _change(active_year="2026")
    answer = ann.client.post("/o/maple/users/send/", form)
    assert answer.status_code == 400
    assert "Somebody else saved settings" in words(answer)
    assert 'value="Teacher" selected' in answer.content.decode().split('name="role|aide|*"')[1].split("</select>")[0]
    assert _roles()["*"].get("aide") != "Teacher"
    assert not Run.objects.exists()


def test_students_who_become_staff_are_marked(ann: Person, ready: Organization) -> None:
    assert "becomes staff" not in words(ann.get("/o/maple/users/"))
    ann.client.post("/o/maple/users/send/", _form(ready, do="save") | {"role|student|*": "Teacher"})
    page = words(ann.get("/o/maple/users/"))
    assert "These people get a staff role: student → Teacher." in page
    assert "becomes staff" in page


def test_no_role_map_no_users(ann: Person, ready: Organization) -> None:
    """Rule 4: a school without a saved role map syncs no users, so there is nothing to queue."""
    _change(roles={})
    answer = ann.post("/o/maple/users/send/", do="sync", school=_schools(ready), seen=_seen())
    assert answer.status_code == 400
    assert "There is no role map for" in words(answer)
    assert "Choose …" in words(answer)
    assert not Run.objects.exists()


def test_roles_are_typed_until_the_lms_has_told_them(ann: Person, ready: Organization) -> None:
    DirectoryRow.objects.filter(name="lms.roles").delete()
    assert "has not told its roles yet" in words(ann.get("/o/maple/users/"))
    form = {name: "" if value == "skip" else value for name, value in _form(ready, do="save").items()}
    ann.client.post("/o/maple/users/send/", form)
    assert set(_roles()) == {"*"}
    ann.client.post("/o/maple/users/send/", form | {"role|aide|*": "Co-teacher", "seen": _seen()})
    assert _roles()["*"]["aide"] == "Co-teacher"


# --- days, people, pages ----------------------------------------------------------------------------------------------


def test_blackout_day(ann: Person, ready: Organization) -> None:
    _change(schedule={"blackout": [{"from": "2020-01-01", "to": "2099-12-31", "why": "exams"}]})
    page = words(ann.get("/o/maple/courses/"))
    assert "Today is a blackout day" in page
    assert "exams" in page
    ann.post("/o/maple/courses/send/", do="sync", every="1")
    first = Run.objects.get()
    assert first.dry_run
    assert "so this run only plans" in words(ann.get("/o/maple/courses/"))
    ann.post("/o/maple/courses/send/", do="sync", every="1", despite_blackout="1")
    assert not Run.objects.exclude(pk=first.pk).get().dry_run


@pytest.mark.parametrize("name", PAGES)
def test_others_look_and_change_nothing(name: str, bob: Person, vic: Person, ready: Organization) -> None:
    """Rule 30: only the acting user starts runs; the page is the same, without its buttons."""
    for person in (bob, vic):
        page = person.get(f"/o/maple/{name}/")
        assert page.status_code == 200
        assert 'name="do"' not in page.content.decode()
        assert "disabled" in page.content.decode()
        assert person.post(f"/o/maple/{name}/send/", do="sync", every="1").status_code == 403
    assert not Run.objects.exists()


def test_many_schools_come_in_pages(ann: Person, ready: Organization) -> None:
    rows = [{"id": f"s{n:03}", "name": f"School {n:03}", "type": "school", "code": "", "parent": ""} for n in range(60)]
    DirectoryRow.objects.filter(name="sis.orgs").update(rows=rows)
    first = words(ann.get("/o/maple/sections/"))
    assert "School 024" in first
    assert "School 025" not in first
    assert "All 60 mapped schools" in first
    assert "School 059" in words(ann.get("/o/maple/sections/", page="99"))
    found = words(ann.get("/o/maple/sections/", find="school 04"))
    assert "School 041" in found
    assert "School 050" not in found
    ann.post("/o/maple/sections/send/", do="sync", school=["s059"])
    assert Run.objects.get().schools == ["s059"]


def test_odd_forms(ann: Person, ready: Organization) -> None:
    assert ann.get("/o/maple/users/", page="x²", find="\x00").status_code == 200
    answer = ann.post("/o/maple/users/send/", seen="nonsense", do="sync", every="1")
    assert answer.status_code == 400
    assert ann.post("/o/maple/courses/send/", do="dance").status_code == 302
    assert not Run.objects.exists()
