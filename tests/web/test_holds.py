"""Holds in the browser: what waits, why, and deciding about it (rules 25, 26 and 30)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from rollbook.actions.holds import approve_hold, reject_hold
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, HoldRow, PermitRow, Run
from tests.web.people import Person, make_person, words
from tests.web.plans import contexts, forbid_removals, lose_students, rename, work
from tests.web.world import import_maple, run_now

__all__ = ["contexts"]
pytestmark = pytest.mark.usefixtures("contexts")
HOLDS = "/o/maple/plan/holds/"
ANN = "Ann Acting (ann.acting@example.org)"


def _hold(pages: DataFolder, world: Space) -> None:
    forbid_removals(world)
    run_now(pages)
    lose_students(world)
    run_now(pages)


ONCE = {"held": _hold}


@pytest.fixture
def held(world: Space) -> HoldRow:
    """One section lost its students over night, and every removal waits for a person."""
    return HoldRow.objects.get(state="waiting")


def _page(hold: HoldRow) -> str:
    return f"{HOLDS}{hold.hold}/"


def _seen(person: Person, path: str) -> str:
    """What a page that this person opened says was looked at."""
    return str(person.get(path).context["seen"])


def _decide(person: Person, hold: HoldRow, decision: str = "approve", **more: str) -> str:
    """Press a button on the hold's page as it is now; what the person reads then."""
    given = {"decision": decision, "reason": "they moved", "seen": _seen(person, _page(hold))} | more
    return words(person.client.post(_page(hold), given, follow=True))


def test_what_waits_is_told_in_words(ann: Person, world: Space, held: HoldRow) -> None:
    name = next(row["name"] for row in world.rows["orgs"] if row["sourcedId"] == held.school)
    for path in (HOLDS, "/o/maple/plan/"):
        text = words(ann.get(path))
        assert f"{name}: Remove {held.count} of {held.of} enrollments" in text
        assert "more at once than the limits" in text
        assert "For example" in text
    [card] = ann.get(HOLDS).context["holds"]
    assert len(card["examples"]) == min(3, held.count)
    rows = ann.get(f"/o/maple/plan/{held.run_id}/", hold=held.hold).context["rows"]
    assert len(rows) == held.count
    assert {row["why"] for row in rows} == {"That is more at once than the limits in the settings allow."}


def test_approving_plans_afresh_and_sends_only_what_was_permitted(
    pages: DataFolder, world: Space, ann: Person, held: HoldRow
) -> None:
    """Rule 26: another student leaves between the look and the approval; that one waits."""
    there = len(world.all("enrollment"))
    rows = list(world.rows["enrollments"])
    rows.remove(next(row for row in rows if row["role"] == "student"))
    world.rows["enrollments"] = rows
    assert "A run is queued; it plans afresh" in _decide(ann, held)
    held.refresh_from_db()
    assert (held.state, held.by, held.why, held.until) == ("approved", ANN, "they moved", None)
    [run] = work(pages)
    assert run.pk != held.run_id
    assert run.requested_by == ANN
    assert run.result["kinds"]["enrollment"]["done"] == held.count
    assert run.result["kinds"]["enrollment"]["held"] == 1
    assert len(world.all("enrollment")) == there - held.count
    assert AuditRow.objects.filter(action="approve hold", by=ANN, details="they moved").count() == 1
    decided = words(ann.get(HOLDS)).partition("Decided")[2]
    assert ANN in decided
    assert "they moved" in decided
    assert "for one sync, which was" in decided


def test_rejecting_leaves_the_lms_as_it_is(pages: DataFolder, world: Space, ann: Person, held: HoldRow) -> None:
    there = len(world.all("enrollment"))
    assert "Rejected" in _decide(ann, held, "reject", reason="a broken export")
    for _ in range(2):
        run_now(pages)
    assert len(world.all("enrollment")) == there
    page = ann.get(HOLDS)
    assert "Nothing waits." in words(page)
    assert len(page.context["decided_cards"]) == 1, "one decision, however many runs repeat it"
    assert "Approve after all" in words(ann.get(_page(held)))
    assert "A run is queued" in _decide(ann, held)
    work(pages)
    assert len(world.all("enrollment")) < there


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_decision_needs_a_reason(ann: Person, held: HoldRow, reason: str) -> None:
    given = {"decision": "reject", "reason": reason, "seen": "x", "until": "2099-01-01"}
    answer = ann.post(_page(held), **given)
    assert answer.status_code == 200
    assert 'id="reason-error"' in answer.content.decode()
    assert HoldRow.objects.get(pk=held.pk).state == "waiting"


