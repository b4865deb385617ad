"""Home says in one sentence whether all is well, and what somebody must do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.models import FactRow, HoldState, Organization, SettingsVersion
from rollbook.store.workers import register
from rollbook.web.home_trend import HEIGHT, RUNS, trend
from rollbook.web.steps import DATA_PREP
from tests.web.past import counts, hold, past_run, refusal
from tests.web.people import Person, words
from tests.web.world import import_maple

WELL = "All is well: the last sync went through, and nothing waits for you."


@pytest.fixture
def well(world: Space) -> Organization:
    """Everything is set up, a worker lives, and the last sync went through."""
    organization = Organization.objects.get(slug="maple")
    FactRow.objects.create(organization=organization, name=DATA_PREP, value="looked")
    register("a worker")
    past_run("r1")
    return organization


def _home(person: Person) -> str:
    answer = person.get("/o/maple/")
    assert answer.status_code == 200
    return words(answer)


def test_all_is_well(well: Organization, ann: Person, vic: Person) -> None:
    for person in (ann, vic):
        text = _home(person)
        assert WELL in text
        assert "What somebody must do" not in text
        assert "still to do" not in text


def _failed() -> None:
    past_run("r2", ago=1, state="failed", error="the key was refused", error_name="AuthFailed", error_who="the admin")


def _unread() -> None:
    past_run("r2", ago=1, state="held", result={"verdicts": {"users": "the SIS broke off"}})


def _expires(days: int) -> Callable[[], None]:
    def act() -> None:
        version = SettingsVersion.objects.get()
        version.document["sis"]["expires"] = f"{date.today() + timedelta(days=days)}"
        version.save()

    return act


def _no_worker() -> None:
    from rollbook.store.models import WorkerRow

    WorkerRow.objects.all().delete()


def _hold() -> None:
    hold(past_run("r2", ago=1, state="held"))


@pytest.mark.parametrize(
    ("trouble", "says", "link"),
    [
        (_failed, "The last sync failed: the key was refused. Who must act: the admin.", "/o/maple/logs/r2/"),
        (_unread, "The last sync did not see everything", "/o/maple/logs/r2/"),
        (_no_worker, "No worker is at work, so no run starts.", ""),
        (_hold, "1 hold waits for a decision of Ann Acting, the Acting User.", "/o/maple/plan/"),
        (lambda: refusal("u1"), "The LMS refuses 1 record; correct it in the SIS.", "/o/maple/logs/r1/"),
        (_expires(-3), "The key of the SIS expired on", "/o/maple/configuration/"),
        (_expires(20), "The key of the SIS expires in", "/o/maple/configuration/"),
    ],
    ids=["failed", "unread", "no worker", "hold", "refused", "expired", "expires"],
)
def test_somebody_must_act(
    well: Organization, ann: Person, trouble: Callable[[], object], says: str, link: str
) -> None:
    trouble()
    answer = ann.get("/o/maple/")
    assert says in words(answer)
    assert WELL not in words(answer)
    assert not link or f'href="{link}"' in answer.content.decode()


def test_a_key_that_lasts_is_no_matter(well: Organization, ann: Person) -> None:
    _expires(60)()
    assert WELL in _home(ann)


def test_decided_holds_and_dry_runs_wait_for_nobody(well: Organization, ann: Person) -> None:
    hold(past_run("r2", ago=3, state="held"), state=HoldState.REJECTED)
    past_run("r3", ago=1, state="failed", dry_run=True, error="no")
    assert WELL in _home(ann)


def test_what_is_wrong_comes_before_what_is_to_do(well: Organization, ann: Person) -> None:
    _hold()
    _no_worker()
    assert "No worker is at work, so no run starts. The operator of the server must start one: rollbook up. " \
        "And 1 more thing needs somebody." in _home(ann)  # fmt: skip


def test_what_is_still_to_set_up(world: Space, ann: Person) -> None:
    text = _home(ann)
    assert "The set-up is not finished: the next step is Data Prep." in text
    assert "Data Prep still to do" in text
    assert "Schools done" in text
    assert "Nothing has been synced yet." in text


def test_an_organization_without_anything(world: Space, ann: Person) -> None:
    SettingsVersion.objects.all().delete()
    text = _home(ann)
    assert "the next step is Select SIS." in text
    assert text.count("still to do") == 5
    assert "There is no schedule yet." in text


def test_the_next_run_in_words(well: Organization, ann: Person) -> None:
    assert "None is planned The schedule is manual" in _home(ann)
    import_maple(
        SettingsVersion.objects.get().document["sis"]["options"]["space"], more="schedule: {mode: scheduled}\n"
    )
    text = _home(ann)
    assert "Queued on" in text
    assert ", 12:00 AM" in text
    assert "every day, 12:00 AM to 3:00 AM" in text


def test_runs_under_way_are_named(well: Organization, ann: Person) -> None:
    past_run("r9", ago=0, state="running", progress={"stage": "plan", "done": 1, "total": 7, "note": "user"})
    assert "Under way Sync of everything r9" in _home(ann)


def test_charts_have_words_and_a_table(well: Organization, ann: Person) -> None:
    for number in range(3):
        past_run(f"c{number}", ago=50 - number, result=counts(user={"read": 40 + number, "create": number}))
    answer = ann.get("/o/maple/")
    page = answer.content.decode()
    assert page.count("<svg") == page.count("</desc>") == 5
    assert "3 runs, from 40 to 42; the last one has 42." in words(answer)
    rows = _Rows()
    rows.feed(page)
    assert rows.found[1][1:] == ["42", "–", "2", "0", "0"]


class _Rows(HTMLParser):
    """Cells of all tables' rows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self._in = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.found.append([])
        if tag in ("td", "th"):
            self.found[-1].append("")
            self._in = True

    def handle_endtag(self, tag: str) -> None:
        self._in = self._in and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in:
            self.found[-1][-1] += data.strip()


def test_a_chart_is_as_high_as_its_highest_bar(well: Organization) -> None:
    for number in range(RUNS + 5):
        past_run(f"c{number:02}", ago=50 - number, result=counts(user={"read": number * 10_000}))
    charts = trend(well)["charts"]
    users = charts[0]
    assert users["runs"] == RUNS
    assert max(bar["height"] for bar in users["bars"]) == HEIGHT
    assert all(bar["y"] + bar["height"] == HEIGHT and bar["x"] >= 0 for bar in users["bars"])
    assert users["last"] == users["highest"] == (RUNS + 4) * 10_000


def test_a_run_that_read_no_users_does_not_say_that_there_are_none(well: Organization, ann: Person) -> None:
    past_run("c1", ago=50, result=counts(user={"read": 40}))
    past_run("c2", ago=49, result=counts(course={"read": 7}))
    assert "Users in the SIS: 40" in _home(ann)


def test_refused_for_longest(well: Organization, ann: Person) -> None:
    for number in range(7):
        refusal(f"key{number}", days=number, message=f"message {number}")
    text = _home(ann)
    assert text.index("key6") < text.index("key2")
    assert "key1" not in text
    assert "See all 7 refused records" in text


def test_nothing_of_others(well: Organization, ann: Person, world: Space) -> None:
    import_maple(world.name, slug="other")
    hold(past_run("x1", ago=1, org="other", state="failed", error="theirs"))
    text = _home(ann)
    assert WELL in text
    assert "theirs" not in text
