"""What a section's page says of undos and conflicts, and what is decided there; the page that undoes a run of grades;
and the card of the clock."""

from __future__ import annotations

import msgspec
import pytest

from rollbook.actions.runs import request_undo
from rollbook.connectors.memory.space import Space
from rollbook.roster.grades import GRADE_KINDS
from rollbook.store.folder import DataFolder
from rollbook.store.models import HoldRow, HoldState, PinRow, River, Run, SectionLine, SettingsVersion
from rollbook.web.grade_fields import GRADE_FIELDS
from tests.web.grades_case import HERE, Case, mapped_case
from tests.web.people import Person, make_person, words


@pytest.fixture
def sent(folder: DataFolder, world: Space) -> Case:
    """A section whose grades are in the SIS."""
    return mapped_case(folder, world, "changes")


@pytest.fixture
def ann() -> Person:
    return make_person("Ann Acting", org="maple", acting=True)


def last_run() -> Run:
    found = Run.objects.filter(river=River.GRADES, dry_run=False).order_by("created_at", "id").last()
    assert found is not None
    return found


def change_in_sis(case: Case) -> str:
    own, shown = next(iter(case.world.sis_book.records["result"].items()))
    case.world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    return own


@pytest.mark.rule(28)
def test_a_run_of_grades_is_undone_on_its_page(sent: Case, ann: Person) -> None:
    run, number = last_run(), len(sent.world.sis_book.records["result"])
    assert f"/o/maple/plan/{run.pk}/undo/" in ann.get(f"/o/maple/plan/{run.pk}/").content.decode()
    shown = words(ann.get(f"/o/maple/plan/{run.pk}/undo/"))
    assert f"Grades that this run made in the SIS are taken back: {number}" in shown
    assert "the next sync of grades does not send it again" in shown
    ann.post(f"/o/maple/plan/{run.pk}/undo/", wish="preview")
    assert sent.work().dry_run
    assert len(sent.world.sis_book.records["result"]) == number
    ann.post(f"/o/maple/plan/{run.pk}/undo/", wish="undo", schools=sent.code)
    undo = sent.work()
    assert (undo.undo_of_id, undo.sections) == (run.pk, [sent.code])
    assert not sent.world.sis_book.records["result"]


@pytest.mark.rule(28)
def test_the_undo_names_sections_and_the_pins_speak(sent: Case, ann: Person) -> None:
    title = SectionLine.objects.get(code=sent.code).title
    assert title
    assert f"{title} ({sent.code})" in words(ann.get(f"/o/maple/plan/{last_run().pk}/undo/"))
    sent.item("10", points=25, title="Renamed")
    own = next(iter(sent.world.sis_book.records["result"].values()))["student"]
    grades = [each for each in sent.book().grades if each.item == "11"]
    sent.book(grades=tuple(msgspec.structs.replace(each, score=3.5) for each in grades))
    sent.do("changes")
    sent.work()
    request_undo(run_id=last_run().pk, by="test")
    sent.work()
    page = ann.get("/o/maple/plan/pins/")
    shown = words(page)
    assert own
    assert "Graded item Essay" in shown or "Graded item Renamed" in shown
    assert "Points 20 25" in shown
    assert "Score 7 3.5" in shown
    assert "maximum" not in shown
    assert f'href="{HERE}/items/{sent.code}/">{title}</a>' in page.content.decode()
    ann.account.language = "es"
    ann.account.save()
    assert "Puntos 20 25" in words(ann.get("/o/maple/plan/pins/"))


def test_every_field_of_grades_has_words() -> None:
    assert {name for kind in GRADE_KINDS.values() for name in kind.fields} <= GRADE_FIELDS.keys()


