"""OneRoster 1.1 and 1.2 keep every promise of a grade sink, over real HTTP against the practice SIS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from rollbook.connectors.gradebook import GradeSink
from rollbook.connectors.oneroster_rest.gradebook import OneRosterGrades
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.practice.server import Running, serve
from rollbook.practice.sis import create_sis
from rollbook.practice.sis.model import KINDS
from rollbook.roster.changes import LiveRecord
from rollbook.testing import CountingContext
from rollbook.testing.grade_samples import Room
from rollbook.testing.grade_sink_contract import GradeSinkContract

DATA = Path(__file__).parent.parent / "data"
SECRET = "district-hush"
ROOM = Room(
    id="cls-algebra-high", school="mv-high", category="cat-tests", session="gp-1", students=("stu-amara", "stu-bjorn"),
    stranger="tea-osei",
)  # fmt: skip
WRITES = "method=PUT+DELETE"
FAULTS = {
    "lose_before": f"server_error:{WRITES},times=1",
    "lose_after": f"drop_answer:{WRITES},times=1",
    "throttle": "throttle:retry_after=3600",
    "cut": "drop_answer",
    "wrong_key": "unauthorized",
    "half_read": "skip_rows:rows=1",
    "html": "html",
}
PLURALS = {"line_item": "lineItems", "result": "results"}


class OneRosterGradesContract(GradeSinkContract):
    version = "1.1"
    folder = "maple-valley-1.1"
    path = "/ims/oneroster/v1p1"
    auth = "oauth2"
    faults: tuple[str, ...] = ()
    new_categories = False
    partner = "generic-1.1"
    secrets = (SECRET, "Okafor", "Neat work")

    @pytest.fixture
    def app(self) -> Starlette:
        folder = DATA / self.folder
        return create_sis(folder, version=self.version, key="district-key", secret=SECRET, faults=self.faults)

    @pytest.fixture
    def sis(self, app: Starlette) -> Iterator[Running]:
        with serve(app) as running:
            yield running

    @pytest.fixture
    def sink(self, context: CountingContext, sis: Running) -> Iterator[GradeSink]:
        options: dict[str, Any] = {"auth": self.auth, "partner": self.partner, "version": self.version}
        options["new_categories"] = self.new_categories
        made = OneRosterGrades(
            OneRosterOptions(
                base_url=sis.url + self.path, token_url=f"{sis.url}/token", key="district-key", secret=SECRET,
                page_size=2, **options,
            ),
            context,
        )  # fmt: skip
        yield made
        made.close()

    @pytest.fixture
    def room(self) -> Room:
        return ROOM

    @pytest.fixture
    def peek(self, app: Starlette) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            store, plural = app.state.sis.store, PLURALS[kind]
            items = {row[0] for row in store.by("lineItems", "class", ROOM.id)}
            rows = [row for row in store.all(plural) if row[1] == "active"]
            item = KINDS["results"].at["lineItem"]
            shown = [row for row in rows if (row[0] if kind == "line_item" else row[item]) in items]
            return [LiveRecord(kind=kind, lms_id=row[0], code=row[0], fields={"row": row[3:]}) for row in shown]

        return look

    @pytest.fixture
    def fault(self, app: Starlette) -> Callable[[str], None]:
        return lambda name: app.state.sis.faults.turn_on_text(FAULTS[name])

    @pytest.fixture
    def own_ids(self, app: Starlette) -> Callable[[], None]:
        return lambda: app.state.sis.faults.turn_on_text("own_item_id")


class TestGrades11(OneRosterGradesContract):
    pass


class TestGrades12(OneRosterGradesContract):
    version = "1.2"
    folder = "maple-valley"
    path = "/ims/oneroster/rostering/v1p2"
    partner = "generic-1.2"


class TestGradesWithNewCategories(TestGrades12):
    """A SIS that takes new categories."""

    new_categories = True


class TestGradesSigned(OneRosterGradesContract):
    """OAuth 1 signatures instead of tokens."""

    auth = "oauth1"


class TestGradesWithoutDelete(OneRosterGradesContract):
    """A SIS that takes no DELETE, and lists nothing below a school (Aeries)."""

    faults = ("no_delete", "no_school_lists", "nulls")


class TestGradesOfAeries(TestGradesWithoutDelete):
    """As the partner's row says: it is not even tried."""

    partner = "aeries"


class TestGradesOfACarelessSis(TestGrades12):
    """Types, cases and lists as several servers have them."""

    faults = (
        "numbers_text", "enum_case", "bool_upper", "nulls", "flat_errors", "sort_refused", "tilde_hrefs",
        "loose_class_lists", "no_total",
    )  # fmt: skip
    lacks = {"half_read": "without a total nothing tells how many there are"}  # noqa: RUF012 - never changed
