"""Manage Users: what Rollbook made, passwords after signing in again, and those that the school issued (rule 14)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from rollbook.actions.upkeep import collect_garbage
from rollbook.connectors.memory.space import LOSE_AFTER, Space
from rollbook.engine.passwords import send_asked
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, FactRow, PasswordRow
from tests.web.people import PASSWORD, Person, words
from tests.web.world import import_maple, run_now

HERE = "/o/maple/manage-users/"
GOOD = "a-long-issued-password"

pytestmark = pytest.mark.rule(14)


ONCE = {"synced": lambda pages, world: run_now(pages)}


@pytest.fixture
def synced(world: Space, ann: Person) -> Space:
    """After a first full sync; Ann has a password to sign in with."""
    ann.account.set_password(PASSWORD)
    ann.account.save()
    ann.client.force_login(ann.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return world


def sign_in_again(person: Person) -> None:
    answer = person.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()


def somebody(world: Space, number: int = 0) -> Any:
    return sorted(world.all("user"), key=lambda stored: stored.code)[number]


def text_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig") if answer.streaming else answer.content.decode()


# --- the list ---------------------------------------------------------------------------------------------------------


def test_nothing_before_the_first_sync(ann: Person) -> None:
    assert "Rollbook has made no accounts yet" in words(ann.get(HERE))


def test_accounts_are_listed_in_pages(vic: Person, synced: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.web.pages.manage_users.PER_PAGE", 20)
    total = len(synced.all("user"))
    assert total > 20
    first, second = vic.get(HERE), vic.post(HERE, page="2")
    assert first["Cache-Control"] == "no-store"
    seen = [re.findall(r'<th scope="row"', page.content.decode()) for page in (first, second)]
    assert [len(rows) for rows in seen] == [20, min(20, total - 20)]
    assert not set(_keys(first)) & set(_keys(second))
    assert "initial" in words(first)


def _keys(page: Any) -> list[str]:
    return re.findall(r"<td>([^<]+)</td>\s*<td>initial", page.content.decode())


def test_only_what_rollbook_made(vic: Person, pages: DataFolder, world: Space) -> None:
    person = sorted(world.rows["users"], key=lambda row: str(row["sourcedId"]))[0]
    world.add("user", person["sourcedId"], {"first_name": "Was", "last_name": "There", "username": person["username"],
                                            "additional_buildings": []})  # fmt: skip
    run_now(pages)
    assert person["sourcedId"] not in words(vic.post(HERE, text=person["sourcedId"]))


def test_search_by_post(vic: Person, synced: Space) -> None:
    wanted = somebody(synced)
    for text in (wanted.code, wanted.fields["username"].upper(), wanted.fields["last_name"][:3].lower()):
        page = words(vic.post(HERE, text=text))
        assert wanted.code in page, text
    assert "Nobody was found" in words(vic.post(HERE, text="xyzzy' OR 1=1 --"))


def test_no_password_is_on_the_list(ann: Person, synced: Space) -> None:
    page = ann.get(HERE).content.decode()
    assert not [word for word in synced.passwords.values() if word in page]


# --- looking and exporting --------------------------------------------------------------------------------------------


def test_passwords_are_shown_only_after_signing_in_again(ann: Person, synced: Space) -> None:
    one = somebody(synced)
    answer = ann.post(f"{HERE}passwords/", key=one.code)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not AuditRow.objects.filter(action="look at passwords").exists()
    resumed = ann.client.post(answer["Location"], {"password": PASSWORD, "next": f"{HERE}passwords/"})
    assert synced.passwords[one.lms_id] in resumed.content.decode(), "the look goes on where it was asked for"
    assert resumed["Cache-Control"] == "no-store"


def test_a_wrong_password_shows_nothing(ann: Person, synced: Space) -> None:
    one = somebody(synced)
    there = ann.post(f"{HERE}passwords/", key=one.code)["Location"]
    answer = ann.client.post(there, {"password": "not this one", "next": f"{HERE}passwords/"})
    assert synced.passwords[one.lms_id] not in answer.content.decode()
    assert not AuditRow.objects.filter(action="look at passwords").exists()


def test_each_look_is_audited_without_the_password(ann: Person, synced: Space) -> None:
    sign_in_again(ann)
    two = [somebody(synced, 0), somebody(synced, 1)]
    answer = ann.post(f"{HERE}passwords/", key=[one.code for one in two])
    assert answer.status_code == 200
    assert "initial" in words(answer)
    row = AuditRow.objects.get(action="look at passwords")
    assert row.by == "Ann Acting (ann.acting@example.org)"
    assert row.subject == ", ".join(one.code for one in two)
    assert row.details == "2 passwords"
    everything = " ".join(" ".join(map(str, row)) for row in AuditRow.objects.values_list())
    assert not [word for word in synced.passwords.values() if word in everything]


def test_signing_in_again_is_good_for_a_while_only(ann: Person, synced: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    sign_in_again(ann)
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    answer = ann.post(f"{HERE}passwords/", key=somebody(synced).code)
    assert answer.status_code == 302


def test_without_a_password_of_ones_own_one_signs_in_elsewhere_again(ann: Person, synced: Space) -> None:
    ann.account.set_unusable_password()
    ann.account.save()
    ann.client.force_login(ann.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = ann.post(f"{HERE}passwords/", key=somebody(synced).code)
    assert "Sign in again first" in words(answer)
    assert synced.passwords[somebody(synced).lms_id] not in answer.content.decode()
    assert not AuditRow.objects.filter(action="look at passwords").exists()


def test_the_export_has_everybody_and_is_audited(ann: Person, synced: Space) -> None:
    assert ann.post(f"{HERE}passwords.csv", what="initial").status_code == 302
    sign_in_again(ann)
    answer = ann.post(f"{HERE}passwords.csv", what="initial")
    assert answer["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert {row["User Unique ID"]: row["Password"] for row in rows} == {
        stored.code: synced.passwords[stored.lms_id] for stored in synced.all("user")
    }
    row = AuditRow.objects.get(action="export passwords")
    assert row.details == f"{len(rows)} passwords: everybody's with the label initial"
    assert ann.post(f"{HERE}passwords.csv", what="everything").status_code == 302


def test_nobody_else_sees_passwords(bob: Person, vic: Person, synced: Space) -> None:
    for person in (bob, vic):
        for part in ("passwords/", "passwords.csv", "import/", "send/"):
            assert person.post(HERE + part, key=somebody(synced).code, what="initial").status_code == 403
        assert "Show the password" not in person.get(HERE).content.decode()
        assert person.get(f"{HERE}passwords/").status_code == 302


def test_another_organizations_passwords_are_not_there(ann: Person, synced: Space) -> None:
    import_maple(synced.name, slug="other")
    from tests.web.people import make_person

    stan = make_person("Stan Stranger", org="other", acting=True)
    stan.account.set_password(PASSWORD)
    stan.account.save()
    stan.client.force_login(stan.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    sign_in_again(stan)
    one = somebody(synced)
    answer = stan.client.post("/o/other/manage-users/passwords/", {"key": one.code})
    assert synced.passwords[one.lms_id] not in answer.content.decode()
    assert stan.client.post(f"{HERE}passwords/", {"key": one.code}).status_code == 404


def test_old_passwords_are_erased(pages: DataFolder, synced: Space) -> None:
    PasswordRow.objects.filter(key=somebody(synced).code).update(created_at=timezone.now() - dt.timedelta(days=91))
    before = PasswordRow.objects.count()
    collect_garbage(by="the clock", days=30)
    assert PasswordRow.objects.count() == before - 1
    assert AuditRow.objects.get(action="erase passwords").details.startswith("1 passwords")


def test_single_sign_on_hides_it_all(ann: Person, synced: Space) -> None:
    from rollbook.actions.settings_edit import change_settings

    def off(document: dict[str, Any]) -> None:
        document["users"]["passwords"] = "none"

    change_settings(org="maple", by="test", what="passwords", change=off)
    page = words(ann.get(HERE))
    assert "single sign-on" in page
    assert "Export" not in page
    assert "Import" not in page
    sign_in_again(ann)
    one = somebody(synced)
    assert ann.post(f"{HERE}passwords/", key=one.code).status_code == 302
    assert ann.post(f"{HERE}passwords.csv", what="initial").status_code == 302


# --- school-issued passwords ------------------------------------------------------------------------------------------


def bring(person: Person, *rows: dict[str, str]) -> tuple[str, str]:
    """The preview: its HTML, and what it would be confirmed with."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    file = SimpleUploadedFile("passwords.csv", out.getvalue().encode())
    answer = person.client.post(f"{HERE}import/", {"file": file}, follow=True)
    html = answer.content.decode()
    found = re.search(r'name="confirmed" value="([^"]+)"', html)
    return html, found[1] if found else ""


