"""What the pages of one person and one section show, put together from what was looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rollbook.core.ledger_files import PAIRS
from rollbook.roster.lms import KINDS
from rollbook.store.looking import MOST, Files, Row
from rollbook.store.one_record import RUNS, Change, Record, refusal, told
from rollbook.web.plan_words import value_words
from rollbook.web.why import Answer, Pair, account_answer, section_answer
from rollbook.web.why_words import change_words, fate_words, finding_words

#: Members on one page of a section.
MEMBERS: Final = 50
_SHOWN_CHANGES: Final = 40
_TITLE: Final = ("key", "title")
_MEMBER: Final = ("key", "lms_id", "first_name", "last_name", "school")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field as the SIS said it (mapped to the LMS's words) and as the ledger says that the LMS holds it."""

    name: str
    sis: Any
    lms: Any
    differs: bool


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A change in words; of an enrollment, its `section` (key) and that one's `title`."""

    change: Change
    words: str
    fate: str
    section: str
    title: str
    was_there: bool
    fields: Sequence[Field]


@dataclass(frozen=True, kw_only=True)
class PersonView:
    name: str
    fields: Sequence[Field]
    enrollments: Sequence[Row]
    answer: Answer
    findings: Sequence[Row]
    happenings: Sequence[Happening]


@dataclass(frozen=True, kw_only=True)
class SectionView:
    title: str
    course: Row | None
    building: Row | None
    periods: Sequence[Row]
    members: Sequence[Row]
    number: int
    start: int
    before: int | None
    after: int | None
    answer: Answer
    findings: Sequence[Row]
    happenings: Sequence[Happening]


def person_view(files: Files, record: Record) -> PersonView:
    """Everything about a person, save the answer for one section."""
    given = record.given or {}
    wanted = _wanted(files, record)
    fields = _fields(record, wanted)
    titles = _titles(files, "building", _buildings_of(fields))
    fields = [_told(field, titles) for field in fields]
    enrollments = _enrollments(files, record)
    sections = {row["section"]: row["title"] for row in enrollments}
    return PersonView(
        name=_name(wanted or given or record.left_out or {}) or record.key or record.sis_id or "",
        fields=fields,
        enrollments=enrollments,
        answer=account_answer(record),
        findings=_findings(record),
        happenings=_happenings(files, record, titles | sections),
    )


def section_view(files: Files, record: Record, start: int) -> SectionView:
    """Everything about a section; `start` is the number of the first member shown."""
    given = record.given or {}
    course = files.by_keys("course", [given["course"]]).get(given["course"]) if given.get("course") else None
    building = None
    if course is not None and course["building"]:
        building = files.by_keys("building", [course["building"]]).get(course["building"])
    periods = files.by_keys("grading_period", given.get("grading_periods") or [])
    members, number = _members(files, record, start)
    return SectionView(
        title=given.get("title") or (record.left_out or {}).get("title") or record.key or "",
        course=course,
        building=building,
        periods=sorted(periods.values(), key=lambda row: str(row["start"])),
        members=members,
        number=number,
        start=start,
        before=max(0, start - MEMBERS) if start else None,
        after=start + MEMBERS if start + MEMBERS < number else None,
        answer=section_answer(record),
        findings=_findings(record),
        happenings=_happenings(files, record, {}),
    )


def pair_of(files: Files, organization: int, person: Record, section: Record, schools: Sequence[str]) -> Pair:
    """What is known of the enrollment that joins them; `schools` are those at which the person's changes were read."""
    key, keys = f"{section.key}|{person.key}", {"section": section.key, "user": person.key}
    where = 'section = $section AND "user" = $user'
    school = section.school
    given = _given(files, person, section)
    reading = files.reading_of("enrollment", school)
    changes = [one for one in person.changes if one.kind == "enrollment" and one.key == key]
    if school not in schools:
        readings = files.readings[:RUNS]
        rows = files.changes(readings, "enrollment", "key = $key", {"key": key}, [school] if school else [])
        for one in readings:
            changes += told(organization, one, [row for its, row in rows if its is one])
    left = files.left_out("enrollment", where, keys, 10)
    ids = [key, *(row["id"] for row in left if row["id"])]
    return Pair(
        person=person,
        section=section,
        given=given,
        left_out=left,
        changes=changes,
        findings=files.findings(ids) if left else [row for row in person.findings if row["id"] == key],
        listed=files.listed("enrollments", classSourcedId=section.sis_id, userSourcedId=person.sis_id),
        whole=files.snapshot.full if files.snapshot else None,
        refusal=refusal(organization, "enrollment", key),
        pin=next((pin for pin in person.pins if pin.kind == "enrollment" and pin.key == key), None),
        reading=reading,
    )


def _given(files: Files, person: Record, section: Record) -> Row | None:
    """The enrollment that joins them, as the ledger has it."""
    if section.school is None:
        return None
    if person.enrollments is not None and len(person.enrollments) < MOST:  # all of them are known already
        return next((row for row in person.enrollments if row["section"] == section.key), None)
    asked = {"school": section.school, "section": section.key, "user": person.key}
    found = files.given("enrollment", 'school = $school AND section = $section AND "user" = $user', asked, 1)
    return found[0] if found else None


