"""The Schoology connector's pure part: changes to items, answers to outcomes, live objects to records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.connectors.base import Batch
from rollbook.connectors.schoology import lenient, live, outcomes, translate
from rollbook.connectors.schoology.batches import BULK_MOST, compose
from rollbook.connectors.schoology.translate import Refusal, Wording
from rollbook.errors import Bug
from rollbook.roster.changes import Change, LiveRecord, Outcome
from rollbook.roster.lms import KINDS

WORDING = Wording(roles={"Student": "4", "Teacher": "5"}, passwords={"u1": "correct horse battery"})
PERSON: dict[str, Any] = {
    "first_name": "Zoë",
    "last_name": "Nguyễn",
    "middle_name": None,
    "preferred_first_name": "Zo",
    "username": "zoe.n",
    "email": "zoe@example.org",
    "role": "Student",
    "building": "org:1",
    "additional_buildings": ["org:2"],
    "graduation_year": "2031",
}


def user(action: str = "create", *, before: dict[str, Any] | None = None, **after: Any) -> Change:
    refs = {"building": "700", "additional_buildings": ["701"]}
    return Change(seq=1, kind="user", action=action, key="u1", after=PERSON | after, before=before or {}, refs=refs)


def section(seq: int, course: str, **more: Any) -> Change:
    fields = {"title": f"Course {course}", "code": course, "building": "org:1"}
    after = {"title": f"Section {seq}", "course": course, "grading_periods": ["session:1"], "location": None}
    refs = {"course": "9", "grading_periods": ["13"], "course.building": "700"}
    base: dict[str, Any] = {"after": after, "refs": refs, "parent_fields": {"course": fields}}
    return Change(seq=seq, kind="section", action="create", key=f"s{seq}", **(base | more))


class TestUsers:
    def test_create_carries_names_ids_and_password(self) -> None:
        assert translate.user_item(user(), WORDING) == {
            "school_uid": "u1",
            "name_first": "Zoë",
            "name_last": "Nguyễn",
            "name_first_preferred": "Zo",
            "use_preferred_first_name": 1,
            "username": "zoe.n",
            "primary_email": "zoe@example.org",
            "grad_year": "2031",
            "role_id": "4",
            "building_id": "700",
            "additional_buildings": "701",
            "password": "correct horse battery",
            "email_login_info": 0,
            "synced": 1,
        }

    @pytest.mark.rule(14)
    def test_update_never_carries_a_password(self) -> None:
        item = translate.user_item(user("update", before={"role": "Teacher"}), WORDING)
        assert isinstance(item, dict)
        assert "password" not in item

    def test_values_taken_away_are_sent_empty(self) -> None:
        change = user("update", before={"email": "old@example.org", "additional_buildings": ["org:2"]}, email=None)
        item = translate.user_item(change, WORDING)
        assert isinstance(item, dict)
        assert item["primary_email"] == ""
        assert "name_middle" not in item

    def test_role_is_found_by_name_whatever_its_case_but_never_guessed(self) -> None:
        assert translate.role_id({"Student": "4"}, "STUDENT") == "4"
        assert translate.role_id({"Student": "4", "student": "5"}, "STUDENT") is None
        assert isinstance(translate.user_item(user(role="Janitor"), WORDING), Refusal)
        assert isinstance(translate.user_item(user(role=None), WORDING), Refusal)

    def test_unknown_building_is_a_refusal(self) -> None:
        change = Change(seq=1, kind="user", action="create", key="u1", after=PERSON)
        assert isinstance(translate.user_item(change, WORDING), Refusal)

    @pytest.mark.rule(14)
    def test_nothing_shows_a_password_or_a_name(self) -> None:
        batch = Batch(kind="user", action="create", changes=[user()], secrets=WORDING.passwords)
        shown = f"{WORDING!r} {compose(batch, WORDING)!r} {batch!r}"
        assert "horse" not in shown
        assert "Zoë" not in shown
        assert "zoe@" not in shown


class TestCalls:
    def test_fifty_sections_of_many_courses_are_one_call(self) -> None:
        changes = [section(n, f"C{n % 30}") for n in range(50)]
        composed = compose(Batch(kind="section", action="create", changes=changes), WORDING)
        (call,) = composed.calls
        courses = call.body["courses"]["course"]
        assert (call.method, call.path, call.query) == ("POST", "courses", {"update_existing": "1"})
        assert len(courses) == 30
        nested = [item["section_school_code"] for each in courses for item in each["sections"]["section"]]
        assert nested == [changes[position].key for position in call.positions]
        assert courses[0] | {"sections": None} == {
            "course_code": "C0",
            "title": "Course C0",
            "building_id": "700",
            "synced": 1,
            "sections": None,
        }

    def test_outcomes_of_nested_sections_come_back_in_batch_order(self) -> None:
        changes = [section(1, "A"), section(2, "B"), section(3, "A")]
        (call,) = compose(Batch(kind="section", action="create", changes=changes), WORDING).calls
        body = {
            "course": [
                {
                    "response_code": 200,
                    "id": 9,
                    "course_code": "A",
                    "sections": {
                        "section": [
                            {"response_code": "200", "id": "31", "section_school_code": "s1"},
                            {"response_code": 400, "message": "no", "section_school_code": "s3"},
                        ]
                    },
                },
                {"response_code": 403, "message": "closed", "course_code": "B"},
            ]
        }
        by_position = dict(zip(call.positions, call.read(body), strict=True))
        assert [by_position[at].status for at in range(3)] == ["done", "refused", "refused"]
        assert by_position[0].lms_id == "31"
        assert by_position[1].message == "its course was refused: closed"

    def test_a_course_that_changes_its_code_is_named_by_id(self) -> None:
        fields = {"title": "Art", "code": "B-ART", "building": None}
        renamed = Change(
            seq=1,
            kind="course",
            action="update",
            key="c1",
            lms_id="9",
            after=fields,
            before={"code": "A-ART"},
        )
        same = Change(seq=2, kind="course", action="update", key="c2", lms_id="10", after=fields, before={"title": "x"})
        composed = compose(Batch(kind="course", action="update", changes=[renamed, same]), WORDING)
        put, post = composed.calls
        assert put.body == {"courses": {"course": [{"id": 9, "course_code": "B-ART", "title": "Art", "synced": 1}]}}
        assert (put.method, put.positions, post.method, post.positions) == ("PUT", [0], "POST", [1])

    def test_a_course_that_changes_its_code_is_never_upserted(self) -> None:
        fields = {"title": "Art", "code": "B-ART", "building": None}
        change = Change(seq=1, kind="course", action="update", key="c1", after=fields, before={"code": "A-ART"})
        composed = compose(Batch(kind="course", action="update", changes=[change]), WORDING)
        assert not composed.calls
        assert composed.settled[0].status == "refused"

    @pytest.mark.parametrize("periods", [None, [], ["13", None]])
    def test_a_section_with_half_its_periods_is_not_sent(self, periods: Any) -> None:
        refs = {"course": "9", "grading_periods": periods, "course.building": "700"}
        changes = [section(1, "A", refs=refs)]
        composed = compose(Batch(kind="section", action="create", changes=changes), WORDING)
        assert not composed.calls
        assert composed.settled[0].status == "refused"

    def test_enrollments_and_links_are_removed_by_codes(self) -> None:
        gone = Change(
            seq=1,
            kind="enrollment",
            action="remove",
            key="s|u",
            after={"section": "s", "user": "u", "admin": True},
        )
        (call,) = compose(Batch(kind="enrollment", action="remove", changes=[gone]), WORDING).calls
        assert call.path == "enrollments/import/course"
        (item,) = call.body["enrollments"]["enrollment"]
        assert item == {"section_school_code": "s", "school_uid": "u", "delete": 1}

    @pytest.mark.parametrize("kind", ["user", "course", "section"])
    def test_what_is_never_removed_cannot_be_said(self, kind: str) -> None:
        change = Change(seq=1, kind=kind, action="remove", key="x", after={}, lms_id="5")
        with pytest.raises(Bug):
            compose(Batch(kind=kind, action="remove", changes=[change]), WORDING)

    def test_more_than_fifty_changes_are_never_sent(self) -> None:
        with pytest.raises(Bug):
            compose(Batch(kind="user", action="create", changes=[user()] * (BULK_MOST + 1)), WORDING)

    def test_a_rekey_without_lms_id_is_refused_not_sent(self) -> None:
        change = Change(seq=1, kind="user", action="rekey", key="u1", new_key="n1", after=PERSON)
        composed = compose(Batch(kind="user", action="rekey", changes=[change]), WORDING)
        assert not composed.calls
        assert composed.settled[0].status == "refused"


class TestAnswers:
    def changes(self, number: int) -> list[tuple[Change, dict[str, Any]]]:
        return [
            (Change(seq=n, kind="user", action="create", key=f"u{n}", after=PERSON), {"school_uid": f"u{n}"})
            for n in range(number)
        ]

    def read(self, body: Any, number: int = 2) -> list[Outcome]:
        return outcomes.bulk_outcomes("user", body, self.changes(number))

    def test_mixed_results(self) -> None:
        body = {
            "user": [
                {"response_code": 200, "id": 7},
                {"response_code": "400", "message": "zoe@example.org taken"},
            ]
        }
        done, refused = self.read(body)
        assert (done.status, done.lms_id) == ("done", "7")
        assert (refused.status, refused.code, refused.message) == ("refused", 400, "[e-mail] taken")

    @pytest.mark.parametrize("key", ["message", "error"])
    def test_words_carry_no_names(self, key: str) -> None:
        (refused,) = self.read({"user": [{"response_code": 400, key: "Nguyễn, Zoë: ZOE.N is in use"}]}, 1)
        assert refused.message == "[name], [name]: [name] is in use"

    def test_a_single_object_stands_for_a_list(self) -> None:
        (done,) = self.read({"user": {"response_code": "200", "uid": "7"}}, 1)
        assert (done.status, done.lms_id) == ("done", "7")

    def test_a_short_answer_is_matched_by_codes_and_the_rest_is_unknown(self) -> None:
        found = self.read({"user": [{"response_code": 200, "id": 7, "school_uid": "u1"}]})
        assert [each.status for each in found] == ["unknown", "done"]

    def test_a_short_answer_without_codes_is_unknown_altogether(self) -> None:
        assert {each.status for each in self.read({"user": [{"response_code": 200, "id": 7}]})} == {"unknown"}

    def test_order_is_not_trusted_against_the_codes(self) -> None:
        swapped = [{"response_code": 200, "id": n + 10, "school_uid": f"u{n}"} for n in (1, 0)]
        assert [each.lms_id for each in self.read({"user": swapped})] == ["10", "11"]

    @pytest.mark.parametrize("body", [None, "", [], {}, "not what you think", 17, {"user": None}, {"user": "x"}])
    def test_no_results_are_unknown(self, body: Any) -> None:
        assert [each.status for each in self.read(body)] == ["unknown", "unknown"]

    def test_an_enrollment_takes_its_id_from_the_location(self) -> None:
        change = Change(seq=1, kind="enrollment", action="create", key="s|u", after={"section": "s", "user": "u"})
        answer = {"response_code": 200, "location": "https://x/v1/sections/3/enrollments/99"}
        assert outcomes.outcome(answer, change).lms_id == "99"

    def test_removing_what_is_not_there_is_done(self) -> None:
        change = Change(seq=1, kind="enrollment", action="remove", key="s|u", after={}, lms_id="99")
        assert outcomes.outcome({"response_code": 404, "message": "not enrolled"}, change).status == "done"

    def test_a_server_error_of_one_item_is_unknown(self) -> None:
        assert self.read({"user": [{"response_code": 503}]}, 1)[0].status == "unknown"


class TestLive:
    organization = live.Organization({"4": "Student", "1": "System Admin"}, "12", frozenset({"System Admin"}))

    def test_user_with_texts_and_numbers_mixed(self) -> None:
        raw = {
            "uid": "31",
            "id": 31,
            "school_uid": "u1",
            "name_first": "Ana",
            "name_last": "Diaz",
            "name_middle": "",
            "username": None,
            "primary_email": "",
            "role_id": 4,
            "building_id": "700",
            "additional_buildings": "702,701,700",
            "grad_year": "0",
        }
        record = live.user(raw, self.organization)
        assert record is not None
        assert (record.lms_id, record.code, record.protected) == ("31", "u1", False)
        assert record.fields["role"] == "Student"
        assert record.fields["additional_buildings"] == ["701", "702"]
        assert [record.fields[name] for name in ("middle_name", "username", "email", "graduation_year")] == [None] * 4

    @pytest.mark.rule(11)
    @pytest.mark.parametrize("raw", [{"id": 12, "role_id": "4"}, {"uid": "13", "role_id": 1}])
    def test_own_account_and_administrators_are_protected(self, raw: dict[str, Any]) -> None:
        record = live.user(raw, self.organization)
        assert record is not None
        assert record.protected

    def test_an_archived_enrollment_is_none(self) -> None:
        raw = {"id": 5, "uid": "31", "school_uid": "u1", "admin": "1", "status": "5"}
        assert live.enrollment(raw, "3", "s1") is None
        record = live.enrollment(raw | {"status": 1}, "3", "s1")
        assert record is not None
        assert (record.code, record.fields) == ("s1|u1", {"section": "3", "user": "31", "admin": True})

    def test_links_are_read_from_both_ends(self) -> None:
        assert live.link_ends({"id": 1, "parent_uids": "8,9", "child_uids": ""}) == [("1", "8"), ("1", "9")]
        assert live.link_ends({"uid": "8", "child_uids": "1"}) == [("1", "8")]
        assert live.link_ends({"id": 1, "parents": {"parent": {"id": 8}}}) == [("1", "8")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "uid", "response_code", "message", "section", "sections", "user", "course"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(sorted({name for kind in KINDS.values() for name in kind.fields} | {"course.building"})),
    ANYTHING,
)
CHANGES = st.builds(
    Change,
    seq=st.integers(0, 9),
    kind=st.sampled_from(["user", "course", "section", "enrollment", "guardian_link"]),
    action=st.sampled_from(["create", "update", "rekey"]),
    key=st.text(max_size=5),
    after=FIELDS,
    before=FIELDS,
    lms_id=st.none() | st.text(max_size=3),
    new_key=st.none() | st.text(max_size=3),
    refs=FIELDS,
    parent_fields=st.dictionaries(st.just("course"), FIELDS),
)


class TestTotality:
    @settings(max_examples=150, deadline=None)
    @given(change=CHANGES, body=ANYTHING, number=st.integers(1, 3))
    def test_any_change_and_any_answer_give_one_outcome_each(self, change: Change, body: Any, number: int) -> None:
        batch = Batch(kind=change.kind, action=change.action, changes=[change] * number)
        composed = compose(batch, WORDING)
        found = dict(composed.settled)
        for call in composed.calls:
            found.update(zip(call.positions, call.read(body), strict=True))
        assert sorted(found) == list(range(number))
        assert all(isinstance(each, Outcome) for each in found.values())

    @settings(max_examples=150, deadline=None)
    @given(change=CHANGES, raw=ANYTHING)
    def test_single_objects_and_live_objects(self, change: Change, raw: Any) -> None:
        assert isinstance(translate.building_item(change), dict | Refusal)
        assert isinstance(translate.period_item(change), dict | Refusal)
        organization = live.Organization({"1": "Student"}, "1", frozenset())
        records = [
            live.building(raw),
            live.grading_period(raw),
            live.user(raw, organization),
            live.inactive_user(raw, organization),
            live.course(raw),
            live.section(raw),
            live.enrollment(raw, "1", "c"),
        ]
        assert all(each is None or isinstance(each, LiveRecord) for each in records)
        assert isinstance(live.link_ends(raw), list)
        assert isinstance(lenient.items(raw, "users", "user"), list | None)
        assert isinstance(outcomes.words(raw), str)
