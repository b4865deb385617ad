"""A OneRoster provider as a sink of grades: PUT and DELETE of line items and results, one object a call.

Objects have the sourcedIds that we give them; a SIS that makes its own says so in its answer (1.1 text, G12; Canvas
notes). No call is repeated when its answer is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import httpx2
import msgspec

from rollbook.connectors.base import Batch, Context, Report, TargetTraits
from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.oneroster_rest import gradebook_answers as answers
from rollbook.connectors.oneroster_rest.client import Api, Place
from rollbook.connectors.oneroster_rest.gradebook_reading import ClassReader
from rollbook.connectors.oneroster_rest.gradebook_setup import work_out_grades
from rollbook.connectors.oneroster_rest.gradebook_tables import WIRES, from_wire, to_wire
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.errors import Bug
from rollbook.roster.changes import DONE, UNKNOWN, Change, Fields, LiveRecord, Outcome
from rollbook.roster.grades import NOT_SUBMITTED, ClassFacts, SinkLimits, SisCategory
from rollbook.roster.lms import CREATE, REMOVE, UPDATE

_GONE: Final = (404, 410)
#: What a result that was taken back does not have any more.
_WITHOUT: Final = {
    "score": None,
    "text_score": None,
    "comment": None,
    "late": None,
    "missing": None,
    "incomplete": None,
}


class OneRosterGrades:
    """The gradebook of one provider. Several threads may call it."""

    def __init__(
        self, options: OneRosterOptions, context: Context, *, transport: httpx2.BaseTransport | None = None
    ) -> None:
        """`transport` replaces the network in tests. Raises ConfigError; calls nothing yet."""
        self._setup = work_out_grades(options)
        self._api = Api(self._setup.setup, context, transport=transport)
        self._reader = ClassReader(self._api, self._setup)
        self._zero = options.empty_scores == "zero"
        self._version = self._setup.setup.version.name
        new_categories = self._setup.limits.makes_categories
        self._kinds = frozenset(kind for kind in WIRES if kind != "category" or new_categories)

    def __repr__(self) -> str:
        return "OneRosterGrades()"

    @property
    def traits(self) -> TargetTraits:
        """A line item counts as not safe to send again: nobody knows beforehand which SIS makes ids of its own, and
        would then make it twice. Few take new categories (the product this one follows makes none)."""
        return TargetTraits(
            title="the SIS",
            kinds=self._kinds,
            bulk=dict.fromkeys(self._kinds, 1),
            replay_safe=self._kinds - {"line_item"},
            removable=self._kinds,
            parallel=max(self._setup.setup.parallel, 1),
        )

    @property
    def limits(self) -> SinkLimits:
        return self._setup.limits

    def close(self) -> None:
        self._api.close()

    def test(self) -> Report:
        """Reads one category, and looks at the scopes that were granted: nothing is written."""
        place = Place(path=f"{self._setup.base_url}/categories", key="categories", name="categories")
        page = self._api.page_of(place, 0, limit=1)
        facts = {
            "version": self._version,
            "address": self._setup.base_url,
            "categories": "not told" if page.total is None else str(page.total),
        }
        credentials = self._api.credentials
        granted = None if credentials is None else credentials.granted
        if credentials is not None:
            facts["scopes"] = "not told" if granted is None else " ".join(granted) or "none"
        if granted and not any(scope.endswith("gradebook.createput") for scope in granted):
            summary = "Connected, but the SIS does not let this key write grades (scope gradebook.createput)."
            return Report(ok=False, summary=summary, facts=facts)
        title = self._setup.setup.partner.title
        return Report(ok=True, summary=f"{title}: the gradebook can be read.", facts=facts)

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        return self._reader.categories(class_id)

    def class_facts(self, class_id: str) -> ClassFacts:
        return self._reader.class_facts(class_id)

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        """Nothing is yielded before the whole list is there: one class fits in memory."""
        if kind not in ("line_item", "result"):
            raise Bug(f"the OneRoster connector does not read objects of kind {kind!r} of a class")
        yield from list(self._reader.records(kind, class_id))

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """By sourcedId; else a line item of the class that is in every field what was sent, as the SIS may have given
        it an id of its own."""
        return [self._reader.record(each.kind, _own(each)) or self._alike(each) for each in changes]

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        if batch.kind not in self._kinds or batch.action not in (CREATE, UPDATE, REMOVE):
            raise Bug(f"the OneRoster connector does not {batch.action} objects of kind {batch.kind!r}")
        if len(batch.changes) > 1:
            raise Bug(f"a batch of {len(batch.changes)} changes, where a call holds one")
        return [self._remove(each) if batch.action == REMOVE else self._put(each) for each in batch.changes]

    def _put(self, change: Change, **instead: Any) -> Outcome:
        """Store the object as the change has it; `instead` are properties of its wire form that differ."""
        wire, own = WIRES[change.kind], _own(change)
        body = {wire.single: self._said(change) | instead}
        target = self._setup.address(wire.plural, own)
        try:
            answer = self._api.write("PUT", target, body, f"writing {wire.plural}", returns=answers.REFUSALS)
        except LostAnswer as lost:
            return Outcome(status=UNKNOWN, message=str(lost), code=lost.status)
        return answers.outcome(answer, own, wire.single)

    def _remove(self, change: Change) -> Outcome:
        """By DELETE, or as this SIS takes it; one that refuses DELETE is told by PUT (Aeries)."""
        if self._setup.removal != "delete":
            return self._mark(change)
        wire, own = WIRES[change.kind], _own(change)
        target = self._setup.address(wire.plural, own)
        try:
            answer = self._api.write("DELETE", target, None, f"removing {wire.plural}", returns=answers.REFUSALS)
        except LostAnswer as lost:
            return Outcome(status=UNKNOWN, message=str(lost), code=lost.status)
        if answer.status in _GONE:
            return Outcome(status=DONE, lms_id=own, code=answer.status)
        return self._mark(change) if answer.status in answers.NO_DELETE else answers.outcome(answer, own, wire.single)

    def _mark(self, change: Change) -> Outcome:
        """Say by PUT that an object is gone, or that nothing was handed in. One that is not there is done."""
        if self._reader.record(change.kind, _own(change)) is None:
            return Outcome(status=DONE, lms_id=_own(change))
        if self._setup.removal == "not submitted" and change.kind == "result":
            taken_back = {**change.after, **_WITHOUT, "status": NOT_SUBMITTED}
            return self._put(msgspec.structs.replace(change, after=taken_back))
        return self._put(change, status="tobedeleted")

    def _alike(self, change: Change) -> LiveRecord | None:
        """A line item that we made, under an id of the SIS's: in the class, and like what was sent in every field that
        it shows."""
        class_id = str(change.after.get("class") or "")
        if change.kind != "line_item" or not class_id:
            return None
        wanted = from_wire(change.kind, self._said(change), version=self._version)
        found = self._reader.records(change.kind, class_id)
        return next((each for each in found if _is_like(wanted, each)), None)

    def _said(self, change: Change) -> dict[str, Any]:
        """The object on the wire; a result's line item under the SIS's id."""
        fields = change.after
        if change.refs.get("line_item"):
            fields = {**fields, "line_item": change.refs["line_item"]}
        return to_wire(
            change.kind, _own(change), fields, version=self._version, address=self._setup.address, zero=self._zero
        )


def _own(change: Change) -> str:
    """The sourcedId by which the SIS knows an object."""
    return change.lms_id or change.key


def _is_like(wanted: Fields, there: LiveRecord) -> bool:
    shown = there.fields
    return "title" in shown and all(shown.get(name, value) == value for name, value in wanted.items())
