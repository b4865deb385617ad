"""Members are told by their accounts, where a unique id proves nothing."""

from __future__ import annotations

from dataclasses import replace

from rollbook.passback.grades import desired
from rollbook.passback.whose import told_by_account
from rollbook.roster.grades import Gradebook, Member
from tests.unit.grade_kit import book, grade, read

#: As the ledger has them.
ACCOUNTS = {"ann": "u-ann", "ben": "u-ben", "cy": "u-cy", "teacher": "u-t"}


def told(book: Gradebook, accounts: dict[str, str]) -> dict[str, str | None]:
    """Unique ids by membership."""
    return {each.id: each.unique_id for each in told_by_account(book, accounts)[0].members}


def with_members(*members: Member) -> Gradebook:
    own = {each.id for each in members}
    others = [each for each in book().members if each.id not in own]
    return book(grades=(grade(7), grade(8, "ben")), members=(*others, *members))


def judged(book: Gradebook, accounts: dict[str, str]) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """Scores by student, and findings."""
    known, strangers = told_by_account(book, accounts)
    found = desired(replace(read(known), strangers=strangers))
    scores = {str(fields["student"]): fields["score"] for fields in found.results.values()}
    return scores, [(each.code, each.id) for each in found.findings]


def test_whose_ids_are_theirs_are_as_they_were() -> None:
    assert told_by_account(book(), ACCOUNTS) == (book(), {})
    assert judged(with_members(), ACCOUNTS) == ({"ann": 7, "ben": 8}, [])


def test_another_account_with_a_students_id_gets_no_grade_into_the_sis() -> None:
    """Ann is not in this section; somebody else says they are Ann."""
    stranger = Member(id="m-ann", user="u-other", unique_id="ann")
    assert told(with_members(stranger), ACCOUNTS)["m-ann"] is None
    assert judged(with_members(stranger), ACCOUNTS) == ({"ben": 8}, [("GRADE_ACCOUNT_OTHER", "ann")])


def test_a_student_whose_account_has_another_id_is_still_the_student() -> None:
    for says in ("ben", "else", None):
        renamed = Member(id="m-ann", user="u-ann", unique_id=says)
        assert judged(with_members(renamed), ACCOUNTS) == ({"ann": 7, "ben": 8}, [])


def test_two_who_swap_their_ids_keep_their_own_grades() -> None:
    ann, ben = Member(id="m-ann", user="u-ann", unique_id="ben"), Member(id="m-ben", user="u-ben", unique_id="ann")
    assert judged(with_members(ann, ben), ACCOUNTS) == ({"ann": 7, "ben": 8}, [])


def test_somebody_without_an_account_in_the_ledger_is_nobody() -> None:
    accounts = {key: own for key, own in ACCOUNTS.items() if key != "ann"}
    assert judged(with_members(), accounts) == ({"ben": 8}, [("GRADE_ACCOUNT_OTHER", "ann")])


def test_a_course_admin_is_told_by_the_account_too() -> None:
    impostor = Member(id="m-t", user="u-t", unique_id="principal", admin=True)
    assert told(with_members(impostor), ACCOUNTS)["m-t"] == "teacher"
