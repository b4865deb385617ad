"""Reads one section from both sides: the LMS's gradebook, and what the SIS says and holds. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from rollbook.connectors.gradebook import GradeSink, GradeSource
from rollbook.passback.categories import undecided
from rollbook.passback.grade_types import Entries, GradeRequest, SectionRead, SectionWish
from rollbook.roster.changes import Fields
from rollbook.roster.grades import ClassFacts
from rollbook.roster.settings import CREATE, Settings, term_values

#: What is read of the SIS and compared; categories are asked for on their own.
READ_BACK = ("line_item", "result")


def read_section(
    request: GradeRequest, source: GradeSource, sink: GradeSink, wish: SectionWish, had: Entries
) -> SectionRead:
    """Both gradebooks of a section, whole. Raises what the connectors raise; BadResponse where either side does not
    know the section. Both systems are asked at the same time: neither waits for the other."""
    with ThreadPoolExecutor(1, thread_name_prefix="gradebook") as pool:
        asked = pool.submit(source.gradebook, wish.code, wish.lms_id)
        categories = sink.categories(wish.code)
        facts = sink.class_facts(wish.code)
        book = asked.result()
    return SectionRead(
        wish=wish,
        organization=request.settings.organization.slug,
        zone=request.zone,
        today=request.today,
        book=book,
        categories=categories,
        facts=facts,
        limits=sink.limits,
        had=had,
        live={} if undecided(book, wish) else read_live(sink, wish.code),  # then nothing is compared
        periods=sessions_of_periods(request.settings, facts, request.periods),
        comments=request.settings.grades.comments,
        creates=request.settings.grades.create_categories and sink.limits.makes_categories,
    )


def read_live(sink: GradeSink, class_id: str) -> dict[str, dict[str, Fields]]:
    """The SIS's line items and results of a class, by kind and sourcedId."""
    return {kind: {each.lms_id: each.fields for each in sink.read(kind, class_id)} for kind in READ_BACK}


def sessions_of_periods(settings: Settings, facts: ClassFacts, given: Mapping[str, str]) -> dict[str, str]:
    """LMS grading periods → ids of the sessions that are mapped to them (rule 17). `given` are the LMS ids of periods
    by the roster's keys. Of several sessions the first counts, in the order of their days."""
    found: dict[str, str] = {}
    for session in sorted(facts.sessions, key=lambda each: (each.start, each.id)):
        for value in term_values(settings, facts.school or "", session.id):
            key = f"session:{session.id}" if value == CREATE else value
            period = given.get(key) or (value.removeprefix("id:") if value.startswith("id:") else None)
            if period:
                found.setdefault(period, session.id)
    return found
