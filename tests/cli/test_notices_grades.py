"""Notices about runs of grades: who is told what, in words of their own; and what the metrics count of them."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone

from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, SisCategory
from tests.cli.kit import check_schema
from tests.cli.told import Told, told

__all__ = ["told"]


@pytest.fixture
def section(told: Told) -> str:
    """A synced section with an item, mapped; nothing of it is sent yet."""
    told.sync()
    space = told.space
    code = sorted({row["classSourcedId"] for row in space.rows["enrollments"] if row["role"] == "student"})[0]
    space.sis_book.categories = [SisCategory(id="hw", title="Homework")]
    found = space.find("section", code)
    assert found is not None
    members = [each for each in space.all("enrollment") if each.fields["section"] == found.lms_id]
    space.gradebooks[code] = Gradebook(
        section=found.lms_id,
        categories=(GradingCategory(id="1", title="Homework"),),
        items=(GradedItem(id="10", title="Essay", points=20, category="1"),),
        grades=tuple(Grade(item="10", member=each.lms_id, score=7) for each in members if not each.fields["admin"]),
    )
    told.rollbook("grades", "plan", "maple", "--section", code)
    told.rollbook("grades", "map", "maple", "--section", code, "--set", "1=hw", schema="grades-map")
    told.deliver()
    told.box.mails.clear()
    return code


def mails(told: Told) -> list[tuple[str, str]]:
    told.deliver()
    found = [(mail["Subject"], mail.get_content()) for _, mail in told.box.mails]
    told.box.mails.clear()
    return found


def test_a_failed_sync_of_all_grades_is_told_in_its_own_words(told: Told, section: str) -> None:
    told.space.sis_book.key = "another"
    told.space.key = "another"
    told.rollbook("grades", "sync", "maple", code=1)
    [(subject, text)] = mails(told)
    assert subject == "[Rollbook] Maple Valley: the sync of grades failed"
    assert "rollbook grades sync maple" in text
    assert "gradebooks of the SIS stay as they are" in text
    check_schema("webhook", told.hook.bodies()[-1])
    told.space.sis_book.key = told.space.key = "memory"
    told.rollbook("grades", "sync", "maple")
    assert [subject for subject, _ in mails(told)] == ["[Rollbook] Maple Valley: grades go back again"]


def test_a_teachers_sync_tells_nobody_but_of_what_waits(told: Told, section: str) -> None:
    own = ("grades", "sync", "maple", "--section", section)
    told.rollbook(*own)
    assert mails(told) == []
    key, shown = next(iter(told.space.sis_book.records["result"].items()))
    told.space.sis_book.records["result"][key] = {**shown, "score": 1.0}
    told.rollbook(*own, code=3)
    [(subject, text)] = mails(told)
    assert subject == "[Rollbook] Maple Valley: grades wait for you"
    assert "somebody changed it there" in text
    assert "rollbook hold list maple" in text


def test_refused_grades_are_told_as_such(told: Told, section: str) -> None:
    told.rollbook("grades", "plan", "maple")
    book = told.space.gradebooks[section]
    told.rollbook("grades", "sync", "maple")
    mails(told)
    key = next(iter(told.space.sis_book.records["result"]))
    told.space.faults.refuse[key] = "the term is locked"
    told.space.gradebooks[section] = msgspec.structs.replace(
        book, grades=tuple(msgspec.structs.replace(one, score=8) for one in book.grades)
    )
    told.rollbook("grades", "sync", "maple")
    [(subject, text)] = mails(told)
    assert subject == "[Rollbook] Maple Valley: grades are sent, with errors"
    assert "1 change was refused by the SIS" in text
    assert "rollbook grades sections maple" in text


def test_a_digest_counts_what_went_of_grades(told: Told, section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_URL", "https://rollbook.example/")
    told.tell(digest="daily")
    told.rollbook("grades", "sync", "maple", "--section", section)
    number = len(told.space.sis_book.records["result"]) + len(told.space.sis_book.records["line_item"])
    told.space.sis_book.key = told.space.key = "another"
    told.rollbook("grades", "sync", "maple", code=1)
    from rollbook.store.outbox import next_digest

    told.deliver(next_digest(timezone.now(), "America/New_York") + timedelta(seconds=30))
    [text] = told.box.texts()
    assert "GRADES IN THE LAST 24 HOURS" in text
    assert "Syncs that ended: 2, 1 of them failed." in text
    assert f"Items and grades that the SIS took: {number}; that it refused: 0" in text
    assert "Page: https://rollbook.example/o/maple/logs/" in text
