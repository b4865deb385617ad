"""Schoology's gradebooks by permission of their teachers, over HTTP: who is asked, whose permission is used, and what
is said where none works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.schoology import SchoologyOptions
from rollbook.connectors.schoology.consent import SchoologyConsent
from rollbook.connectors.schoology.grades import SchoologyGrades
from rollbook.errors import AuthFailed, BadResponse, ConfigError, NotAllowed, Unavailable
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.testing import CountingContext, make_context
from rollbook.testing.grade_source_contract import CODE
from tests.contract.test_grades_schoology import plant
from tests.user_tokens import BACK, Tokens, allowed_by, press
from tests.verification.lms_client import Client

MUST = "a teacher of this section must allow Rollbook to read its gradebook"


@dataclass
class Case:
    """One section whose course admin is `teacher`, by LMS id."""

    lms: Client
    options: SchoologyOptions
    context: CountingContext
    source: SchoologyGrades
    tokens: Tokens
    ids: dict[str, str]
    work: Path

    @property
    def teacher(self) -> str:
        return self.ids["u-teacher"]

    def allow(self, person: str = "") -> None:
        self.tokens.given.append(allowed_by(self.options, person or self.teacher, self.work).token)

    def another(self, code: str, *, admin: int = 1) -> str:
        """Somebody else in the section; their LMS id."""
        person = self.lms.made("users", self.lms.user(code, "Teacher"))
        self.lms.made(f"sections/{self.ids['section']}/enrollments", {"uid": person["uid"], "admin": admin})
        return str(person["uid"])


@contextmanager
def opened(work: Path, more: dict[str, Any] | None = None, **settings: Any) -> Iterator[Case]:
    app, tokens = create_lms(**settings), Tokens()
    context = replace(make_context(work), tokens=tokens)
    with serve(app) as running, httpx2.Client() as http:
        lms = Client(running.url, http, app)
        given = {"base_url": f"{running.url}/v1", "key": "practice", "secret": "practice", "site": running.url}
        options = SchoologyOptions(
            **{**given, "credits": 1000, "timeout": 2.0, "grades_as": "teachers", **(more or {})}
        )
        source = SchoologyGrades(options, context)
        try:
            yield Case(lms, options, context, source, tokens, plant(lms), work)
        finally:
            source.close()


def test_without_a_permission_nothing_is_read(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.lms.practice("reset-counters", {})
        with pytest.raises(NotAllowed, match=MUST):
            case.source.gradebook(CODE, None)
        assert case.tokens.asked == [[case.teacher]]
        asked = case.lms.practice("requests")["attempts"]
        assert not [name for name in asked if "grade" in name], "not with the admin's key either"
        assert [each.unique_id for each in case.source.course_admins(CODE, None)] == ["t-1"]


def test_with_one_it_is_read_as_the_teacher(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        by_permission = case.source.gradebook(CODE, case.ids["section"])
        admin = SchoologyGrades(replace_options(case.options, grades_as="admin"), case.context)
        assert admin.gradebook(CODE, None) == by_permission
        admin.close()
        assert by_permission.grades
        assert case.tokens.no_more == []


def test_a_students_permission_is_not_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        student = case.another("helper", admin=0)
        case.allow(student)
        with pytest.raises(NotAllowed, match=MUST):
            case.source.gradebook(CODE, None)
        assert case.tokens.asked == [[case.teacher]]


def test_one_that_was_taken_back_is_told_and_the_next_one_is_used(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        [first] = case.tokens.given
        case.lms.practice("user-tokens", {"revoke": "t-1"})
        with pytest.raises(NotAllowed, match="does not accept the permission"):
            case.source.gradebook(CODE, None)
        assert case.tokens.no_more == [first]
        case.allow(case.another("t-2"))
        assert case.source.gradebook(CODE, None).grades
        assert case.tokens.no_more == [first]


def test_a_teacher_who_may_not_read_is_no_revoked_one(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        case.lms.faults(f"forbidden:path=/v1/sections/{case.ids['section']}/grades")
        with pytest.raises(NotAllowed, match="does not let the teacher read"):
            case.source.gradebook(CODE, None)
        assert case.tokens.no_more == []


def test_our_own_key_that_is_refused_blames_no_teacher(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        case.lms.faults(f"unauthorized:path=/v1/sections/{case.ids['section']}/enrollments")
        with pytest.raises(AuthFailed):
            case.source.gradebook(CODE, None)
        case.lms.faults(f"unauthorized:path=/v1/sections/{case.ids['section']}/enrollments,after=1")
        with pytest.raises(AuthFailed):
            case.source.gradebook(CODE, None)
        assert case.tokens.no_more == []


def test_a_wrong_secret_of_the_app_blames_no_teacher(tmp_path: Path) -> None:
    """It was changed in Schoology, say: every token looks refused then, though none is."""
    app = {"app_key": "app", "app_secret": "app-secret"}
    with opened(tmp_path, app, **app) as case:
        case.allow()
        case.allow(case.another("t-2"))
        wrong = SchoologyGrades(replace_options(case.options, app_secret="rotated"), case.context)
        with pytest.raises(AuthFailed, match="of the app") as caught:
            wrong.gradebook(CODE, None)
        assert not isinstance(caught.value, NotAllowed)
        wrong.close()
        assert case.tokens.no_more == []
        case.lms.faults(f"unauthorized:path=/v1/sections/{case.ids['section']}/grades", "cut:path=/v1/oauth")
        with pytest.raises(Unavailable):
            case.source.gradebook(CODE, None)
        assert case.tokens.no_more == [], "what cannot be told is not concluded"
        case.lms.faults()
        assert case.source.gradebook(CODE, None).grades


def test_a_refused_permission_costs_few_calls(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        case.lms.practice("user-tokens", {"revoke": "t-1"})
        case.lms.practice("reset-counters", {})
        with pytest.raises(NotAllowed, match="does not accept the permission"):
            case.source.gradebook(CODE, case.ids["section"])
        asked = case.lms.practice("requests")["attempts"]
        assert asked["GET sections/{id}/grades"] == 2
        assert asked["GET oauth/request_token"] == 1


def test_trouble_of_the_lms_takes_no_permission(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.allow()
        case.lms.faults(f"server_error:path=/v1/sections/{case.ids['section']}/grade_items")
        with pytest.raises(Unavailable):
            case.source.gradebook(CODE, None)
        case.lms.faults(f"half_page:path=/v1/sections/{case.ids['section']}/grades")
        with pytest.raises(BadResponse):
            case.source.gradebook(CODE, None)
        assert case.tokens.no_more == []


def test_a_section_without_a_teacher_says_so(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        case.lms.call("DELETE", f"sections/{case.ids['section']}/enrollments/{case.ids['m-teacher']}")
        with pytest.raises(NotAllowed, match="no course admin"):
            case.source.gradebook(CODE, None)


def test_the_connection_test_reads_no_gradebook(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        assert "by permission" in case.source.test().summary
        assert "GET sections/{id}/grades" not in case.lms.practice("requests")["attempts"]


# --- asking -----------------------------------------------------------------------------------------------------------


def test_who_agreed_is_told(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        given = allowed_by(case.options, case.teacher, tmp_path)
        assert (given.token.account, given.unique_id) == (case.teacher, "t-1")
        for shown in (repr(given), repr(case.options), str(case.source)):
            assert given.token.token not in shown
            assert given.token.secret not in shown


def test_an_app_asks_with_its_own_key(tmp_path: Path) -> None:
    app = {"app_key": "app", "app_secret": "app-secret"}
    with opened(tmp_path, app, **app) as case:
        case.allow()
        assert case.source.gradebook(CODE, None).grades
        assert "app-secret" not in repr(case.options)
        wrong = replace_options(case.options, app_secret="wrong")
        with pytest.raises(AuthFailed):
            allowed_by(wrong, case.teacher, tmp_path)


@pytest.mark.parametrize("how", ["never", "deny", "twice", "late"])
def test_without_agreement_there_is_none(tmp_path: Path, how: str) -> None:
    with opened(tmp_path, request_token_seconds=0 if how == "late" else 3600) as case:
        consent = SchoologyConsent(case.options, case.context)
        request, page = consent.begin(BACK)
        if how == "deny":
            assert press(page, case.teacher, "deny") == BACK
        elif how == "twice":
            press(page, case.teacher)
            consent.finish(request)
        with pytest.raises(NotAllowed, match="gave no permission"):
            consent.finish(request)
        assert request.token not in repr(request)
        consent.close()


def test_odd_answers_are_errors(tmp_path: Path) -> None:
    with opened(tmp_path) as case:
        consent = SchoologyConsent(case.options, case.context)
        for fault in ("html", "not_json"):
            case.lms.faults(f"{fault}:path=/v1/oauth/request_token")
            with pytest.raises(BadResponse, match="no token"):
                consent.begin(BACK)
        case.lms.faults("cut:path=/v1/oauth/request_token")
        with pytest.raises(Unavailable):
            consent.begin(BACK)
        consent.close()


@pytest.mark.parametrize("site", ["javascript:alert(1)", "https://me:secret@lms.example", "lms.example", ""])
def test_an_address_that_must_not_be_opened_is_refused(tmp_path: Path, site: str) -> None:
    with opened(tmp_path) as case, pytest.raises(ConfigError):
        SchoologyConsent(replace_options(case.options, site=site), case.context)


def replace_options(options: SchoologyOptions, **changes: Any) -> SchoologyOptions:
    import msgspec

    return msgspec.structs.replace(options, **changes)
