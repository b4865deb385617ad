"""Audit: who changed what, when. What is looked for stands in no address."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.actions.settings_edit import change_settings
from rollbook.store.audit import audit
from rollbook.store.models import AuditRow
from rollbook.web.acts import ACTS, act_words
from rollbook.web.setting_texts import texts
from tests.repo.tree import SOURCE
from tests.web.accounts import good_page
from tests.web.people import Person, words
from tests.web.world import import_maple

AUDIT = "/o/maple/audit/"


@pytest.fixture(autouse=True)
def _rows(world) -> None:
    AuditRow.objects.all().delete()
    audit(by="Ann Acting (ann@example.org)", action="approve hold", organization="maple", subject="h1", details="fine")
    audit(by="schedule", action="request scheduled sync", organization="maple", subject="r1")
    audit(by="operator", action="import settings", organization="maple", subject="2")
    audit(by="operator", action="import settings", organization="other", subject="99")
    audit(by="operator", action="rotate keys", details="7 rows")


def _shown(person: Person) -> list[str]:
    text = good_page(person.get(AUDIT))
    return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in re.findall(r"<tr><td.*?</tr>", text, re.DOTALL)]


@pytest.mark.parametrize("who", ["ann", "bob", "vic"])
def test_administrators_and_viewers_read_it_newest_first(who: str, request: pytest.FixtureRequest) -> None:
    rows = _shown(request.getfixturevalue(who))
    assert rows[0].endswith("Saved settings 2 What changed in version 2")
    assert len(rows) == 3
    assert "Ann Acting (ann@example.org) Approved held changes h1 fine" in rows[2]
    assert "99" not in " ".join(rows), "other organizations' rows"


def test_teachers_do_not(tea: Person) -> None:
    assert tea.get(AUDIT).status_code == 403
    assert tea.get(f"{AUDIT}csv/").status_code == 403


def test_times_are_those_of_the_organization(ann: Person) -> None:
    AuditRow.objects.filter(subject="h1").update(at="2026-01-15T03:30:00Z")
    assert "Jan. 14, 2026, 10:30 PM" in _shown(ann)[2]


@pytest.mark.parametrize(
    ("sent", "subjects"),
    [
        ({"by": "ann@"}, ["h1"]),
        ({"by": "ann@\0"}, ["h1"]),
        ({"by": "ANN"}, ["h1"]),
        ({"action": "import settings"}, ["2"]),
        ({"by": "operator", "action": "approve hold"}, []),
        ({"by": "%"}, []),
        ({"by": "' OR 1=1 --"}, []),
        ({}, ["2", "r1", "h1"]),
    ],
)
def test_filters_are_kept_in_the_session(ann: Person, sent: dict[str, str], subjects: list[str]) -> None:
    assert ann.post(AUDIT, **sent)["Location"] == AUDIT
    rows = _shown(ann)
    if not subjects:
        assert rows == ["Nothing fits the filter."]
    else:
        assert len(rows) == len(subjects)
        assert all(subject in row for subject, row in zip(subjects, rows, strict=True))
    ann.post(AUDIT, clear="yes")
    assert len(_shown(ann)) == 3


def test_what_was_looked_for_in_one_organization_is_not_in_another(ann: Person, world) -> None:
    from tests.web.people import make_person

    import_maple(world.name, slug="other")
    person = make_person("Two Places", org="maple")
    from rollbook.store.models import Membership, Organization

    Membership.objects.create(
        account=person.account, organization=Organization.objects.get(slug="other"), role="viewer"
    )
    person.post(AUDIT, by="ann")
    assert 'value="ann"' not in person.get("/o/other/audit/").content.decode()
    assert 'value="ann"' in person.get(AUDIT).content.decode()


def test_a_hundred_rows_a_page(ann: Person) -> None:
    AuditRow.objects.bulk_create(
        [AuditRow(by="operator", action="cancel run", organization="maple", subject=f"s{n:03}") for n in range(250)]
    )
    first = ann.get(AUDIT).content.decode()
    assert first.count("<tr><td") == 100
    seen = re.findall(r"<td>(s\d{3})</td>", first)
    for _ in range(2):
        [older] = re.findall(r'href="\?before=(\d+)"', first)
        first = ann.get(f"{AUDIT}?before={older}").content.decode()
        seen += re.findall(r"<td>(s\d{3})</td>", first)
    assert seen == [f"s{n:03}" for n in range(249, -1, -1)]
    assert 'href="?before=' not in first
    assert "h1" in first
    for odd in ("x", "-1", "9" * 40, "²"):
        assert ann.get(AUDIT, before=odd).status_code == 200


def test_a_download_holds_what_the_filter_shows_and_no_formula(ann: Person) -> None:
    audit(by="=cmd()", action="lift pins", organization="maple", subject="+1", details="@x")
    answer = ann.get(f"{AUDIT}csv/")
    assert answer["Content-Disposition"] == 'attachment; filename="audit-maple.csv"'
    body = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["at", "by", "act", "subject", "details"]
    assert rows[1][1:] == ["'=cmd()", "lift pins", "'+1", "'@x"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[45]:00", rows[1][0])
    assert len(rows) == 5
    ann.post(AUDIT, action="approve hold")
    again = b"".join(ann.get(f"{AUDIT}csv/")).decode("utf-8-sig")
    assert [row[3] for row in csv.reader(io.StringIO(again))] == ["subject", "h1"]


def test_what_is_shown_is_text_only(ann: Person) -> None:
    audit(by="<script>x</script>", action="a <b>", organization="maple", subject="<img>", details="<i>")
    text = good_page(ann.get(AUDIT))
    assert "<img>" not in text
    assert "&lt;script&gt;" in text


def test_acts_have_words() -> None:
    assert act_words("approve hold") == "Approved held changes"
    assert act_words("do_something new") == "Do something new"
    assert "Asked for a sync" in [str(one) for one in ACTS.values()]


def test_every_act_of_the_actions_is_named_in_plain_words() -> None:
    found = {
        name
        for path in Path(SOURCE).rglob("*.py")
        for name in re.findall(r'audit\([^)]*action="([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert "approve hold" in found
    assert not [name for name in found if not re.fullmatch(r"[a-z][a-zA-Z -]{2,39}", name)]


def test_the_sort_of_person_that_looks_is_told_in_words(vic: Person) -> None:
    assert "Who changed what, and when." in words(vic.get(AUDIT))


# --- details in words -------------------------------------------------------------------------------------------------


def _saved(change: Callable[[dict[str, Any]], None], what: str = "save users settings") -> int:
    return change_settings(org="maple", by="Ann", what=what, change=change).number


def _lines(person: Person, number: int) -> list[str]:
    text = good_page(person.get(f"{AUDIT}settings/{number}/"))
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', text, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in rows]


def test_saved_settings_say_what_became_what(vic: Person) -> None:
    def change(document: dict[str, Any]) -> None:
        document["users"]["deactivate_after"] = 30
        document["schools"] = {**document["schools"], "org-9": "skip"}
        document.setdefault("exclude", {})["subjects"] = ["Homeroom", "Lunch"]

    number = _saved(change)
    assert f'href="{AUDIT}settings/{number}/"' in vic.get(AUDIT).content.decode()
    lines = _lines(vic, number)
    assert "Schools: org-9 – skip" in lines
    assert "Subjects – Homeroom, Lunch" in lines
    assert "Deactivate accounts of leavers after (days) – 30" in lines
    assert len(lines) == 3


def test_options_have_their_labels_and_secrets_are_not_shown(ann: Person) -> None:
    def change(document: dict[str, Any]) -> None:
        document["sis"]["options"]["page_size"] = 50
        document["notices"] = {"webhooks": [{"url": "https://x.example/", "secret": "${HOOK}"}]}

    lines = " ".join(_lines(ann, _saved(change)))
    assert "SIS: Page size – 50" in lines
    assert "HOOK" not in lines
    assert "(secret)" in lines


def test_only_own_settings_and_only_readers(ann: Person, tea: Person, world) -> None:
    import_maple(world.name, slug="other")
    assert ann.get("/o/other/audit/settings/1/").status_code == 404
    assert ann.get(f"{AUDIT}settings/99/").status_code == 404
    assert tea.get(f"{AUDIT}settings/1/").status_code == 403


@pytest.mark.parametrize(
    ("action", "details", "shown"),
    [
        ("change role", "viewer → administrator", "observador → administrador"),
        ("make API token", "may change", "puede cambiar"),
        ("import passwords", "12 passwords issued by the school", "12 contraseñas dadas por la escuela"),
        ("approve hold", "may change", "may change"),
    ],
)
def test_details_are_in_the_language_of_the_page(ann: Person, action: str, details: str, shown: str) -> None:
    """But what a person wrote stays as it is."""
    audit(by="x", action=action, organization="maple", subject="s", details=details)
    ann.post("/language/", language="es", next="/")
    assert shown in _shown(ann)[0]


def test_saving_acts_have_words() -> None:
    """Whatever a page saves is named in `ACTS`."""
    for group in texts()["groups"]:
        assert f"save {group} settings" in ACTS
    for act in ("save sis connection", "save lms connection", "save schools", "save terms", "select SIS"):
        assert act in ACTS
