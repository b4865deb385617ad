"""Data Prep as CSV: everybody out, decisions back in, checked row by row."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollbook.actions.matching import decide_matches
from rollbook.connectors.memory.space import Space
from rollbook.core.protocols import Decision
from rollbook.store.folder import DataFolder
from rollbook.store.models import MatchDecision
from tests.web.people import Person, words
from tests.web.test_data_prep import HERE, LOOK, choose, clash
from tests.web.world import import_maple, run_now


def rows_of(person: Person, show: str = "") -> list[dict[str, str]]:
    answer = person.client.get(f"{HERE}people.csv", {"show": show})
    assert answer["Content-Type"].startswith("text/csv")
    assert answer["Cache-Control"] == "no-store"
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def file_of(rows: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8") -> SimpleUploadedFile:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return SimpleUploadedFile("decisions.csv", out.getvalue().encode(encoding))


def bring(client: Client, file: SimpleUploadedFile | None) -> tuple[str, str]:
    """The preview: its words, and what it would be confirmed with."""
    answer = client.post(f"{HERE}decisions/", {"file": file} if file else {}, follow=True)
    found = re.search(r'name="confirmed" value="([^"]+)"', answer.content.decode())
    return words(answer), found[1] if found else ""


def test_one_row_a_person(ann: Person, world: Space, pages: DataFolder) -> None:
    key, lms_id = clash(world)
    run = run_now(pages, wanted=LOOK)
    rows = rows_of(ann)
    assert run.result is not None
    assert len(rows) == sum(run.result["people"].values())
    [mine] = [row for row in rows if row["where"] == "to decide"]
    assert (mine["unique_id"], mine["lms_id"], mine["matched_by"], mine["decision"]) == (key, lms_id, "username", "")
    assert [row["unique_id"] for row in rows_of(ann, "conflict")] == [key]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-16")])
def test_decisions_come_back_previewed_and_are_saved_when_confirmed(
    ann: Person, world: Space, pages: DataFolder, delimiter: str, encoding: str
) -> None:
    (first, account), (second, other) = clash(world, 0), clash(world, 1)
    run_now(pages, wanted=LOOK)
    rows = rows_of(ann, "conflict")
    for row in rows:
        row["decision"] = "Link" if row["unique_id"] == first else "leave"
    page, confirmed = bring(ann.client, file_of(rows, delimiter=delimiter, encoding=encoding))
    assert "1 person is linked" in page
    assert "1 person's accounts are left alone" in page
    assert not MatchDecision.objects.exists(), "a preview saves nothing"
    answer = ann.client.post(f"{HERE}decisions/", {"confirmed": confirmed}, follow=True)
    assert "2 decisions are saved" in words(answer)
    found = {row.key: (row.choice, row.lms_id) for row in MatchDecision.objects.all()}
    assert found == {first: ("link", account), second: ("leave", other)}
    assert {row["decision"] for row in rows_of(ann, "conflict")} == {"link", "leave"}


def test_bad_rows_are_named_by_line_and_the_good_ones_can_be_saved(
    ann: Person, world: Space, pages: DataFolder
) -> None:
    (first, account), (second, other) = clash(world, 0), clash(world, 1)
    run_now(pages, wanted=LOOK)
    rows = [
        {"unique_id": first, "lms_id": account, "decision": "link"},
        {"unique_id": second, "lms_id": other, "decision": "merge"},
        {"unique_id": "nobody", "lms_id": other, "decision": "link"},
        {"unique_id": second, "lms_id": "4711", "decision": "link"},
        {"unique_id": second, "lms_id": "", "decision": ""},
    ]
    page, confirmed = bring(ann.client, file_of(rows))
    assert "Line 3: The decision must be link or leave." in page
    assert "Line 4: Nothing is to be decided about this person" in page
    assert "Line 5: This account is not one of those in question." in page
    assert "Line 6" not in page
    ann.post(f"{HERE}decisions/", confirmed=confirmed)
    assert [row.key for row in MatchDecision.objects.all()] == [first]


def test_a_person_with_two_accounts(ann: Person, world: Space, pages: DataFolder) -> None:
    key, one = clash(world)
    _, two = clash(world, alike="email")
    run_now(pages, wanted=LOOK)
    rows = rows_of(ann, "conflict")
    assert [row["lms_id"] for row in rows] == sorted([one, two])
    rows[0]["decision"], rows[1]["decision"] = "leave", "link"
    _, confirmed = bring(ann.client, file_of(rows))
    ann.post(f"{HERE}decisions/", confirmed=confirmed)
    row = MatchDecision.objects.get()
    assert (row.key, row.choice, row.lms_id) == (key, "link", rows[1]["lms_id"])
    assert [row["decision"] for row in rows_of(ann, "conflict")] == ["", "link"]


def test_two_links_of_one_account_or_person_are_refused(ann: Person, world: Space, pages: DataFolder) -> None:
    key, one = clash(world)
    _, two = clash(world, alike="email")
    run_now(pages, wanted=LOOK)
    rows = [{"unique_id": key, "lms_id": lms_id, "decision": "link"} for lms_id in (one, two)]
    page, _ = bring(ann.client, file_of(rows))
    assert "Line 3: Another row links this person to another account." in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the column"),
        (b"a,b\n1,2\n", "lacks the column unique_id, lms_id, decision"),
        (b"unique_id,lms_id,decision\n", "no rows"),
        (b"unique_id,lms_id,decision\n1,2,\n", "No row of the file has a decision"),
        (b"unique_id,lms_id,decision,decision\n1,2,link,leave\n", "stands twice"),
        (b"\x00\xff\xfe\x00garbage", "lacks the column"),
    ],
)
def test_files_that_are_none(ann: Person, pages: DataFolder, content: bytes, said: str) -> None:
    run_now(pages, wanted=LOOK)
    page, confirmed = bring(ann.client, SimpleUploadedFile("x.csv", content))
    assert said in page
    assert not confirmed


def test_no_file_at_all(ann: Person) -> None:
    assert "Choose a CSV file first" in bring(ann.client, None)[0]


def test_a_confirmation_is_for_one_person_and_organization(
    ann: Person, bob: Person, world: Space, pages: DataFolder
) -> None:
    key, lms_id = clash(world)
    run_now(pages, wanted=LOOK)
    _, confirmed = bring(ann.client, file_of([{"unique_id": key, "lms_id": lms_id, "decision": "link"}]))
    for forged in (confirmed[:-2], "nonsense", confirmed + "x"):
        answer = ann.client.post(f"{HERE}decisions/", {"confirmed": forged}, follow=True)
        assert "too old" in words(answer)
    from rollbook.store.models import Membership, Organization

    import_maple(world.name, slug="other")
    other = Organization.objects.get(slug="other")
    Membership.objects.create(account=ann.account, organization=other, role="administrator")
    Organization.objects.filter(pk=other.pk).update(acting=ann.account)
    answer = ann.client.post("/o/other/data-prep/decisions/", {"confirmed": confirmed}, follow=True)
    assert "too old" in words(answer)
    assert not MatchDecision.objects.exists()
    assert bob.post(f"{HERE}decisions/", confirmed=confirmed).status_code == 403


def test_formulas_are_defused_and_read_back(ann: Person, world: Space, pages: DataFolder) -> None:
    world.rows["users"] = [*world.rows["users"], {**world.rows["users"][0], "sourcedId": "=1+1", "username": "formula",
                                                  "email": "formula@x.example"}]  # fmt: skip
    lms_id = world.add("user", "by-hand", {"first_name": "=cmd()", "last_name": "B", "username": "formula",
                                           "additional_buildings": []}).lms_id  # fmt: skip
    run_now(pages, wanted=LOOK)
    [row] = rows_of(ann, "conflict")
    assert (row["unique_id"], row["lms_first_name"]) == ("'=1+1", "'=cmd()")
    row["decision"] = "link"
    _, confirmed = bring(ann.client, file_of([row]))
    ann.post(f"{HERE}decisions/", confirmed=confirmed)
    found = MatchDecision.objects.get()
    assert (found.key, found.lms_id) == ("=1+1", lms_id)


def test_before_the_first_look_there_is_nothing_to_download(vic: Person) -> None:
    assert vic.get(f"{HERE}people.csv").status_code == 302


def test_a_decision_on_the_page_is_in_the_file(ann: Person, world: Space, pages: DataFolder) -> None:
    key, _ = clash(world)
    run_now(pages, wanted=LOOK)
    choose(ann, key, "leave")
    assert [row["decision"] for row in rows_of(ann, "conflict")] == ["leave"]


@pytest.mark.usefixtures("database")
def test_a_large_file_of_decisions_is_saved_in_few_steps(ann: Person) -> None:
    """One by one, twenty thousand decisions took more than a minute."""
    decisions = [Decision(f"u{number}", "link", (f"l{number}",)) for number in range(1000)]
    with CaptureQueriesContext(connection) as asked:
        assert decide_matches(org="maple", by="Ann", decisions=decisions) == 1000
    assert len(asked) < 20
    again = [Decision("u1", "leave", ("l1",)), *decisions[2:]]
    assert decide_matches(org="maple", by="Bea", decisions=again) == 1
    row = MatchDecision.objects.get(key="u1")
    assert (row.choice, row.lms_id, row.by) == ("leave", "l1", "Bea")
    assert MatchDecision.objects.count() == 1000
