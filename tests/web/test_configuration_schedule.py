"""Scheduling Options: saved, previewed, and what resets the grace period (rule 29)."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.store.models import ScheduleRow
from tests.web.elm import error_at, html, number, schedule_data, settings
from tests.web.people import Person, words

AT = "/o/maple/configuration/"
SAVE = f"{AT}schedule/"


def _data(*days: dict[str, Any], **more: Any) -> dict[str, Any]:
    return schedule_data("maple", *days, **more)


def _since() -> Any:
    return ScheduleRow.objects.get(organization__slug="maple").since


def test_daily(ann: Person) -> None:
    answer = ann.post(SAVE, **_data(opens="22:00", closes="02:00", start="2030-01-07", missed="wait"))
    assert (answer.status_code, answer["Location"]) == (302, f"{AT}#schedule")
    found = settings("maple").schedule
    assert (found.mode, found.every, found.window, found.start, found.missed) == (
        "scheduled", "daily", "22:00-02:00", "2030-01-07", "wait",
    )  # fmt: skip
    text = words(ann.get(AT))
    assert "Next sync is queued on Monday, Jan. 7, 2030, 10:00 PM (America/New_York)" in text
    assert 'value="22:00"' in html(ann.get(AT))


def test_manual_says_so(ann: Person) -> None:
    assert "No sync is queued by the clock: the schedule is manual" in words(ann.get(AT))


def test_weekly_needs_its_day(ann: Person) -> None:
    answer = ann.post(SAVE, **_data(every="weekly"))
    assert answer.status_code == 422
    assert error_at(answer, "schedule-weekday") == "A weekly schedule needs its day."
    assert ann.post(SAVE, **_data(every="weekly", weekday="friday")).status_code == 302
    assert settings("maple").schedule.weekday == "friday"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("opens", "25:00"), ("opens", ""), ("closes", "noon"), ("start", "2027-02-30"), ("start", "soon"),
        ("every", "hourly"), ("mode", ""), ("missed", "x"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(ann: Person, field: str, value: str) -> None:
    before = settings("maple")
    answer = ann.post(SAVE, **_data(**{"closes": "04:30", field: value}))
    assert answer.status_code == 422
    assert error_at(answer, f"schedule-{field}") or field == "mode"
    assert "Nothing was saved" in words(answer)
    assert settings("maple") == before


def test_blackout_days(ann: Person) -> None:
    days = (
        {"first": "2026-12-21", "last": "2027-01-01", "why": "winter break"},
        {"first": "", "last": "", "why": ""},
        {"first": "2027-03-01", "last": "2027-03-01", "why": ""},
    )
    assert ann.post(SAVE, **_data(*days)).status_code == 302
    found = settings("maple").schedule.blackout
    assert [(one.from_, one.to, one.why) for one in found] == [
        ("2026-12-21", "2027-01-01", "winter break"), ("2027-03-01", "2027-03-01", None),
    ]  # fmt: skip
    page = html(ann.get(AT))
    assert 'value="winter break"' in page
    assert 'name="blackout-3-first"' in page  # empty rows follow
    before = settings("maple")
    assert ann.post(SAVE, **_data(days[0], days[2])).status_code == 302
    assert settings("maple") == before
    assert ann.post(SAVE, **_data(days[1], days[2])).status_code == 302
    assert [one.from_ for one in settings("maple").schedule.blackout] == ["2027-03-01"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"first": "2027-01-02", "last": "2027-01-01"}, "last"),
        ({"first": "2027-01-02"}, "last"),
        ({"last": "2027-01-02"}, "first"),
        ({"why": "no days"}, "first"),
        ({"first": "2027-02-30", "last": "2027-03-01"}, "first"),
    ],
)
def test_wrong_blackout_days(ann: Person, row: dict[str, str], field: str) -> None:
    answer = ann.post(SAVE, **_data({"first": "2026-12-21", "last": "2026-12-22"}, row))
    assert answer.status_code == 422
    assert error_at(answer, f"blackout-1-{field}")
    assert settings("maple").schedule.blackout == ()


def test_rows_that_are_not_counted_save_nothing(ann: Person) -> None:
    data = _data()
    del data["blackout-TOTAL_FORMS"]
    assert ann.post(SAVE, **data).status_code == 422
    assert ann.post(SAVE, **{**_data(), "blackout-TOTAL_FORMS": "5000"}).status_code == 422
    assert settings("maple").schedule.mode == "manual"


@pytest.mark.rule(29)
def test_the_same_again_does_not_reset_the_grace_period(ann: Person) -> None:
    ann.post(SAVE, **_data())
    since, version = _since(), number("maple")
    answer: Any = ann.client.post(SAVE, _data(), follow=True)
    assert "saved like that already" in words(answer)
    assert (_since(), number("maple")) == (since, version)


@pytest.mark.rule(29)
def test_another_time_resets_it_and_other_changes_do_not(ann: Person) -> None:
    ann.post(SAVE, **_data())
    since = _since()
    ann.post(SAVE, **_data({"first": "2030-12-21", "last": "2031-01-01"}, missed="wait"))
    ann.post(f"{AT}more/", group="undo", seen=number("maple"), **{"undo-undo-pin_days": "7"})
    assert settings("maple").undo.pin_days == 7
    assert settings("maple").schedule.missed == "wait"
    assert _since() == since
    ann.post(SAVE, **_data(opens="01:00"))
    assert _since() > since


def test_a_preview_saves_nothing(ann: Person) -> None:
    before = number("maple")
    answer = ann.post(f"{SAVE}preview/", **_data(opens="05:00", closes="06:00"))
    text = words(answer)
    assert "If you save this now: Next sync is queued on" in text
    assert ", 5:00 AM (America/New_York), because saving this schedule was on" in text
    assert 'value="05:00"' in html(answer)
    assert number("maple") == before
    part: Any = ann.client.post(f"{SAVE}preview/", _data(mode="manual"), headers={"HX-Request": "true"})
    assert "No sync is queued by the clock" in words(part)
    assert "<html" not in html(part)


def test_a_preview_of_what_is_saved_keeps_its_grace_period(ann: Person) -> None:
    ann.post(SAVE, **_data())
    saved = words(ann.get(AT)).partition("Next sync")[2].partition(", because")[0]
    shown = words(ann.post(f"{SAVE}preview/", **_data())).partition("If you save this now: Next sync")[2]
    assert shown.startswith(saved)
    assert "saving this schedule" not in shown


def test_a_preview_of_nonsense(ann: Person) -> None:
    answer = ann.post(f"{SAVE}preview/", **_data(opens="x"))
    assert answer.status_code == 422
    assert "Correct the fields first" in words(answer)


def test_two_tabs(ann: Person) -> None:
    first, second = _data(opens="01:00"), _data(opens="02:00")
    assert ann.post(SAVE, **first).status_code == 302
    answer = ann.post(SAVE, **second)
    assert answer.status_code == 422
    assert "in another tab" in words(answer)
    assert 'value="02:00"' in html(answer)
    assert settings("maple").schedule.window == "01:00-03:00"


def test_only_the_acting_user(bob: Person, vic: Person) -> None:
    for person in (bob, vic):
        assert person.post(SAVE, **_data()).status_code == 403
        assert person.post(f"{SAVE}preview/", **_data()).status_code == 403
        assert person.get(SAVE)["Location"] == f"{AT}#schedule"
    assert settings("maple").schedule.mode == "manual"