def keep(person: Person, *rows: dict[str, str]) -> None:
    _, confirmed = bring(person, *rows)
    assert person.post(f"{HERE}import/", confirmed=confirmed).status_code == 302


def test_imported_passwords_are_checked_kept_and_sent(ann: Person, synced: Space, pages: DataFolder) -> None:
    one, two = somebody(synced, 0), somebody(synced, 1)
    html, confirmed = bring(
        ann,
        {"Unique ID": one.code, "username": "", "Password": GOOD},
        {"Unique ID": "", "username": two.fields["username"].upper(), "Password": f"{GOOD}-2"},
    )
    assert "2 people get another password" in html
    assert GOOD not in html, "passwords are not shown"
    assert not PasswordRow.objects.exclude(label="initial").exists()
    ann.post(f"{HERE}import/", confirmed=confirmed)
    assert set(PasswordRow.objects.filter(label="school").values_list("key", flat=True)) == {one.code, two.code}
    assert not PasswordRow.objects.filter(ciphertext__contains=GOOD).exists()
    before = dict(synced.passwords)
    send_asked(pages)
    assert synced.passwords == before, "nothing is sent before somebody says so"
    assert "Send 2 passwords to the LMS" in words(ann.get(HERE))
    ann.post(f"{HERE}send/")
    assert send_asked(pages) == 2
    assert synced.passwords == before | {one.lms_id: GOOD, two.lms_id: f"{GOOD}-2"}
    assert set(PasswordRow.objects.exclude(label="initial").values_list("label", flat=True)) == {"school sent"}
    assert "Done: 2, refused: 0" in words(ann.get(HERE))
    assert send_asked(pages) == 0
    actions = list(AuditRow.objects.filter(action__contains="passwords").values_list("action", flat=True))
    assert actions == ["import passwords", "send passwords", "passwords sent"]
    everything = " ".join(" ".join(map(str, row)) for row in AuditRow.objects.values_list())
    assert GOOD not in everything