@pytest.mark.parametrize(
    ("until", "said"),
    [("2020-01-01", "This day has passed"), ("2999-01-01", "within the next two years"), ("soon", "valid date")],
)
def test_a_day_that_cannot_be_is_refused_at_the_field(ann: Person, held: HoldRow, until: str, said: str) -> None:
    answer = ann.post(_page(held), decision="approve", reason="they moved", until=until, seen="x")
    text = answer.content.decode()
    assert said in text.partition('id="until-error"')[2].partition("</div>")[0]
    assert until in text
    assert "they moved" in text, "what was typed is kept"
    assert not PermitRow.objects.exists()
    every = ann.post(HOLDS + "decide/", decision="approve", reason="they moved", until=until, seen="x")
    assert said in every.content.decode()
    assert HoldRow.objects.get(pk=held.pk).state == "waiting"


def test_an_approval_holds_through_the_end_of_the_day_in_the_organizations_zone(ann: Person, held: HoldRow) -> None:
    zone = ZoneInfo("America/New_York")
    day = timezone.now().astimezone(zone).date() + timedelta(days=3)
    _decide(ann, held, until=day.isoformat())
    permit = PermitRow.objects.get()
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    assert permit.until == end.astimezone(UTC)
    assert HoldRow.objects.get(pk=held.pk).until == permit.until


def test_today_is_a_day_that_can_be(ann: Person, held: HoldRow) -> None:
    today = timezone.now().astimezone(ZoneInfo("America/New_York")).date()
    assert "Approved" in _decide(ann, held, until=today.isoformat())


@pytest.mark.parametrize(("first", "second"), [("approve", "reject"), ("reject", "approve"), ("approve", "approve")])
def test_the_second_of_two_tabs_is_told(ann: Person, held: HoldRow, first: str, second: str) -> None:
    seen = _seen(ann, _page(held))
    _decide(ann, held, first)
    runs = Run.objects.count()
    told = _decide(ann, held, second, seen=seen, reason="another reason")
    done = {"approve": "approved", "reject": "rejected"}[first]
    assert f"{ANN} has {done} this already. The reason: they moved" in told
    held.refresh_from_db()
    assert (held.state, held.why) == (done, "they moved")
    assert Run.objects.count() == runs


def test_the_command_line_may_be_faster(ann: Person, held: HoldRow) -> None:
    seen = _seen(ann, _page(held))
    reject_hold(hold_id=held.hold, by="operator", reason="asked the vendor", org="maple")
    assert "operator has rejected this already. The reason: asked the vendor" in _decide(ann, held, seen=seen)


def test_what_changed_since_the_look_is_not_decided(
    pages: DataFolder, world: Space, ann: Person, held: HoldRow
) -> None:
    """A run between the look and the decision holds more: the person has not seen that."""
    seen, seen_all = _seen(ann, _page(held)), _seen(ann, HOLDS)
    world.rows["enrollments"] = [row for row in world.rows["enrollments"] if row["role"] != "student"]
    run_now(pages)
    assert "Nothing was decided" in _decide(ann, held, seen=seen)
    given = {"decision": "approve", "reason": "all right", "seen": seen_all}
    assert "Nothing was decided" in words(ann.client.post(HOLDS + "decide/", given, follow=True))
    assert set(HoldRow.objects.exclude(state="superseded").values_list("state", flat=True)) == {"waiting"}
    assert not PermitRow.objects.exists()


def test_without_having_looked_nothing_is_decided(ann: Person, held: HoldRow) -> None:
    assert "Nothing was decided" in _decide(ann, held, seen="")
    assert HoldRow.objects.get(pk=held.pk).state == "waiting"


def test_all_that_waits_at_once(pages: DataFolder, world: Space, ann: Person, held: HoldRow) -> None:
    users = [dict(row) for row in world.rows["users"]]
    next(row for row in users if row["role"] == "student")["role"] = "teacher"
    world.rows["users"] = users
    run_now(pages)
    assert "all 2 holds" in words(ann.get(HOLDS))
    given = {"decision": "approve", "reason": "looked at both", "seen": _seen(ann, HOLDS)}
    assert "Approved" in words(ann.client.post(HOLDS + "decide/", given, follow=True))
    assert PermitRow.objects.count() == 2
    assert "Nothing waits any more" in words(ann.client.post(HOLDS + "decide/", given, follow=True))
    [run] = work(pages)
    assert run.state == "done"


