"""Pages of very long lists, through the whole of them: each row once, in order, and none of another filter."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rollbook.connectors.memory.space import Space
from rollbook.core.duck import parquet_reader, quote
from rollbook.core.people_files import mark, mark_of
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.ledger import current_version
from rollbook.store.models import GradeSection, Organization, SectionAdmin, SectionLine
from rollbook.store.people import people_of
from rollbook.store.plan_counts import Count, PlanCounts, plan_counts
from rollbook.store.runs import stored_plan
from rollbook.store.section_lines import show_states
from tests.web.past import hold, past_run, refusal
from tests.web.people import Person, words
from tests.web.plans import contexts, large_plan
from tests.web.world import run_now

__all__ = ["contexts"]
pytestmark = pytest.mark.usefixtures("contexts")
PLAN = "/o/maple/plan/"
TEACHERS = "/o/maple/grades/teachers/"


def test_pages_of_each_filter_have_the_rows_of_its_download(pages: DataFolder, world: Space, ann: Person) -> None:
    here = f"{PLAN}{large_plan(pages, 330).pk}/"
    filters: tuple[dict[str, str], ...] = (
        {}, {"school": "school 1"}, {"outcome": "held"}, {"outcome": "unsent", "school": "school 0"},
        {"hold": "h1"}, {"kind": "user", "action": "update", "outcome": "unsent"}, {"kind": "section"},
    )  # fmt: skip
    numbers = {}
    for asked in filters:
        lines = b"".join(ann.get(f"{here}rows.csv", **asked).streaming_content).decode("utf-8-sig").splitlines()
        expected = [int(row["row"]) for row in csv.DictReader(lines)]
        found, back, page = [], [], ann.get(here, **asked)
        while True:
            found += [row["seq"] for row in page.context["rows"]]
            if page.context["next"] is None:
                break
            page = ann.get(here, **asked, after=page.context["next"])
        while page.context["previous"] is not None:
            page = ann.get(here, **asked, before=page.context["previous"])
            back = [row["seq"] for row in page.context["rows"]] + back
        assert found == expected, asked
        assert back == expected[: len(back)], asked
        assert len(back) >= len(expected) - 50, asked
        numbers[str(asked)] = len(found)
    assert list(numbers.values()) == [330, 165, 110, 110, 110, 220, 0]


def test_schools_of_a_plan_come_in_pages(
    pages: DataFolder, world: Space, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"{PLAN}{large_plan(pages, 30).pk}/"
    monkeypatch.setattr("rollbook.web.pages.plan_run._LINES", 1)
    first, second = ann.get(here), ann.get(here, schools=2)
    lines = [page.context["per_school"]["lines"] for page in (first, second)]
    assert [line["school"] for some in lines for line in some] == ["school 0", "school 1"]
    assert all(some[0]["total"] == 15 for some in lines)
    assert "Page 2 of 2" in words(second)
    assert [value for value, _label in second.context["filters"]["schools"]] == ["school 0", "school 1"]


def test_counts_of_a_plan_add_up(pages: DataFolder, world: Space) -> None:
    run = run_now(pages)
    plan = stored_plan(run)
    assert plan is not None
    found = plan_counts(plan, open_blobs(pages), run.pk)
    rows = found.rows
    assert found.schools == {one.school for one in rows if one.school is not None}
    assert found.actions == {one.action for one in rows}
    assert found.columns == {one.action if one.state == "send" else one.state for one in rows}
    assert list(found.by_kind) == list(dict.fromkeys(one.kind for one in rows))
    for kind, columns in found.by_kind.items():
        assert sum(columns.values()) == sum(one.number for one in rows if one.kind == kind) == found.number(kind=kind)
    lines: Counter[tuple[str, str]] = Counter()
    for one in rows:
        lines[one.school or "", one.kind] += one.number
    assert {line: sum(found.of(*line).values()) for line in lines} == dict(lines)
    assert found.of("nowhere", "user") == {}
    empty = PlanCounts([])
    assert (empty.schools, empty.by_kind, empty.number()) == (frozenset(), {}, 0)
    assert PlanCounts([Count("user", None, "update", "held", 2)]).of("", "user") == {"held": 2}


def test_decisions_come_in_pages_without_being_counted(world: Space, ann: Person) -> None:
    run, now = past_run("r1"), timezone.now()
    for number in range(45):
        hold(run, hold=f"h{number}", state="approved", by="Ann", why=f"reason {number:02}", digest="d",
             decided_at=now - timedelta(minutes=number))  # fmt: skip
    here = f"{PLAN}holds/"
    found = [ann.get(here, decided=number) for number in (1, 2, 3)]
    shown = [[one["row"].hold for one in page.context["decided_cards"]] for page in found]
    assert [name for some in shown for name in some] == [f"h{number}" for number in range(45)]
    texts = [words(page) for page in found]
    assert "Page 1 " in texts[0]
    assert "Previous page" not in texts[0]
    assert "Next page" in texts[1]
    assert "Next page" not in texts[2]
    for odd, name in (("99", "h40"), ("0", "h0"), ("x", "h0")):
        assert ann.get(here, decided=odd).context["decided_cards"][0]["row"].hold == name, odd


def test_many_causes_name_fewer_records_each(world: Space, ann: Person) -> None:
    past_run("r1")
    for cause in range(40):
        for number in range(5):
            refusal(f"k{cause:02}-{number}", message=f"cause {cause:02}", days=60 - number)
    text = words(ann.get("/o/maple/logs/r1/"))
    assert "cause 39" in text
    assert all(f"k{cause:02}-{number}" in text for cause in range(40) for number in range(3))
    assert "k00-3" not in text
    assert text.count("And 2 more, in the download.") == 40


def test_teachers_who_need_help_come_in_pages(folder: DataFolder, world: Space, ann: Person) -> None:
    """Those with most sections first, also of sections that the LMS has not shown yet."""
    run_now(folder)
    organization = Organization.objects.get(slug="maple")
    taught = {row["classSourcedId"] for row in world.rows["enrollments"] if row["role"] == "teacher"}
    unseen = SectionLine.objects.filter(organization=organization, code__in=taught).order_by("code")[0]
    year, now = unseen.year, timezone.now()
    codes = [f"x{number:02}" for number in range(31)]
    SectionLine.objects.bulk_create(
        SectionLine(organization=organization, year=year, code=code, title=code, words=code, rank=4) for code in codes
    )
    GradeSection.objects.bulk_create(
        [GradeSection(organization=organization, code=code, status="error", admins_at=now) for code in codes]
        + [GradeSection(organization=organization, code=unseen.code, status="error")]
    )
    sections = {one.code: one for one in GradeSection.objects.all()}
    for number, code in enumerate(codes[:30]):
        SectionAdmin.objects.create(section=sections[code], person=f"p{number:02}")
    SectionAdmin.objects.create(section=sections["x00"], person="p29")
    show_states((organization.pk, code, "error") for code in sections)
    first, second = ann.get(TEACHERS), ann.get(TEACHERS, page=2)
    people = [line["id"] for page in (first, second) for line in page.context["lines"]]
    given = {row["userSourcedId"] for row in world.rows["enrollments"]
             if row["classSourcedId"] == unseen.code and row["role"] == "teacher"}  # fmt: skip
    assert people[0] == "p29", "who has two sections"
    assert people[1:] == sorted({*(f"p{number:02}" for number in range(29)), *given})
    assert len(first.context["lines"]) == 25
    assert [one.code for one in first.context["nobody"]] == ["x30"]
    assert first.context["sections"] == 32
    assert ann.get(TEACHERS, page=99).context["lines"] == second.context["lines"]


def test_people_are_found_at_once_by_id_and_by_name(folder: DataFolder, world: Space) -> None:
    """Whole ids, usernames and addresses come before beginnings; parts follow one another."""
    run_now(folder)
    files, blobs = current_version(Organization.objects.get(slug="maple").pk).files, open_blobs(folder)
    with parquet_reader() as db:
        people = people_of(db, files, blobs)
        assert people is not None
        source = f"read_parquet({quote(blobs.get(files['people']))})"
        rows: list[Any] = db.execute(
            f"SELECT key, username, email, last_name FROM {source} WHERE last_name IS NOT NULL"
        ).fetchall()
        for key, username, email, last in rows[:: max(1, len(rows) // 8)]:
            for text in (key, username and username.upper(), email):
                if text:
                    assert people.find(text, most=3)[0]["key"] == key, text
                    assert people.find(text, most=3, logins=False)[0]["key"] == key, text
            named = [one["key"] for one in people.find(last[:2], most=500)]
            expected = {one[0] for one in rows if any(word.lower().startswith(last[:2].lower())
                                                     for word in one[3].split())}  # fmt: skip
            assert expected <= set(named)
            assert len(named) == len(set(named))
            parts = [people.find(last[:2], start=start, most=3) for start in range(0, len(named) + 3, 3)]
            assert [one["key"] for part in parts for one in part] == named
            twice = {one["key"] for one in people.find(f"{last[:2]} {last[:2]}", most=500)}
            assert expected <= twice <= set(named), "no usernames, where several words were typed"
            [(there,)] = db.execute(f"SELECT {mark(quote(key))}").fetchall()
            assert mark_of(key) == there
        for nobody in ("", " ", "\u00e9\u00e9\u00e9'", "no@body"):
            assert people.find(nobody, most=5) == []
        [(there,)] = db.execute(f"SELECT {mark(quote('Ärger' + chr(0x1F600)))}").fetchall()
        assert mark_of("Ärger" + chr(0x1F600)) == there