def test_a_sync_sends_no_imported_password(ann: Person, synced: Space, pages: DataFolder) -> None:
    one = somebody(synced)
    keep(ann, {"unique_id": one.code, "password": GOOD})
    for row in synced.rows["users"]:
        if row["sourcedId"] == one.code:
            row["givenName"] = "Renamed"
    run_now(pages)
    assert one.fields["first_name"] == "Renamed"
    assert synced.passwords[one.lms_id] != GOOD


def test_bad_rows_are_named_by_line(ann: Person, synced: Space) -> None:
    one, two = somebody(synced, 0), somebody(synced, 1)
    FactRow.objects.update_or_create(
        organization_id=PasswordRow.objects.all()[0].organization_id, name="set_aside",
        defaults={"value": {"user": {two.code: [False, False, True]}}},
    )  # fmt: skip
    html, confirmed = bring(
        ann,
        {"unique_id": one.code, "username": "", "password": "short"},
        {"unique_id": "nobody", "username": "", "password": GOOD},
        {"unique_id": one.code, "username": two.fields["username"], "password": GOOD},
        {"unique_id": two.code, "username": "", "password": GOOD},
        {"unique_id": one.code, "username": "", "password": f" {GOOD}"},
        {"unique_id": one.code, "username": "", "password": GOOD},
        {"unique_id": one.code, "username": "", "password": f"{GOOD}-again"},
        {"unique_id": "", "username": "", "password": GOOD},
        {"unique_id": one.code, "username": "", "password": (one.fields["username"] + "x" * 20)[:0]},
    )
    said = dict(re.findall(r"<li>Line (\d+): ([^<]+)</li>", html))
    assert "12 to 128 characters" in said["2"]
    assert "knows no account" in said["3"]
    assert "not of the same person" in said["4"]
    assert "administrator" in said["5"]
    assert "space" in said["6"]
    assert "7" not in said
    assert "twice" in said["8"]
    assert "knows no account" in said["9"]
    assert "12 to 128" in said["10"]
    assert GOOD not in html
    ann.post(f"{HERE}import/", confirmed=confirmed)
    assert [row.key for row in PasswordRow.objects.filter(label="school")] == [one.code]