def test_all_that_waits_is_rejected(ann: Person, held: HoldRow) -> None:
    ann.post(HOLDS + "decide/", decision="reject", reason="a broken export", seen=_seen(ann, HOLDS))
    held.refresh_from_db()
    assert (held.state, held.by, held.why) == ("rejected", ANN, "a broken export")
    assert not Run.objects.filter(state="queued").exists()


def test_a_hold_of_a_dry_run_is_approved_for_a_dry_run(
    pages: DataFolder, world: Space, ann: Person, held: HoldRow
) -> None:
    from rollbook.actions.runs import Wanted

    run_now(pages, wanted=Wanted(dry_run=True))
    there = len(world.all("enrollment"))
    assert "the run is a dry run too" in _decide(ann, held)
    [run] = work(pages)
    assert run.dry_run
    assert len(world.all("enrollment")) == there


def test_what_is_no_longer_kept_cannot_be_approved(ann: Person, held: HoldRow) -> None:
    HoldRow.objects.update(changes="")
    text = words(ann.get(_page(held)))
    assert "What it held is no longer kept" in text
    assert b'value="approve"' not in ann.get(_page(held)).content
    assert "is no longer kept" in _decide(ann, held)


def test_a_replaced_hold_has_no_buttons(pages: DataFolder, world: Space, ann: Person, held: HoldRow) -> None:
    world.rows["enrollments"] = world.rows["enrollments"]
    approve_hold(hold_id=held.hold, by="operator", reason="fine")
    page = ann.get(_page(held))
    assert "Approved." in words(page)
    assert b'name="decision"' not in page.content


def test_who_only_looks_is_refused(held: HoldRow, bob: Person, vic: Person, tea: Person) -> None:
    for person in (bob, vic):
        page = person.get(_page(held))
        assert page.status_code == 200
        assert b'name="decision"' not in page.content
        assert b'name="decision"' not in person.get(HOLDS).content
        for path in (_page(held), HOLDS + "decide/"):
            assert person.post(path, decision="approve", reason="x", seen=page.context["seen"]).status_code == 403
    assert tea.get(HOLDS).status_code == 403
    assert HoldRow.objects.get(pk=held.pk).state == "waiting"


def test_another_organizations_hold_is_not_there(pages: DataFolder, world: Space, held: HoldRow) -> None:
    import_maple(world.name, slug="other")
    stan = make_person("Stan", org="other", acting=True)
    assert stan.get(f"/o/other/plan/holds/{held.hold}/").status_code == 404
    assert stan.post(f"/o/other/plan/holds/{held.hold}/", decision="approve", reason="x").status_code == 404
    assert held.hold not in stan.get("/o/other/plan/holds/").content.decode()
    assert HoldRow.objects.get(pk=held.pk).state == "waiting"


def test_many_holds_are_paged(ann: Person, held: HoldRow) -> None:
    HoldRow.objects.bulk_create(
        HoldRow(
            organization=held.organization, run=held.run, hold=f"h{n}", reason="limit", kind="user", action="update",
            school=f"s{n}", count=1, of=1, changes="x",
        )
        for n in range(30)
    )  # fmt: skip
    first, second = ann.get(HOLDS), ann.get(HOLDS, page=2)
    assert (len(first.context["holds"]), len(second.context["holds"])) == (20, 11)
    assert "all 31 holds" in words(first)
    assert len(ann.get("/o/maple/plan/").context["holds"]) == 5


def test_an_undo_that_waits_says_so(pages: DataFolder, world: Space, ann: Person) -> None:
    from rollbook.actions.runs import request_undo

    forbid_removals(world)
    first = run_now(pages)
    request_undo(run_id=first.pk, by="test")
    work(pages)
    assert "Undo" in words(ann.get(HOLDS))
    assert "Approved" in words(
        ann.client.post(
            HOLDS + "decide/", {"decision": "approve", "reason": "all wrong", "seen": _seen(ann, HOLDS)}, follow=True
        )
    )
    [run] = work(pages)
    assert run.undo_of_id == first.pk
    assert world.all("enrollment") == []


def test_examples_name_people(pages: DataFolder, world: Space, ann: Person) -> None:
    run_now(pages)
    [key] = rename(world, "Grace")
    users = [dict(row) for row in world.rows["users"]]
    next(row for row in users if row["sourcedId"] == key)["role"] = "teacher"
    world.rows["users"] = users
    run_now(pages)
    hold = HoldRow.objects.get(state="waiting")
    assert hold.reason == "staff_role"
    text = words(ann.get(_page(hold)))
    assert "Grace" in text
    assert "Role: until now Student → then Teacher" in text
