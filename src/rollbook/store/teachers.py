"""Who teaches which section (rule 31): course admins as the roster's ledger has them, and as the LMS showed them when a
section was last looked at, whoever added them there. The later knowledge counts; of whom the ledger does not know, what
the LMS showed counts for KNOWN_FOR, and what only a launch said until then. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from rollbook.core.duck import fill, parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.models import GradeSection, LedgerVersionRow, SectionAdmin

#: So long somebody is a course admin whom people added by hand, without the LMS having said so again.
KNOWN_FOR: Final = timedelta(hours=24)
_AT_ONCE: Final = 2000
#: Sections that are looked up in the ledger at once.
_UNSEEN: Final = 500
_ONE: Final = {"name": "VARCHAR"}
_TWO: Final = {"section": "VARCHAR", "person": "VARCHAR"}


def teaches(organization: int, blobs: Blobs, person: str, section: GivenSection) -> bool:
    """Is the person with this unique id a course admin of the section? Raises BlobLost."""
    if not person:
        return False
    ledger = _newest(organization)
    row = GradeSection.objects.filter(organization=organization, code=section.code).first()
    shown = row.admins.filter(person=person).first() if row is not None else None
    if row is not None and shown is not None and _counts(row.admins_at, shown.until):
        return True
    is_admin = shown is not None and shown.until is None
    if ledger is None or (row is not None and _is_later(row.admins_at, ledger.created_at) and not is_admin):
        return False
    return bool(_in_ledger(ledger, blobs, person, section))


def taught_sections(organization: int, blobs: Blobs, person: str, year: str | None) -> list[GivenSection]:
    """The sections of the year in which the person is a course admin, by title. Raises BlobLost."""
    ledger = _newest(organization)
    if not person or ledger is None:
        return []
    codes = _in_ledger(ledger, blobs, person, None)
    seen = SectionAdmin.objects.filter(section__organization=organization, person=person)
    rows = list(seen.values_list("section__code", "section__admins_at", "until"))
    counting = {code for code, at, until in rows if _counts(at, until)}
    looked = GradeSection.objects.filter(organization=organization, code__in=codes, admins_at__gt=ledger.created_at)
    gone = set(looked.values_list("code", flat=True)) - counting - {code for code, _at, until in rows if until is None}
    mine = (codes | counting) - gone
    found = given_sections(organization, blobs, year, sorted(mine)) if mine else []
    return sorted(found, key=lambda one: (one.title.casefold(), one.code))


def was_shown(organization: int, person: str, section: str) -> bool:
    """Did the LMS, or a launch, once say that the person is a course admin of the section, and take it back never? It
    is time then to ask again; it gives no right."""
    mine = SectionAdmin.objects.filter(section__organization=organization, section__code=section)
    return bool(person) and mine.filter(person=person).exists()


def sections_to_ask(organization: int, blobs: Blobs, person: str) -> tuple[set[str], set[str]]:
    """Codes of sections of which the ledger, and of which only the LMS or a launch ever said that the person is a
    course admin; of any year. Raises BlobLost."""
    ledger = _newest(organization)
    given = _in_ledger(ledger, blobs, person, None) if ledger is not None else set()
    seen = SectionAdmin.objects.filter(section__organization=organization, person=person)
    return given, set(seen.values_list("section__code", flat=True)) - given


def admins_of_seen(organization: int, blobs: Blobs, sections: Sequence[str]) -> dict[str, set[str]]:
    """Unique ids of the course admins of these sections, by section: those that the LMS showed when it was last looked
    at, and where that never succeeded, those of the ledger; of very many such sections, the first. Raises BlobLost."""
    found: dict[str, set[str]] = {code: set() for code in sections}
    unseen = set(found)
    for start in range(0, len(sections), _AT_ONCE):
        rows = GradeSection.objects.filter(organization=organization, code__in=sections[start : start + _AT_ONCE])
        unseen -= _note_seen(rows, found)
    _note_given(organization, blobs, unseen, found)
    return found


def admins_of_states(
    organization: int, blobs: Blobs, states: Collection[str], sections: Collection[str]
) -> dict[str, set[str]]:
    """As `admins_of_seen`, of sections that all stand so: thousands of them are asked for by that, not by name."""
    found: dict[str, set[str]] = {code: set() for code in sections}
    rows = GradeSection.objects.filter(organization=organization, status__in=sorted(states))
    _note_given(organization, blobs, found.keys() - _note_seen(rows, found), found)
    return found


def _note_seen(rows: QuerySet[GradeSection], found: Mapping[str, set[str]]) -> set[str]:
    """Add the course admins whom the LMS showed of these; which of them were looked at."""
    shown = SectionAdmin.objects.filter(section__in=rows) if found else SectionAdmin.objects.none()
    for code, person in shown.values_list("section__code", "person"):
        if code in found:
            found[code].add(person)
    return set(rows.filter(admins_at__isnull=False).values_list("code", flat=True))


def _note_given(organization: int, blobs: Blobs, unseen: Collection[str], found: Mapping[str, set[str]]) -> None:
    """Add the course admins of the ledger; of very many sections, those of the first."""
    ledger = _newest(organization)
    key = ledger.files.get("enrollment") if ledger is not None else None
    if key is not None and unseen:
        path = quote(blobs.get(key, "the ledger of enrollment"))
        some = ", ".join(quote(code) for code in sorted(unseen)[:_UNSEEN])
        with parquet_reader() as db:
            given = db.execute(f'SELECT section, "user" FROM read_parquet({path}) WHERE admin AND section IN ({some})')
            for section, user in given.fetchall():
                found[section].add(user)


def teachers_to_ask(
    organization: int, blobs: Blobs, year: str | None, allowed: Collection[str]
) -> list[tuple[str, int]]:
    """Course admins of sections of the year (None: of the latest that there is) of which none is among `allowed`:
    unique ids with how many such sections they have, those with most first. Raises BlobLost."""
    ledger = _newest(organization)
    keys = ledger.files if ledger is not None else {}
    if ledger is None or "section" not in keys or "enrollment" not in keys:
        return []
    looked = GradeSection.objects.filter(organization=organization, admins_at__gt=ledger.created_at)
    shown = SectionAdmin.objects.filter(section__organization=organization)
    sections = quote(blobs.get(keys["section"], "the ledger of section"))
    enrollments = quote(blobs.get(keys["enrollment"], "the ledger of enrollment"))
    with parquet_reader() as db:
        fill(db, "looked", _ONE, [(code,) for code in looked.values_list("code", flat=True)], temporary=True)
        fill(db, "shown", _TWO, list(shown.values_list("section__code", "person")), temporary=True)
        fill(db, "allowed", _ONE, [(person,) for person in sorted(allowed)], temporary=True)
        return db.execute(
            f"""WITH mine AS (
                  SELECT key AS section FROM read_parquet({sections})
                  WHERE year = coalesce($year, (SELECT max(year) FROM read_parquet({sections})))),
                admins AS (
                  SELECT section, "user" AS person FROM read_parquet({enrollments})
                  WHERE admin AND section NOT IN (SELECT name FROM looked)
                  UNION SELECT section, person FROM shown),
                missing AS (
                  SELECT section FROM admins GROUP BY section
                  HAVING count(*) FILTER (WHERE person IN (SELECT name FROM allowed)) = 0)
                SELECT person, count(*) AS number FROM admins
                WHERE section IN (SELECT section FROM mine) AND section IN (SELECT section FROM missing)
                GROUP BY person ORDER BY number DESC, person""",
            {"year": year},
        ).fetchall()


def knows_person(organization: int, person: str, blobs: Blobs) -> bool:
    """Has Rollbook synced somebody with this unique id? Raises BlobLost."""
    ledger = _newest(organization)
    key = ledger.files.get("user") if ledger is not None else None
    if key is None:
        return False
    path = quote(blobs.get(key, "the ledger of user"))
    with parquet_reader() as db:
        found = db.execute(f"SELECT 1 FROM read_parquet({path}) WHERE key = $person LIMIT 1", {"person": person})
        return found.fetchone() is not None


def _in_ledger(ledger: LedgerVersionRow, blobs: Blobs, person: str, section: GivenSection | None) -> set[str]:
    key = ledger.files.get("enrollment")
    if key is None:
        return set()
    where, asked = '"user" = $person AND admin', {"person": person}
    if section is not None:
        where, asked = f"section = $section AND {where}", asked | {"section": section.code}
    with parquet_reader() as db:
        path = quote(blobs.get(key, "the ledger of enrollment"))
        return {
            code for (code,) in db.execute(f"SELECT section FROM read_parquet({path}) WHERE {where}", asked).fetchall()
        }


def _newest(organization: int) -> LedgerVersionRow | None:
    return LedgerVersionRow.objects.filter(organization=organization).order_by("-number").first()


def _counts(admins_at: datetime | None, until: datetime | None) -> bool:
    """Does what is remembered of a course admin still count by itself?"""
    now = timezone.now()
    return until > now if until is not None else admins_at is not None and admins_at > now - KNOWN_FOR


def _is_later(one: datetime | None, other: datetime) -> bool:
    return one is not None and one > other
