"""Grades over OneRoster REST where a SIS has its own ways: limits, ids, removals, scopes, odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollbook.connectors.base import Batch
from rollbook.connectors.oneroster_rest.gradebook import OneRosterGrades
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.errors import AuthFailed, BadResponse, Bug, RollbookError
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, Outcome
from rollbook.roster.grades import NOT_SUBMITTED, SUBMITTED, SisCategory
from rollbook.roster.lms import CREATE, REMOVE
from rollbook.testing import make_context
from rollbook.testing.grade_samples import Room, grade_change, line_item, result

DATA = Path(__file__).parents[1] / "data"
ROOM = Room(
    id="cls-algebra-high", school="mv-high", category="cat-tests", session="gp-1", students=("stu-amara", "stu-bjorn"),
    stranger="tea-osei",
)  # fmt: skip
SETS = {
    "1.1": ("maple-valley-1.1", "/ims/oneroster/v1p1"),
    "1.2": ("maple-valley", "/ims/oneroster/rostering/v1p2"),
}
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])


@contextmanager
def opened(version: str, tmp_path: Path, *faults: str, **options: Any) -> Iterator[tuple[OneRosterGrades, Any]]:
    """A sink and the practice SIS it writes to, which has these faults."""
    folder, path = SETS[version]
    app = create_sis(DATA / folder, version=version, faults=faults)
    with serve(app) as running:
        chosen = OneRosterOptions(
            base_url=running.url + path, token_url=f"{running.url}/token", key="practice", secret="practice", **options
        )
        sink = OneRosterGrades(chosen, make_context(tmp_path))
        try:
            yield sink, app.state.sis
        finally:
            sink.close()


def send(sink: OneRosterGrades, change: Change, action: str = CREATE) -> Outcome:
    changed = msgspec.structs.replace(change, action=action)
    return sink.apply(Batch(kind=change.kind, action=action, changes=[changed]))[0]


@BOTH
@pytest.mark.parametrize(
    ("fault", "change", "words"),
    [
        ("title_limit:characters=5", line_item(ROOM), "title is longer than 5 characters"),
        ("unique_titles", line_item(ROOM, title="Unit 1 test"), "another line item of the class has this title"),
        ("session_dates", line_item(ROOM, grading_period="gp-4"), "dueDate is outside the grading period"),
        ("window_closed", line_item(ROOM), "the grading window is closed"),
        ("window_closed", result(ROOM, "li-linear", "stu-amara"), "the grading window is closed"),
        ("score_range", result(ROOM, "li-linear", "stu-amara", score=21.0), "score is outside the range"),
        ("slow:seconds=0", result(ROOM, "li-linear", "tea-osei"), "the student is not enrolled in the class"),
        ("slow:seconds=0", result(ROOM, "li-none", "stu-amara"), "lineItem li-none is not known"),
        ("slow:seconds=0", line_item(ROOM, category="cat-none"), "category cat-none is not known"),
    ],
)
def test_a_refusal_is_in_the_words_of_the_sis(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str, fault: str, change: Change, words: str
) -> None:
    caplog.set_level("DEBUG")
    with opened(version, tmp_path, fault) as (sink, sis):
        before = {kind: set(sis.store.tables[kind]) for kind in ("lineItems", "results")}
        outcome = send(sink, change)
        assert (outcome.status, outcome.code) == (REFUSED, 422)
        assert words in outcome.message
        assert "invalid" in outcome.message, "the code, too"
        assert {kind: set(sis.store.tables[kind]) for kind in before} == before
    assert words not in caplog.text


def test_flat_codes_are_read_too(tmp_path: Path) -> None:
    with opened("1.2", tmp_path, "flat_errors", "window_closed") as (sink, _):
        assert send(sink, line_item(ROOM)).message == "the grading window is closed (invaliddata)"


@BOTH
@pytest.mark.parametrize("fault", ["html", "not_json"])
def test_an_answer_that_is_none_is_unknown(tmp_path: Path, version: str, fault: str) -> None:
    """A web page in place of an answer may come from something that stands before the SIS."""
    with opened(version, tmp_path) as (sink, sis):
        assert send(sink, line_item(ROOM)).status == DONE
        sis.faults.turn_on(fault, method="PUT")
        outcome = send(sink, line_item(ROOM, title="Renamed"))
        # 1.2 answers 201 without a body, which nothing spoils
        assert outcome.status == (UNKNOWN if version == "1.1" else DONE)


@BOTH
def test_without_delete_objects_are_marked(tmp_path: Path, version: str) -> None:
    with opened(version, tmp_path, "no_delete") as (sink, sis):
        change = result(ROOM, "li-linear", "stu-amara")
        assert send(sink, change).status == DONE
        gone = send(sink, change, REMOVE)
        assert (gone.status, gone.lms_id) == (DONE, change.key)
        assert sis.store.tables["results"][change.key][1] == "tobedeleted"
        assert change.key not in {each.lms_id for each in sink.read("result", ROOM.id)}
        assert send(sink, change, REMOVE).status == DONE
        assert send(sink, change).status == DONE, "it may come back"
        assert change.key in {each.lms_id for each in sink.read("result", ROOM.id)}


@BOTH
def test_results_can_be_taken_back_as_not_submitted(tmp_path: Path, version: str) -> None:
    with opened(version, tmp_path, removals="not submitted") as (sink, sis):
        assert not sink.limits.deletes
        sis.writes.delete = pytest.fail  # it is not even tried
        change = result(ROOM, "li-linear", "stu-amara", score=0.0)
        assert send(sink, change).status == DONE
        assert send(sink, change, REMOVE).status == DONE
        record = next(each for each in sink.read("result", ROOM.id) if each.lms_id == change.key)
        assert record.fields["status"] == NOT_SUBMITTED
        assert not {"score", "comment"} & set(record.fields)
        assert send(sink, line_item(ROOM)).status == DONE
        assert send(sink, line_item(ROOM), REMOVE).status == DONE
        assert sis.store.tables["lineItems"]["li-suite"][1] == "tobedeleted"


@BOTH
def test_delete_of_what_is_gone_is_done(tmp_path: Path, version: str) -> None:
    with opened(version, tmp_path) as (sink, _):
        outcome = send(sink, result(ROOM, "li-linear", "stu-amara"), REMOVE)
        assert (outcome.status, outcome.code) == (DONE, 404)


@BOTH
def test_only_the_sink_asks_for_scopes_of_grades(tmp_path: Path, version: str) -> None:
    with opened(version, tmp_path) as (sink, sis):
        report = sink.test()
        assert report.ok
        granted = {scope.rpartition("/")[2] for scope in report.facts["scopes"].split()}
        assert granted == {"roster.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.delete"}
        sis.faults.turn_on("scope_core_only")
    with opened(version, tmp_path, "scope_core_only") as (sink, _), pytest.raises(AuthFailed, match="403"):
        sink.test()


def test_reading_alone_is_not_enough(tmp_path: Path) -> None:
    """A SIS may grant less than was asked for."""
    with opened("1.1", tmp_path, scopes="gradebook.readonly") as (sink, sis):
        assert sink.test().ok
        known = sis.auth.tokens
        for own, token in list(known.items()):
            known[own] = type(token)(frozenset({"gradebook.readonly"}), token.expires)
        with pytest.raises(AuthFailed, match="not allowed"):
            send(sink, line_item(ROOM))


@BOTH
def test_students_come_from_where_they_are_offered(tmp_path: Path, version: str) -> None:
    with opened(version, tmp_path) as (sink, sis):
        wanted = sink.class_facts(ROOM.id).students
        assert wanted == {"stu-amara", "stu-bjorn", "stu-maria", "stu-sakura"}
        sis.faults.turn_on("no_school_lists")
        assert sink.class_facts(ROOM.id).students == wanted
        sis.faults.turn_on("forbidden", path=f"/classes/{ROOM.id}/students")
        facts = sink.class_facts(ROOM.id)
        assert facts.students is None
        assert [each.id for each in facts.sessions] == ["sem-1", "sem-2", "gp-1", "gp-2", "gp-3", "gp-4"]
        assert [each.type for each in facts.sessions][:3] == ["semester", "semester", "gradingPeriod"]


def test_classes_that_are_over_keep_their_students(tmp_path: Path) -> None:
    """Who left early is no student any more; who stayed to the end is one, also after it."""
    with opened("1.2", tmp_path) as (sink, sis):
        table, at = sis.store.tables["enrollments"], _at("enrollments", "endDate")
        for own, end in (("enr-algebra-high-amara", "2020-09-01"), ("enr-algebra-high-bjorn", "2027-06-12")):
            row = list(table[own])
            row[at] = end
            sis.store.put("enrollments", tuple(row))
        assert "stu-amara" not in (sink.class_facts(ROOM.id).students or ())
        assert "stu-bjorn" in (sink.class_facts(ROOM.id).students or ())
        row = list(table["enr-algebra-high-sakura"])
        row[1] = "tobedeleted"
        sis.store.put("enrollments", tuple(row))
        assert "stu-sakura" not in (sink.class_facts(ROOM.id).students or ())


def _at(kind: str, field: str) -> int:
    from rollbook.practice.sis.model import KINDS

    return KINDS[kind].at[field]


@BOTH
@pytest.mark.parametrize("path", ["/academicSessions", "/schools", "/categories", "/classes"])
def test_half_a_list_is_none(tmp_path: Path, version: str, path: str) -> None:
    with opened(version, tmp_path, f"wrong_total:path={path}") as (sink, _):
        ask = {"/categories": sink.categories, "/classes": lambda own: list(sink.read("line_item", own))}
        if version == "1.2" and path == "/categories":
            return  # there, they are asked for below a class
        with pytest.raises(BadResponse, match="nothing is concluded"):
            ask.get(path, sink.class_facts)(ROOM.id)


def test_categories_of_another_class_are_left_out(tmp_path: Path) -> None:
    """1.1 says the class in metadata; deleted ones are left out in both."""
    for version in SETS:
        with opened(version, tmp_path) as (sink, sis):
            row = sis.store.tables["categories"]["cat-tests"]
            sis.store.put("categories", ("cat-other", "active", "", {"classId": "cls-biology"}, *row[4:]))
            sis.store.put("categories", ("cat-own", "active", "", {"classId": ROOM.id}, *row[4:]))
            sis.store.put("categories", ("cat-gone", "tobedeleted", "", None, *row[4:]))
            found = {each.id: each.class_id for each in sink.categories(ROOM.id)}
            assert found == {"cat-homework": None, "cat-tests": None, "cat-own": ROOM.id}


@BOTH
def test_new_categories_where_the_sis_takes_them(tmp_path: Path, version: str) -> None:
    new = grade_change("category", "cat-new", {"title": "Labs"})
    with opened(version, tmp_path, new_categories=True) as (sink, _):
        assert send(sink, new).status == DONE
        assert SisCategory(id="cat-new", title="Labs") in sink.categories(ROOM.id)
        assert send(sink, new, REMOVE).status == DONE
        assert {each.id for each in sink.categories(ROOM.id)} == {"cat-homework", "cat-tests"}
    with opened(version, tmp_path) as (sink, _), pytest.raises(Bug):
        send(sink, new)


def test_a_header_of_the_gradebook_goes_with_its_calls(tmp_path: Path) -> None:
    with opened("1.2", tmp_path, "extra_header", partner="infinite-campus") as (sink, _):
        assert sink.test().ok
        assert send(sink, line_item(ROOM)).status == DONE
    with opened("1.2", tmp_path, "extra_header") as (sink, _), pytest.raises(AuthFailed):
        sink.test()


def test_a_token_that_ends_midway_is_renewed(tmp_path: Path) -> None:
    with opened("1.1", tmp_path, "expire_token:uses=2") as (sink, _):
        for number in range(5):
            assert send(sink, line_item(ROOM, f"li-{number}")).status == DONE


def test_1_1_gets_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    """No school, session, class, text or flags; and a score that is not there is not made 0."""
    with opened("1.1", tmp_path) as (sink, sis):
        sent: list[Any] = []
        put = sis.writes.put

        def noted(plural: str, own: str, body: bytes, struck: Any) -> Any:
            sent.append(msgspec.json.decode(body))
            return put(plural, own, body, struck)

        sis.writes.put = noted
        assert send(sink, line_item(ROOM)).status == DONE
        change = result(ROOM, "li-suite", "stu-amara", status=SUBMITTED, score=None, late=True, text_score="A")
        assert send(sink, change).status == DONE
    item, grade = sent[0]["lineItem"], sent[1]["result"]
    assert set(item) == {
        "sourcedId", "status", "dateLastModified", "title", "description", "assignDate", "dueDate", "class", "category",
        "gradingPeriod", "resultValueMin", "resultValueMax",
    }  # fmt: skip
    assert (item["resultValueMin"], item["resultValueMax"], item["dueDate"]) == (0, 20, "2026-09-22T03:59:00.000Z")
    assert item["class"]["type"] == "class"
    assert item["class"]["href"].endswith("/ims/oneroster/v1p1/classes/cls-algebra-high")
    assert set(grade) == {
        "sourcedId", "status", "dateLastModified", "lineItem", "student", "scoreStatus", "scoreDate", "comment",
    }  # fmt: skip


def test_1_2_gets_letters_and_flags_as_texts(tmp_path: Path) -> None:
    with opened("1.2", tmp_path) as (sink, _):
        assert (sink.limits.letters, sink.limits.flags) == (True, True)
        assert send(sink, line_item(ROOM)).status == DONE
        change = result(ROOM, "li-suite", "stu-amara", score=None, text_score="A-", late=True)
        assert send(sink, change).status == DONE
        record = next(each for each in sink.read("result", ROOM.id) if each.lms_id == change.key)
        flags = {name: record.fields[name] for name in ("late", "missing", "incomplete")}
        assert flags == {"late": True, "missing": False, "incomplete": False}
        assert record.fields["text_score"] == "A-"
        assert "score" not in record.fields


def test_ids_with_slashes_stay_one_part_of_a_path(tmp_path: Path) -> None:
    with opened("1.2", tmp_path) as (sink, sis):
        assert send(sink, line_item(ROOM, "li/../1@x")).status == DONE
        assert "li/../1@x" in sis.store.tables["lineItems"]
        found = sink.look_up([line_item(ROOM, "li/../1@x")])
        assert [each and each.lms_id for each in found] == ["li/../1@x"]


def test_an_alike_item_that_somebody_else_made_is_not_taken_for_ours(tmp_path: Path) -> None:
    """A title alone says nothing: every field has to be as it was sent."""
    with opened("1.1", tmp_path, "own_item_id") as (sink, _):
        assert send(sink, line_item(ROOM, "li-theirs", maximum=19.0)).status == DONE
        ours = line_item(ROOM, "li-ours", title="Suite li-theirs")
        assert sink.look_up([ours]) == [None]
        same = msgspec.structs.replace(ours, after=ours.after | {"maximum": 19.0})
        assert [each and each.lms_id for each in sink.look_up([same])] == ["sis-lineItem-1"]


@pytest.mark.parametrize("fault", ["server_error", "drop_answer", "forbidden", "throttle:retry_after=3600"])
def test_errors_name_no_person_and_no_secret(tmp_path: Path, fault: str) -> None:
    with opened("1.2", tmp_path, fault, timeout=2.0) as (sink, _):
        try:
            said = str(send(sink, result(ROOM, "li-linear", "stu-amara")).message)
        except RollbookError as error:
            said = f"{error} {error!r}"
    assert "Zebulon" not in said
    assert "stu-amara" not in said
    assert "practice" not in said


@pytest.mark.parametrize("status", ["exempt", SUBMITTED, NOT_SUBMITTED])
def test_a_sis_that_demands_scores_gets_zero_where_none_counts(tmp_path: Path, status: str) -> None:
    """1.1's document demands a score; beside these states it is none (spec 8.3), also when it is read back."""
    change = result(ROOM, "li-linear", "stu-amara", status=status, score=None)
    with opened("1.1", tmp_path, "score_demanded") as (sink, _):
        refused = send(sink, change)
        assert (refused.status, "score is missing" in refused.message) == (REFUSED, True)
    with opened("1.1", tmp_path, "score_demanded", empty_scores="zero") as (sink, _):
        assert send(sink, change).status == DONE
        shown = next(each for each in sink.read("result", ROOM.id) if each.lms_id == change.key)
        assert shown.fields["status"] == status
        assert "score" not in shown.fields
        assert send(sink, result(ROOM, "li-linear", "stu-bjorn", score=7.5)).status == DONE
    with opened("1.2", tmp_path, empty_scores="zero") as (sink, _):
        assert send(sink, change).status == DONE
        shown = next(each for each in sink.read("result", ROOM.id) if each.lms_id == change.key)
        assert shown.fields.get("score") is None, "1.2 takes results without a score"
