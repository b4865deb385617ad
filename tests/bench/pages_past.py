"""A thousand past runs and what people have done meanwhile, as rows in the shape of the real ones of `pages_world`."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from rollbook.core.duck import connect, quote

#: Of the past runs, one of so many has files and a journal of its own.
_OWN_OF = 10
_STATES = ("done", "held", "planned", "failed", "done", "cancelled", "done", "done", "held", "done")
_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def fill(folder: Any, runs: int) -> dict[str, Any]:
    """After the three real runs: the past ones between the first and the others, and all that hangs on them."""
    from rollbook.store.models import HoldRow, PasswordRow, PinRow, RefusalRow, Run

    first, look, last = Run.objects.order_by("pk")
    _date(first, look, last, runs)
    made = _runs(first, look, last, runs)
    own = made[::_OWN_OF]
    _give_files(folder, last, own)
    _journals(last, own)
    _holds(last, own)
    _people(first.organization)
    _acts(first.organization, made)
    _pins_and_decisions(folder, first.organization, own, last)
    _passwords(folder, first.organization.pk)
    tables = (Run, HoldRow, RefusalRow, PinRow, PasswordRow)
    return {"rows": {table.__name__: table.objects.count() for table in tables}, "first": first.pk, "last": last.pk}


def _date(first: Any, look: Any, last: Any, runs: int) -> None:
    """The first run was a run a day ago for each past one."""
    ago = timedelta(days=runs + 1)
    for name in ("created_at", "started_at", "ended_at"):
        setattr(first, name, getattr(first, name) - ago)
    type(first).objects.filter(pk=first.pk).update(
        created_at=first.created_at, started_at=first.started_at, ended_at=first.ended_at
    )
    assert first.created_at < look.created_at < last.created_at


def _runs(first: Any, look: Any, last: Any, number: int) -> list[Any]:
    """The newest first; one a day."""
    from rollbook.roster.lms import RUN_KINDS
    from rollbook.store.models import Run

    start, end = (_moment(one.pk) for one in (first, look))
    schools = [one.school for one in last.holds.exclude(school=None)[:50]] or ["none"]
    made = []
    for place in range(number):
        state = _STATES[place % len(_STATES)]
        like = look if state == "planned" else last
        kinds = list(RUN_KINDS.values())[place % 3 + 1] if place % 4 == 3 else last.kinds
        made.append(
            Run(
                id=f"{_letters(end - (place + 1) * (end - start) // (number + 2))}-{place:04d}",
                organization_id=first.organization_id,
                state=state,
                kinds=kinds,
                schools=[schools[place % len(schools)]] if place % 7 == 5 else [],
                dry_run=state == "planned",
                compare_live=state == "planned" and place % 20 == 2,
                requested_by="bench",
                settings_id=last.settings_id,
                plan=like.plan,
                result=_result(like, held=state == "held"),
                figures=like.figures,
                requests_sis=like.requests_sis,
                requests_lms=like.requests_lms,
                error="The SIS did not answer" if state == "failed" else "",
            )
        )
    Run.objects.bulk_create(made, batch_size=50)
    for place, run in enumerate(made):
        at = look.created_at - timedelta(days=place + 1)
        run.created_at, run.started_at, run.ended_at = at, at, at + timedelta(minutes=9)
    Run.objects.bulk_update(made, ["created_at", "started_at", "ended_at"], batch_size=50)
    return made


def _result(like: Any, *, held: bool) -> dict[str, Any]:
    """As garbage collection leaves it; what was held is told by runs that held something."""
    gone = {"people_blob": None, "left_out": {}, "hold_blobs": {}}
    return {**like.result, **gone, "holds": like.result["holds"] if held else []}


def _moment(run: str) -> int:
    moment = 0
    for letter in run.partition("-")[0]:
        moment = moment * 32 + _LETTERS.index(letter)
    return moment


def _letters(moment: int) -> str:
    letters = ""
    for _ in range(9):
        moment, rest = divmod(moment, 32)
        letters = _LETTERS[rest] + letters
    return letters


def _give_files(folder: Any, last: Any, own: list[Any]) -> None:
    """Copies of the last run's files under other keys: a page that looks at one finds nothing that is known already."""
    from rollbook.store.blobs import open_blobs

    blobs = open_blobs(folder)

    def copy(key: str) -> str:
        beside = folder.path / f"copy-{time.monotonic_ns()}.parquet"
        shutil.copyfile(blobs.get(key), beside)
        return blobs.put(beside)

    for place, run in enumerate(own):
        files = {kind: copy(key) for kind, key in last.plan["files"].items()}
        run.plan = {**last.plan, "files": files}
        run.result = {**last.result, "findings_blob": copy(last.result["findings_blob"]), "people_blob": None}
        if place:  # only the newest readings keep what was left out
            run.result["left_out"] = {}
        run.kinds, run.schools, run.dry_run = last.kinds, [], False
        run.compare_live = False
        run.state = ("done", "held")[place % 2]
        run.error = ""
        run.save()


