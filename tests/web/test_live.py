"""Live progress: one look at the database for everybody who follows, a second behind at most, and nothing left over."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.core.protocols import Progress
from rollbook.engine.heart import Heart
from rollbook.store.folder import DataFolder
from rollbook.store.lease import Lease
from rollbook.store.models import Membership, Organization, Role, Run
from rollbook.web import following
from rollbook.web.following import REFRESH
from rollbook.web.live import Subject
from rollbook.web.live_runs import WATCHER, Looker
from tests.patience import LONG, until, within
from tests.web.asking import Site
from tests.web.conftest import serving
from tests.web.past import past_run
from tests.web.people import Person

# --- over HTTP, behind the server -------------------------------------------------------------------------------------


@pytest.fixture
def live(pages: DataFolder, world: Space) -> Iterator[Site]:
    with serving(pages) as site:
        yield site
    assert WATCHER.number() == 0


class Stream:
    """An open answer of a live page, read event by event."""

    def __init__(self, site: Site, person: Person, path: str, headers: Mapping[str, str] | None = None) -> None:
        cookie = f"rollbook_session={person.client.cookies['rollbook_session'].value}"
        request = urllib.request.Request(site.address + path, headers={"Cookie": cookie, **(headers or {})})
        self.answer: HTTPResponse = urllib.request.urlopen(request, timeout=LONG)

    def event(self) -> str:
        """The next event's lines; empty at the end."""
        lines = b""
        while line := self.answer.readline():
            lines += line
            if line == b"\n":
                break
        return lines.decode()

    def until(self, words: str, most: float = LONG) -> float:
        """Seconds until an event has these words."""
        start = time.monotonic()
        while words not in (event := self.event()):
            assert event, f"the stream ended without {words!r}"
            assert time.monotonic() - start < most
        return time.monotonic() - start


