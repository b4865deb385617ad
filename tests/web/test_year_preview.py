"""Before another active year is saved, its page says what the next sync would do, and approves beforehand (rule 3)."""

from __future__ import annotations

import pytest

from rollbook.actions.runs import request_apply
from rollbook.connectors.memory.space import Space
from rollbook.errors import ConfigError
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, HoldRow, HoldState, PermitRow, Run, RunState
from tests.web.elm import html, number, settings
from tests.web.people import Answer, Person, words
from tests.web.plans import data_prep_done, first_name, rename, work
from tests.web.world import import_maple, run_now

AT = "/o/maple/configuration/"
YEAR = f"{AT}year/"
PREVIEW = f"{YEAR}preview/"
NO_UPDATES = "limits: {update: {percent: 0, from: 1}}\n"

pytestmark = pytest.mark.rule(3)


def _previewed(ann: Person, folder: DataFolder) -> Run:
    """Ask for a preview of 2026 as the card does, and have it worked."""
    ann.post(f"{YEAR}read/")
    assert ann.post(PREVIEW, year="2026")["Location"] == f"{YEAR}?year=2026"
    assert "It is being worked out" in words(ann.get(YEAR, year="2026"))
    [run] = work(folder)
    assert (run.state, run.preview_year, run.dry_run) == (RunState.PLANNED, "2026", True)
    return run


@pytest.fixture
def synced(ann: Person, world: Space, pages: DataFolder) -> Person:
    """Everything of 2027 is in the LMS, then two students are renamed, and no update passes without approval."""
    data_prep_done()
    assert run_now(pages).state == RunState.DONE
    import_maple(world.name, more=NO_UPDATES)
    rename(world, "Una", "Duo")
    return ann


def test_expected_counts_come_from_a_plan(synced: Person, pages: DataFolder) -> None:
    run = _previewed(synced, pages)
    text = words(synced.get(YEAR, year="2026"))
    assert f"Worked out by preview {run.pk}" in text
    kinds = run.result["kinds"]
    assert kinds["user"]["held"] == 2
    assert kinds["section"]["remove"] == kinds["enrollment"]["remove"] == 0
    given = {kind: counts["unchanged"] for kind, counts in kinds.items()}
    assert given["user"] > 2
    assert "Sections: " in text
    assert "of other years sleep, 0 of 2025-2026 are awake" in text
    assert "Users Update" not in text
    assert "Update 2 of" in text  # what would be held
    assert settings("maple").active_year == "2027"


def test_a_preview_changes_nothing_else(synced: Person, world: Space, pages: DataFolder) -> None:
    waiting = run_now(pages)
    assert waiting.state == RunState.HELD
    before = set(HoldRow.objects.filter(state=HoldState.WAITING).values_list("pk", flat=True))
    run = _previewed(synced, pages)
    assert set(HoldRow.objects.filter(state=HoldState.WAITING).values_list("pk", flat=True)) == before
    assert f"/plan/{waiting.pk}/" in html(synced.get("/o/maple/plan/"))  # the newest plan is still the real one
    with pytest.raises(ConfigError):
        request_apply(run_id=run.pk, by="Ann Acting")
    assert "Send this plan" not in words(synced.get(f"/o/maple/plan/{run.pk}/"))
    [hold] = HoldRow.objects.filter(pk__in=before)
    assert synced.post(f"/o/maple/plan/holds/{hold.hold}/", decision="approve", reason="fine").status_code in (200, 302)


def test_what_is_ticked_passes_and_nothing_else(synced: Person, world: Space, pages: DataFolder) -> None:
    run = _previewed(synced, pages)
    [hold] = run.holds.all()
    assert f'value="{hold.hold}"' in html(synced.get(YEAR, year="2026"))
    answer = synced.post(YEAR, year="2026", seen=number("maple"), preview=run.pk, approve=[hold.hold])
    assert answer["Location"] == f"{AT}#year"
    assert settings("maple").active_year == "2026"
    assert not Run.objects.filter(state=RunState.QUEUED).exists()
    assert AuditRow.objects.filter(action="approve hold", subject=hold.hold).exists()
    names = [row["sourcedId"] for row in world.rows["users"] if row["role"] == "student"][:3]
    rename(world, "Una", "Duo", "Late")  # the third was in no preview
    done = run_now(pages)
    assert [first_name(world, key) for key in names[:2]] == ["Una", "Duo"]
    assert first_name(world, names[2]) != "Late"
    assert done.state == RunState.HELD
    assert not PermitRow.objects.filter(used_at__isnull=True).exists()


def test_what_was_approved_for_a_year_is_for_that_year(synced: Person, world: Space, pages: DataFolder) -> None:
    run = _previewed(synced, pages)
    [hold] = run.holds.all()
    synced.post(YEAR, year="2026", seen=number("maple"), preview=run.pk, approve=[hold.hold])
    synced.post(YEAR, year="2027", seen=number("maple"))  # set back
    assert run_now(pages).state == RunState.HELD
    assert PermitRow.objects.filter(used_at__isnull=True).count() == 1
    synced.post(YEAR, year="2026", seen=number("maple"))
    assert run_now(pages).state == RunState.DONE


@pytest.mark.parametrize("lie", ["hold", "preview", "none"])
def test_only_what_the_preview_held(synced: Person, pages: DataFolder, lie: str) -> None:
    run = _previewed(synced, pages)
    [hold] = run.holds.all()
    given = {
        "hold": {"preview": run.pk, "approve": [hold.hold, "another"]},
        "preview": {"preview": "nothing", "approve": [hold.hold]},
        "none": {"approve": [hold.hold]},
    }[lie]
    answer: Answer = synced.client.post(YEAR, {"year": "2026", "seen": number("maple"), **given}, follow=True)
    assert "not in the newest preview any more" in words(answer)
    assert settings("maple").active_year == "2027"
    assert not PermitRow.objects.exists()


def test_a_preview_of_other_settings_is_none(synced: Person, world: Space, pages: DataFolder) -> None:
    _previewed(synced, pages)
    import_maple(world.name)
    assert "Nobody has worked it out yet." in words(synced.get(YEAR, year="2026"))


def test_a_preview_that_fails_says_why(synced: Person, world: Space, pages: DataFolder) -> None:
    synced.post(f"{YEAR}read/")
    synced.post(PREVIEW, year="2026")
    world.key = "another"
    [run] = work(pages)
    assert run.state == RunState.FAILED
    text = words(synced.get(YEAR, year="2026"))
    assert "It could not be worked out." in text
    assert "Yes, make 2025-2026 the Active Year" in text
    synced.post(PREVIEW, year="2026", again="yes")
    assert Run.objects.filter(state=RunState.QUEUED, preview_year="2026").count() == 1


def test_without_a_set_up_there_is_nothing_to_work_out(ann: Person) -> None:
    import_maple_without_schools()
    ann.post(f"{YEAR}read/")
    assert ann.post(PREVIEW, year="2026").status_code == 302
    assert not Run.objects.exists()
    assert "once the set-up is finished" in words(ann.get(YEAR, year="2026"))


def import_maple_without_schools() -> None:
    from rollbook.actions.settings_edit import change_settings

    change_settings(org="maple", by="test", what="test", change=lambda document: document.pop("schools"))