@pytest.mark.rule(28)
def test_pins_stand_on_the_sections_page_and_the_acting_user_lifts_them(sent: Case, ann: Person) -> None:
    number = len(sent.world.sis_book.records["result"])
    student = next(iter(sent.world.sis_book.records["result"].values()))["student"]
    request_undo(run_id=last_run().pk, by="test")
    sent.work()
    pins = words(ann.get("/o/maple/plan/pins/"))
    person = next(row for row in sent.world.rows["users"] if row["sourcedId"] == student)
    assert f"{person['givenName']} {person['familyName']}" in pins
    assert student not in pins
    address = f"{HERE}/items/{sent.code}/"
    shown = words(sent.teacher.get(address))
    assert f"An undo put {number + 2} items and grades back, and keeps them so." in shown
    assert "Lift: let the LMS through again" not in shown
    sent.teacher.post(f"{HERE}/lift/{sent.code}/", reason="mine")
    assert PinRow.objects.filter(ended_at__isnull=True).exists(), "the Acting User lifts"
    ann.post(f"{HERE}/lift/{sent.code}/", reason="")
    assert PinRow.objects.filter(ended_at__isnull=True).exists(), "not without a reason"
    ann.post(f"{HERE}/lift/{sent.code}/", reason="the LMS is right")
    assert not PinRow.objects.filter(ended_at__isnull=True).exists()
    assert "An undo put" not in words(sent.teacher.get(address))
    sent.do("changes")
    sent.work()
    assert len(sent.world.sis_book.records["result"]) == number


@pytest.mark.rule(32)
@pytest.mark.parametrize("decision", ["send", "leave"])
def test_a_teacher_decides_about_conflicts_of_her_own_section(sent: Case, decision: str) -> None:
    own = change_in_sis(sent)
    sent.do("changes")
    assert sent.work().state == "held"
    page = sent.teacher.get(f"{HERE}/items/{sent.code}/")
    assert "The SIS has something else than was sent." in words(page)
    seen = page.content.decode().partition('name="seen" value="')[2].partition('"')[0]
    sent.teacher.post(f"{HERE}/conflicts/{sent.code}/", do=decision, seen="old")
    assert HoldRow.objects.filter(state=HoldState.WAITING).count() == 1, "something else than was looked at"
    sent.teacher.post(f"{HERE}/conflicts/{sent.code}/", do=decision, seen=seen)
    if decision == "send":
        run = sent.work()
        assert run.sections == [sent.code]
        assert sent.world.sis_book.records["result"][own]["score"] == 7
    else:
        assert HoldRow.objects.get().state == HoldState.REJECTED
        sent.do("changes")
        sent.work()
        assert sent.world.sis_book.records["result"][own]["score"] == 1
    assert "something else than was sent" not in words(sent.teacher.get(f"{HERE}/items/{sent.code}/"))


@pytest.mark.rule(31)
def test_nobody_decides_about_conflicts_of_others(sent: Case) -> None:
    change_in_sis(sent)
    sent.do("changes")
    sent.work()
    stranger = make_person("Sam Stranger", org="maple", role="teacher")
    assert stranger.post(f"{HERE}/conflicts/{sent.code}/", do="send", seen="").status_code == 404
    assert sent.teacher.post(f"{HERE}/conflicts/{sent.other}/", do="send", seen="").status_code == 404
    assert HoldRow.objects.get().state == HoldState.WAITING


@pytest.mark.rule(29)
def test_the_clock_of_grades_is_set_on_the_configuration_page(sent: Case, ann: Person) -> None:
    assert "Manual – teachers and administrators start every sync of grades." in words(
        ann.get("/o/maple/configuration/")
    )
    number = SettingsVersion.objects.order_by("-number").values_list("number", flat=True)[0]
    fields = {
        "grades-mode": "scheduled", "grades-every": "daily", "grades-weekday": "", "grades-opens": "05:00",
        "grades-closes": "06:00", "grades-start": "", "grades-missed": "run", "seen": str(number),
    }  # fmt: skip
    assert ann.post("/o/maple/configuration/schedule/grades/", **fields).status_code == 302
    saved = SettingsVersion.objects.order_by("-number")[0].document
    assert saved["grades"]["schedule"] | {"mode": "scheduled", "window": "05:00-06:00"} == saved["grades"]["schedule"]
    assert saved["schedule"]["mode"] == "manual"
    shown = words(ann.get("/o/maple/configuration/"))
    assert "5:00 AM" in shown
    wrong = ann.post("/o/maple/configuration/schedule/grades/", **fields | {"grades-every": "weekly"})
    assert (wrong.status_code, "A weekly schedule needs its day." in words(wrong)) == (422, True)