def _shown(person: Person, run: str = "") -> str:
    import re

    page = person.get(f"/o/maple/logs/{run}/" if run else "/o/maple/logs/").content.decode()
    found = re.search(r'hx-sse:connect="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def _progress(run: str, **progress: object) -> None:
    Run.objects.filter(pk=run).update(progress={"stage": "apply", "done": 0, "total": 100, "note": "user", **progress})


def test_progress_arrives_within_a_second(live: Site, vic: Person) -> None:
    past_run("r1", ago=1, state="running")
    stream = Stream(live, vic, _shown(vic, "r1"))
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    assert stream.answer.headers["Cache-Control"] == "no-store"
    assert "x-rollbook-follow" not in {name.lower() for name in stream.answer.headers}
    assert "Starting" in stream.event()
    done = iter(range(10, 100))

    def arrives() -> float:
        _progress("r1", done=(now := next(done)))
        return stream.until(f"{now} of 100")

    within(0.9, arrives, tries=20, wanted=3)
    Run.objects.filter(pk="r1").update(state="done")
    stream.until("The run has ended.")
    assert stream.until("event: refresh") < 3, "one who looks alone need not wait for others"
    while stream.event():
        pass  # the answer ends by itself


def test_many_who_look_do_not_ask_for_the_page_at_once(
    live: Site, vic: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each learns at once that the run has ended, and asks for the page a little later than the others."""
    monkeypatch.setattr(following, "MANY", 20)
    monkeypatch.setattr(following, "SPREAD", 3.0)
    past_run("r1", ago=1, state="running")
    address = _shown(vic, "r1")
    streams = [Stream(live, vic, address) for _ in range(20)]
    for stream in streams:
        assert "Starting" in stream.event()
    start = time.monotonic()
    Run.objects.filter(pk="r1").update(state="failed")
    for stream in streams:
        stream.until("Failed")
    with ThreadPoolExecutor(20) as pool:
        asked = sorted(pool.map(lambda one: (one.until("event: refresh"), time.monotonic() - start)[1], streams))
    assert asked[-1] < 8, "within three seconds, and what a busy machine takes"
    assert asked[-1] - asked[0] > 0.8
    for stream in streams:
        assert stream.event() == ""


def test_logs_learn_of_runs_that_start_and_end(live: Site, ann: Person) -> None:
    stream = Stream(live, ann, _shown(ann))
    assert "Nothing runs or waits" in stream.event()
    past_run("r1", ago=1, state="queued")
    stream.until("Place 1 in the queue.")
    Run.objects.filter(pk="r1").update(state="running")
    stream.until("Starting")
    Run.objects.filter(pk="r1").update(state="done")
    stream.until("Nothing runs or waits")
    assert stream.event() == REFRESH.decode()
    stream.answer.close()


def test_a_page_that_shows_an_ended_run_is_told_at_once(live: Site, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    address = _shown(ann)
    Run.objects.filter(pk="r1").update(state="done")
    stream = Stream(live, ann, address)
    assert stream.event() == REFRESH.decode()
    stream.answer.close()


def test_only_administrators_see_the_button(live: Site, bob: Person, vic: Person) -> None:
    past_run("r1", ago=1, state="running")
    for person, sees in ((bob, True), (vic, False)):
        for address in (_shown(person), _shown(person, "r1")):
            stream = Stream(live, person, address)
            assert ("Cancel run r1" in stream.event()) is sees
            stream.answer.close()


def test_a_run_that_ended_meanwhile(live: Site, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    address = _shown(ann, "r1")
    Run.objects.filter(pk="r1").update(state="done")
    stream = Stream(live, ann, address)
    assert stream.event() == REFRESH.decode()
    assert stream.event() == ""


def test_whoever_leaves_is_forgotten(live: Site, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    streams = [Stream(live, ann, _shown(ann, "r1")) for _ in range(20)]
    for stream in streams:
        stream.event()
    until(lambda: WATCHER.number() == 20)  # the first event is sent a moment before its reader counts
    for stream in streams:
        stream.answer.close()
    until(lambda: WATCHER.number() == 0)


def test_following_keeps_no_threads(live: Site, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    address = _shown(ann, "r1")
    one = Stream(live, ann, address)
    one.event()
    before = threading.active_count()
    streams = [Stream(live, ann, address) for _ in range(30)]
    for stream in streams:
        stream.event()
    assert threading.active_count() < before + 10
    for stream in (one, *streams):
        stream.answer.close()


@pytest.mark.parametrize("what", ["signs out", "is no member any more", "gets another role"])
def test_whoever_may_not_any_more_is_sent_away(
    live: Site, ann: Person, vic: Person, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(WATCHER, "_may_every", 0.1)
    past_run("r1", ago=1, state="running")
    mine, other = (Stream(live, person, _shown(person, "r1")) for person in (vic, ann))
    for stream in (mine, other):
        assert "Starting" in stream.event()
    member = Membership.objects.filter(account=vic.account)
    if what == "signs out":
        vic.client.logout()
    elif what == "gets another role":
        member.update(role=Role.TEACHER)
    else:
        member.delete()
    while mine.event():
        pass  # it ends
    _progress("r1", done=55)
    other.until("55 of 100")
    other.answer.close()


def test_a_reader_that_comes_back_is_told_all_there_is(live: Site, ann: Person) -> None:
    """Each event is the whole state, so there is nothing to go on from."""
    past_run("r1", ago=1, state="running")
    _progress("r1", done=55)
    for given in ({}, {"Last-Event-ID": "7"}):
        stream = Stream(live, ann, _shown(ann, "r1"), given)
        assert "55 of 100" in stream.event()
        stream.answer.close()


def test_the_server_ends_although_people_follow(pages: DataFolder, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    with serving(pages) as site:
        streams = [Stream(site, ann, _shown(ann, "r1")) for _ in range(10)]
        for stream in streams:
            assert "Starting" in stream.event()
        start = time.monotonic()
    assert time.monotonic() - start < 5, "then the server would have cut them off"
    for stream in streams:
        while stream.event():
            pass


def test_only_those_who_may_see_it(live: Site, tea: Person, ann: Person) -> None:
    past_run("r1", ago=1, state="running")
    for path in ("/o/maple/logs/live/", "/o/maple/logs/r1/live/"):
        assert tea.get(path).status_code == 403
        assert live.get(path).status != 200 or "event-stream" not in live.get(path).headers["Content-Type"]
        assert ann.post(path).status_code == 405


def test_fragments_are_in_the_language_of_their_reader(world: Space) -> None:
    run = past_run("r1", ago=1, state="running")
    _progress("r1")
    found = Looker()([Subject(run.organization_id, "r1", language) for language in ("en", "es")])
    assert all(b"<progress" in told.text for told in found.values())
    assert len(found) == 2


def test_one_query_for_all_organizations(world: Space) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.web.world import import_maple

    for number in range(10):
        import_maple(world.name, slug=f"org-{number}")
        past_run(f"r{number}", ago=1, org=f"org-{number}", state="running", progress={"stage": "plan", "done": 1})
    subjects = [Subject(one.pk, "", "en") for one in Organization.objects.all()]
    with CaptureQueriesContext(connection) as queries:
        found = Looker()(subjects)
    assert len(queries) == 1
    assert sum(b"Plan the changes" in told.text for told in found.values()) == 10


# --- how far behind the run itself is ---------------------------------------------------------------------------------


@pytest.fixture
def beating(pages: DataFolder, world: Space) -> Iterator[tuple[Heart, Progress]]:
    """A heart at work with one run, and where that is."""
    run = past_run("r1", ago=1, state="running", lease_owner="w", lease_epoch=1)
    heart, progress = Heart("w"), Progress()
    heart.start()
    try:
        with heart.watch(Lease("r1", run.organization_id, 1, "w"), progress):
            yield heart, progress
    finally:
        heart.stop()


def _until(true: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not true():
        time.sleep(0.01)
        assert time.monotonic() - start < LONG
    return time.monotonic() - start


def _until_written(done: int) -> float:
    return _until(lambda: _written().get("done") == done)


def _written() -> dict[str, Any]:
    return Run.objects.values_list("progress", flat=True).get(pk="r1") or {}


def test_the_heart_writes_what_changed_within_half_a_second(
    beating: tuple[Heart, Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rollbook.store import workers

    show, writes = workers.show_progress, []

    def spy(news: Mapping[Lease, Mapping[str, Any]]) -> set[Lease]:
        writes.extend(news.values())
        return show(news)

    monkeypatch.setattr(workers, "show_progress", spy)
    _, progress = beating
    tried = []

    def written() -> float:
        tried.append(len(tried) + 7)
        progress.update("apply", tried[-1], 99, "user")
        return _until_written(tried[-1])

    within(0.9, written, tries=20, wanted=3)
    time.sleep(0.7)
    assert [one["done"] for one in writes] == tried, "what did not change is not written again"


def test_what_could_not_be_written_is_written_later(
    beating: tuple[Heart, Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's own transaction held the row."""
    from rollbook.store import workers

    show, tries = workers.show_progress, []

    def locked(news: Mapping[Lease, Mapping[str, Any]]) -> set[Lease]:
        tries.append(news)
        return set() if len(tries) == 1 else show(news)

    monkeypatch.setattr(workers, "show_progress", locked)
    _, progress = beating
    progress.update("apply", 7, 9)
    _until(lambda: _written().get("done") == 7)
    assert len(tries) == 2