def _fields(record: Record, wanted: Mapping[str, Any]) -> list[Field]:
    """What nothing is to be changed of is as the SIS said. Of people who were left out, little is known."""
    given, left = record.given or {}, record.left_out
    found = []
    for name in KINDS["user"].fields:
        lms = given.get(name)
        sis = wanted.get(name) if wanted else left.get(name) if left is not None else lms
        if lms or sis or left is None:
            one = _field(name, sis, lms)
            unknown = left is not None and not wanted and not sis
            found.append(replace(one, differs=False) if unknown else one)
    return found


def _wanted(files: Files, record: Record) -> dict[str, Any]:
    """The fields that the SIS led to in the newest run that read it, where that run wanted to change them."""
    for change in record.changes:
        if change.kind == record.kind and change.reading.fresh and change.action in ("create", "update"):
            return dict(change.wanted) if change.reading.run == _newest(files, record) else {}
    return {}


def _newest(files: Files, record: Record) -> str:
    reading = files.reading_of(record.kind, record.school)
    return reading.run if reading is not None else ""


def _field(name: str, sis: Any, lms: Any) -> Field:
    return Field(name=name.replace("_", " "), sis=sis, lms=lms, differs=(sis or None) != (lms or None))


def _buildings_of(fields: Sequence[Field]) -> list[str]:
    """The keys of the buildings that are named."""
    places = [field for field in fields if field.name in ("building", "additional buildings")]
    return sorted({key for field in places for value in (field.sis, field.lms) for key in _several(value)})


def _titles(files: Files, kind: str, keys: Sequence[str]) -> dict[str, str]:
    return {key: row["title"] or key for key, row in files.by_keys(kind, keys, None, _TITLE).items()}


def _enrollments(files: Files, record: Record) -> list[Row]:
    """The sections of the ledger, with their titles."""
    if record.key is None:
        return []
    rows = record.enrollments = files.given("enrollment", '"user" = $key', {"key": record.key})
    titles = files.by_keys("section", sorted({row["section"] for row in rows}), record.school, _TITLE)
    found = [row | {"title": titles.get(row["section"], {}).get("title") or row["section"]} for row in rows]
    return sorted(found, key=lambda row: (str(row["year"]), str(row["title"]).casefold()))


def _members(files: Files, record: Record, start: int) -> tuple[list[Row], int]:
    """A page of people of a section, course admins first, and how many there are."""
    given = record.given
    if given is None:
        return [], 0
    rows = files.given(
        "enrollment",
        'school = $school AND section = $section ORDER BY admin DESC, "user"',
        {"school": given["school"], "section": record.key},
        10_000,
    )
    shown = rows[start : start + MEMBERS]
    people = files.by_keys("user", [row["user"] for row in shown], given["school"], _MEMBER)
    found = []
    for row in shown:
        person = people.get(row["user"], {})
        found.append(row | {"name": _name(person) or row["user"], "person": person})
    return found, len(rows)


def _findings(record: Record) -> list[Row]:
    found = []
    for row in record.findings:
        sentence, fix = finding_words(row)
        found.append(row | {"sentence": sentence, "fix": fix})
    return found


def _happenings(files: Files, record: Record, titles: dict[str, str]) -> list[Happening]:
    """The newest changes, with the titles of what they name."""
    changes = record.changes[:_SHOWN_CHANGES]
    sections = {one.key.split("|")[0] for one in changes if one.kind == "enrollment"} - titles.keys()
    names = titles | (_titles(files, "section", sorted(sections)) if record.kind == "user" else {})
    wanted: dict[str, set[str]] = {}
    for change in changes:
        for field, parent in KINDS[change.kind].parents.items() if change.kind not in PAIRS else ():
            values = (change.before.get(field), change.after.get(field))
            wanted.setdefault(parent, set()).update(key for value in values for key in _several(value))
    for parent, keys in wanted.items():
        names |= _titles(files, parent, sorted(keys)) if keys else {}
    return [_happening(change, names) for change in changes]


def _happening(change: Change, titles: dict[str, str]) -> Happening:
    pair = change.kind in PAIRS
    section = change.key.split("|")[0] if pair else ""
    shown = [] if pair or change.action in ("adopt", "remove", "rekey") else list(change.after)
    made = change.action == "create"
    fields = [_told(_field(name, change.after[name], change.before.get(name)), titles) for name in shown]
    return Happening(
        change=change,
        words=change_words(change),
        fate=fate_words(change),
        section=section,
        title=titles.get(section, section),
        was_there=not made,
        fields=[field for field in fields if field.sis or not made],
    )


def _told(field: Field, titles: dict[str, str]) -> Field:
    """Values as one text each, keys by their titles."""

    def text(value: Any) -> Any:
        return ", ".join(
            value_words(one) if isinstance(one, bool) else titles.get(one, str(one)) for one in _several(value)
        )

    return Field(name=field.name, sis=text(field.sis), lms=text(field.lms), differs=field.differs)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _name(row: Row) -> str:
    return " ".join(part for part in (row.get("first_name"), row.get("last_name")) if part)
