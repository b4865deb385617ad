"""Status of one section: its syncs, what went wrong in the last ones student by student, and what the SIS shows
otherwise. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from rollbook.core.duck import parquet_reader, quote
from rollbook.errors import BlobLost
from rollbook.roster.changes import UNKNOWN
from rollbook.roster.findings import BLOCKS, FINDINGS
from rollbook.store.blobs import open_blobs
from rollbook.store.models import GradeSection, GradeSync, River, Run
from rollbook.store.runs import stored_plan, stored_result
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.grade_changes import failed_rows, grade_text, newest_plan
from rollbook.web.grade_help import person_names, school_of
from rollbook.web.run_words import STATE_SIGNS, STATE_WORDS
from rollbook.web.tags import trouble_said

_SHOWN: Final = 20
_MOST: Final = 2000
#: What reading back found.
_OTHERWISE: Final = frozenset({"GRADE_NOT_SHOWN", "GRADE_SHOWN_OTHERWISE", "GRADES_NOT_READ_BACK"})
#: What everybody sees on the other pages already.
_ELSEWHERE: Final = frozenset({"CATEGORIES_UNDECIDED"})


def history(place: Place, row: GradeSection | None) -> dict[str, Any]:
    """The context of grades/status.html."""
    syncs = _syncs(place, row)
    context: dict[str, Any] = {
        "syncs": syncs,
        "trouble": _trouble(syncs),
        "findings": [],
        "otherwise": [],
        "failed": [],
    }
    run = newest_plan(row) if row is not None else None
    if row is None or run is None:
        return context
    try:
        found = _findings(run, row.code)
        failed = _failed(place, run, row.code)
    except BlobLost as error:
        return context | {"lost": error_said(error)}
    students = {one["id"] for each in found for one in each["places"] if one["collection"] in ("grade", "result")}
    names = person_names(place.organization.pk, students, school_of(place))
    for each in found:
        for one in each["places"]:
            is_item = one["collection"] == "graded_item" and one["detail"]  # which begins with the item's title
            one["name"] = "" if is_item or one["collection"] == "section" else names.get(one["id"], one["id"])
    return context | {
        "last": run,
        "findings": [one for one in found if one["code"] not in _OTHERWISE | _ELSEWHERE],
        "otherwise": [one for one in found if one["code"] in _OTHERWISE],
        "failed": failed,
    }


def _syncs(place: Place, row: GradeSection | None) -> list[dict[str, Any]]:
    """The runs of this section, the newest first. One of all sections that ended before it came to this one is there as
    well, as far as it is among the last."""
    found: dict[str, dict[str, Any]] = {}
    if row is not None:
        rows = GradeSync.objects.filter(section=row).select_related("run").defer("run__plan", "run__result")
        found = {one.run_id: _sync(one.run, one) for one in rows.order_by("-run__created_at")[:_SHOWN]}
    mine = Run.objects.filter(organization=place.organization, river=River.GRADES).defer("plan", "result")
    for run in mine.order_by("-created_at", "-pk")[:_SHOWN]:
        if not run.sections:
            found.setdefault(run.pk, _sync(run, None))
    return sorted(found.values(), key=lambda one: one["run"].created_at, reverse=True)[:_SHOWN]


def _sync(run: Run, sync: GradeSync | None) -> dict[str, Any]:
    if run.dry_run:
        what = _("Look only")
    elif run.items:
        what = _("Sync of one item")
    else:
        what = _("Sync") if run.sections else _("Sync of all sections")
    return {
        "run": run,
        "what": what,
        "state": STATE_WORDS[run.state],
        "sign": STATE_SIGNS[run.state],
        "done": sync.done if sync else 0,
        "failed": sync.failed if sync else 0,
        "trouble": sync.trouble if sync else "",
    }


def _trouble(syncs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What was wrong with the newest run that has ended, if it failed or could not read the section."""
    ended = next((one for one in syncs if one["run"].ended), None)
    if ended is None or not (ended["run"].error or ended["trouble"]):
        return None
    run = ended["run"]
    words = {
        "Unavailable": _("The SIS or the LMS does not answer at the moment. Nothing is lost: sync again later."),
        "Throttled": _("The SIS or the LMS asks for a pause. Nothing is lost: sync again later."),
        "AuthFailed": _("The SIS or the LMS does not let Rollbook in. Your system administrator must look at it."),
        "StalePlan": _("Somebody changed something meanwhile. Sync again."),
    }
    sentence = words.get(run.error_name, "") if run.error else _("The section could not be read.")
    detail = trouble_said(run.error or ended["trouble"])
    return {"run": run, "sentence": sentence, "detail": detail, "who": run.error_who}


def _findings(run: Run, section: str) -> list[dict[str, Any]]:
    """Findings of the section by cause; those that keep something from being sent come first."""
    blob = stored_result(run).findings_blob
    if blob is None:
        return []
    path = quote(open_blobs(opened()).get(blob, "the findings of this run"))
    with parquet_reader() as db:
        rows = db.execute(
            f"""SELECT code, severity, collection, id, detail, dependants FROM read_parquet({path})
                WHERE school = $section ORDER BY code, id LIMIT {_MOST}""",
            {"section": section},
        ).fetchall()
    found: dict[str, dict[str, Any]] = {}
    for code, severity, collection, id, detail, dependants in rows:
        known = FINDINGS.get(code)
        group = found.setdefault(
            code,
            {
                "code": code,
                "blocks": severity == BLOCKS,
                "sentence": _(known.sentence) if known else code,
                "fix": _(known.fix) if known else "",
                "places": [],
            },
        )
        group["places"].append(
            {"collection": collection, "id": id or "", "detail": detail or "", "number": dependants or 0}
        )
    return sorted(found.values(), key=lambda one: (not one["blocks"], one["code"]))


def _failed(place: Place, run: Run, section: str) -> list[dict[str, Any]]:
    """Student by student, in the SIS's words."""
    plan = stored_plan(run)
    if plan is None or run.dry_run:
        return []
    rows = failed_rows(run, plan, section)
    students = {_of(row, "student") for row, _o in rows if row["kind"] == "result"}
    names = person_names(place.organization.pk, students, school_of(place))
    titles: Mapping[str, str] = dict(
        GradeSection.objects.get(organization=place.organization, code=section).items.values_list("key", "title")
    )
    lines = []
    for row, outcome in rows:
        is_grade = row["kind"] == "result"
        student = _of(row, "student")
        lines.append(
            {
                "item": titles.get(_of(row, "line_item") if is_grade else row["key"], _of(row, "title")),
                "who": names.get(student, student) if is_grade else "",
                "grade": grade_text(row["after"]) if is_grade else "",
                "words": outcome.message
                if outcome.status != UNKNOWN
                else _("The SIS did not answer in time. The next sync looks what became of it."),
            }
        )
    return sorted(lines, key=lambda one: (one["item"].casefold(), one["who"].casefold()))


def _of(row: Mapping[str, Any], name: str) -> str:
    return str(row["after"].get(name) or row["before"].get(name) or "")