@pytest.mark.parametrize("content", [b"password\nabc\n", b"unique_id\n1\n", b""])
def test_files_that_are_none(ann: Person, synced: Space, content: bytes) -> None:
    answer = ann.client.post(f"{HERE}import/", {"file": SimpleUploadedFile("x.csv", content)}, follow=True)
    assert re.search("lacks the column|needs a column", words(answer))


def test_a_preview_is_for_one_person_and_not_forever(
    ann: Person, synced: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    _, confirmed = bring(ann, {"unique_id": somebody(synced).code, "password": GOOD})
    later = time.time() + 3601
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        ann.post(f"{HERE}import/", confirmed=confirmed)
    ann.post(f"{HERE}import/", confirmed=confirmed[:-3])
    assert not PasswordRow.objects.filter(label="school").exists()


def test_what_the_lms_refuses_or_loses_is_told(ann: Person, synced: Space, pages: DataFolder) -> None:
    one, two = somebody(synced, 0), somebody(synced, 1)
    keep(ann, {"unique_id": one.code, "password": GOOD}, {"unique_id": two.code, "password": GOOD})
    synced.faults.refuse[one.code] = "too simple"
    ann.post(f"{HERE}send/")
    synced.faults.next_calls(LOSE_AFTER)
    send_asked(pages)
    assert dict(PasswordRow.objects.exclude(label="initial").values_list("key", "label")) == {
        one.code: "school refused", two.code: "school sent",
    }  # fmt: skip
    page = words(ann.get(HERE))
    assert "too simple" in page
    assert "Done: 1, refused: 1, answer lost: 0" in page
    synced.faults.refuse.clear()
    ann.post(f"{HERE}send/")
    send_asked(pages)
    assert synced.passwords[one.lms_id] == GOOD


def test_a_broken_connection_loses_nothing(ann: Person, synced: Space, pages: DataFolder) -> None:
    one = somebody(synced)
    keep(ann, {"unique_id": one.code, "password": GOOD})
    ann.post(f"{HERE}send/")
    right, synced.key = synced.key, "another"
    send_asked(pages)
    assert "Sending stopped" in words(ann.get(HERE))
    assert PasswordRow.objects.get(key=one.code).label == "school"
    synced.key = right
    assert send_asked(pages) == 0, "it is not tried again before somebody says so"
    ann.post(f"{HERE}send/")
    send_asked(pages)
    assert synced.passwords[one.lms_id] == GOOD
    assert "Sending stopped" not in words(ann.get(HERE))


def test_a_claim_of_a_dead_worker_is_taken_over(ann: Person, synced: Space, pages: DataFolder) -> None:
    one = somebody(synced)
    keep(ann, {"unique_id": one.code, "password": GOOD})
    PasswordRow.objects.filter(key=one.code).update(label="school sending")
    assert send_asked(pages) == 0
    PasswordRow.objects.filter(key=one.code).update(created_at=timezone.now() - dt.timedelta(minutes=16))
    assert send_asked(pages) == 1
    assert synced.passwords[one.lms_id] == GOOD


def test_sending_nothing_is_said(ann: Person, synced: Space) -> None:
    answer = ann.client.post(f"{HERE}send/", follow=True)
    assert "no imported password" in words(answer)


def test_the_issued_passwords_are_exported_for_the_lmss_own_import(ann: Person, synced: Space) -> None:
    one = somebody(synced)
    keep(ann, {"unique_id": one.code, "password": GOOD})
    sign_in_again(ann)
    [row] = csv.DictReader(io.StringIO(text_of(ann.post(f"{HERE}passwords.csv", what="school"))))
    assert (row["User Unique ID"], row["Password"], row["First Name"]) == (one.code, GOOD, one.fields["first_name"])