def _journals(last: Any, own: list[Any]) -> None:
    from rollbook.store.models import SliceIntent, SliceOutcome

    intents, outcomes = list(last.intents.all()), list(last.outcomes.all())
    for run in own:
        for rows, table in ((intents, SliceIntent), (outcomes, SliceOutcome)):
            for row in rows:
                row.pk, row.run_id = None, run.pk
            table.objects.bulk_create(rows, batch_size=20)


def _holds(last: Any, own: list[Any]) -> None:
    from rollbook.store.models import HoldRow

    states = ("superseded", "superseded", "approved", "rejected")
    for run in own:
        rows = list(last.holds.all())
        for place, row in enumerate(rows):
            row.pk, row.run_id, row.state = None, run.pk, states[place % 4]
            if row.state in ("approved", "rejected"):
                row.by, row.why, row.decided_at = "Ann Acting", "the school asked for it", run.ended_at
        HoldRow.objects.bulk_create(rows, batch_size=200)


def _people(organization: Any) -> None:
    """Those who may sign in, invitations, tokens, notices, files."""
    from django.utils import timezone

    from rollbook.store.models import Account, ApiToken, Invitation, Membership, NoticeRow, UploadRow

    now = timezone.now()
    made = Account.objects.bulk_create(
        Account(email=f"member{place}@example.org", name=f"Member {place}", password="!") for place in range(2000)
    )
    roles = ("viewer", "teacher", "teacher", "administrator")
    Membership.objects.bulk_create(
        Membership(account=one, organization=organization, role=roles[place % 4]) for place, one in enumerate(made)
    )
    Invitation.objects.bulk_create(
        Invitation(digest=f"{place:064d}", email=f"asked{place}@example.org", organization=organization,
                   created_by="bench", expires_at=now + timedelta(days=7), role="viewer")
        for place in range(200)
    )  # fmt: skip
    ApiToken.objects.bulk_create(
        ApiToken(organization=organization, account=made[place], name=f"token {place}", digest=f"{place:064d}",
                 hint="abcd")
        for place in range(90)
    )  # fmt: skip
    NoticeRow.objects.bulk_create(
        NoticeRow(id=f"notice{place}", organization=organization, key=f"key{place}", channel="email",
                  events="errors", content={}, to="somebody@example.org", next_at=now, created_at=now, sent_at=now,
                  state="sent")
        for place in range(2000)
    )  # fmt: skip
    UploadRow.objects.bulk_create(
        UploadRow(organization=organization, name=f"roster {place}.zip", blob=f"{place:032x}.zip", size=90_000_000,
                  by="Ann Acting")
        for place in range(20)
    )  # fmt: skip


def _acts(organization: Any, runs: list[Any]) -> None:
    from rollbook.store.models import AuditRow, Organization

    acts = ("request sync", "import settings", "approve hold", "look at passwords")
    AuditRow.objects.bulk_create(
        (
            AuditRow(by=f"Member {place % 50}", action=acts[place % 4], organization=organization.slug, subject=run.pk)
            for run in runs
            for place in range(50)
        ),
        batch_size=1000,
    )
    Organization.objects.bulk_create(Organization(slug=f"other-{place}", name=f"Other {place}") for place in range(200))


def _pins_and_decisions(folder: Any, organization: Any, own: list[Any], last: Any) -> None:
    from django.utils import timezone

    from rollbook.store.models import MatchDecision, PinRow

    now = timezone.now()
    with connect() as db:
        rows = db.execute(f"SELECT key, school FROM read_parquet({quote(_ledger(folder, organization.pk))}) LIMIT 3000")
        people = rows.fetchall()
    PinRow.objects.bulk_create(
        PinRow(organization=organization, run=own[place % len(own)], kind="user", key=key, field="last_name",
               value='"Old"', sis='"New"', school=school, created_at=now, until=now + timedelta(days=30))
        for place, (key, school) in enumerate(people)
    )  # fmt: skip
    MatchDecision.objects.bulk_create(
        MatchDecision(organization=organization, kind="user", key=key, lms_id=key, choice="link", by="bench")
        for key, _ in people
    )


def _ledger(folder: Any, organization: int) -> Path:
    from rollbook.store.blobs import open_blobs
    from rollbook.store.ledger import current_version

    return open_blobs(folder).get(current_version(organization).files["user"])


def _passwords(folder: Any, organization: int) -> None:
    """One of everybody; nobody decrypts them here."""
    from django.db import connection
    from django.utils import timezone

    words = ("INSERT INTO store_passwordrow (organization_id, key, ciphertext, label, created_at) "
             "VALUES (%s, %s, %s, %s, %s)")  # fmt: skip
    now = timezone.now()
    with connect() as db, connection.cursor() as cursor:
        rows = db.execute(f"SELECT key FROM read_parquet({quote(_ledger(folder, organization))})")
        while some := rows.fetchmany(20_000):
            cursor.executemany(words, [(organization, key, "c" * 140, "initial", now) for (key,) in some])
