"""Asking for grade runs, and what teachers decide about sections: category maps, items. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from rollbook.actions.blackout import only_plans
from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.runs import queue_run
from rollbook.actions.schedule_memory import note_manual
from rollbook.errors import ConfigError
from rollbook.passback.categories import carried_over
from rollbook.passback.grade_types import KEEP, NEW, OPT_IN, OPT_OUT, REMOVE, SKIP
from rollbook.roster.grades import GRADE_KINDS, GradingCategory, SisCategory
from rollbook.roster.schedule_words import MANUAL
from rollbook.roster.words import Words, say
from rollbook.store.audit import audit
from rollbook.store.blobs import open_blobs
from rollbook.store.given_sections import GivenSection, given_sections
from rollbook.store.grade_states import note_sync, restate
from rollbook.store.grades import section_row
from rollbook.store.models import GradeItem, GradeSection, Organization, River, Run, RunState
from rollbook.store.scratch import looking_scratch
from rollbook.store.setup import opened

#: What may be chosen of an item; "" takes a choice back.
CHOICES = (OPT_OUT, OPT_IN, KEEP, REMOVE, "")


def sections_of(organization: Organization, codes: Sequence[str] = ()) -> list[GivenSection]:
    """Sections that Rollbook gave in the active year, all or these. Raises ConfigError for one that it did not give."""
    _, settings = current_settings(organization)
    with looking_scratch(opened()) as scratch:
        found = given_sections(organization.pk, open_blobs(opened(), scratch), settings.active_year, codes)
    missing = sorted(set(codes) - {each.code for each in found})
    if missing:
        raise ConfigError(
            say(
                "Rollbook gave no section %(list)s in the active year; see: rollbook grades sections %(org)s",
                list=", ".join(missing),
                org=organization.slug,
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class GradesWanted:
    """How a run of grades goes: `items` are LMS ids of the only items that are sent (none: all); `retry_refused` tries
    refused grades again at once (rule 27); None: where sections are named."""

    dry_run: bool = False
    despite_blackout: bool = False
    items: Sequence[str] = ()
    retry_refused: bool | None = None


def request_grades(*, org: str, sections: Sequence[str], by: str, wanted: GradesWanted = GradesWanted()) -> Run:
    """Queue a run that brings the grades of these sections (none: of all) into the SIS; an equal one that is queued
    already is returned instead. It resets no grace period of rosters, and one of all sections that of grades (rule 29).
    Of all sections at once, refused grades are tried again when they are due. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        codes = [each.code for each in sections_of(organization, sorted(set(sections)))] if sections else []
        traits = {
            "river": River.GRADES,
            "kinds": list(GRADE_KINDS),
            "sections": codes,
            "items": sorted(set(wanted.items)),
            "dry_run": wanted.dry_run,
            "despite_blackout": wanted.despite_blackout,
            "retry_refused": bool(codes) if wanted.retry_refused is None else wanted.retry_refused,
            "only_mapped": False,
        }
        if not codes and not wanted.items:
            despite, dry_run = wanted.despite_blackout, wanted.dry_run
            note_manual(organization, MANUAL, dry_run=dry_run, despite=despite, river=River.GRADES)
        traits = only_plans(organization, traits)
        same = Run.objects.filter(organization=organization, state=RunState.QUEUED, lease_epoch=0, **traits)
        queued = same.filter(applies__isnull=True, undo_of__isnull=True).first()
        if queued is not None:
            return queued
        run = queue_run(organization, "grades plan" if traits["dry_run"] else "grades sync", by, **traits)
        for code in codes:
            note_sync(section_row(organization.pk, code), run.pk)
        return run


def decide_categories(*, org: str, section: str, chosen: Mapping[str, str | None], by: str) -> GradeSection:
    """Set what becomes of LMS categories of a section: a SIS category's id, SKIP, NEW (where the
    settings allow it), or None for undecided. Both sides may
    be named by id or by a title that only one of them has. Raises ConfigError for one that was not there when the
    section was last read."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        sections_of(organization, [section])
        row = section_row(organization.pk, section)
        seen = row.seen or {"lms": [], "sis": []}
        if not seen["lms"]:
            raise ConfigError(
                say(
                    "the categories of section %(section)s are not known yet; read them with: rollbook "
                    "grades plan %(org)s --section %(section)s",
                    section=section,
                    org=org,
                )
            )
        _, settings = current_settings(organization)
        if NEW in chosen.values() and not settings.grades.create_categories:
            raise ConfigError(say("the settings allow no new categories in the SIS: grades.create_categories"))
        for name, target in chosen.items():
            lms = _named(seen["lms"], name, say("the LMS"))
            if target is None:
                row.categories.pop(lms, None)
            else:
                row.categories[lms] = target if target in (SKIP, NEW) else _named(seen["sis"], target, say("the SIS"))
        row.save(update_fields=["categories"])
        restate(GradeSection.objects.filter(pk=row.pk))
        audit(by=by, action="map grade categories", organization=org, subject=section, details=_told(chosen))
    return row


def carry_categories(*, org: str, section: str, by: str, source: str | None = None) -> GradeSection:
    """Fill the gaps of a section's map by titles: from the section `source`, else from all others of the organization,
    the latest first. What is decided already stays. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        sections_of(organization, [section])
        row = section_row(organization.pk, section)
        others = GradeSection.objects.filter(organization=organization).exclude(pk=row.pk).order_by("-seen_at", "-pk")
        if source is not None:
            others = others.filter(code=source)
            if not others.exists():
                raise ConfigError(say("section %(source)s has no category map", source=source))
        before = [(*_categories(each), each.categories) for each in others if each.categories]
        found = carried_over(before, *_categories(row))
        fresh = {lms: sis for lms, sis in found.items() if lms not in row.categories}
        row.categories |= fresh
        row.save(update_fields=["categories"])
        restate(GradeSection.objects.filter(pk=row.pk))
        audit(by=by, action="copy grade categories", organization=org, subject=section, details=_told(fresh))
    return row


def decide_items(*, org: str, section: str, chosen: Mapping[str, str], by: str) -> list[GradeItem]:
    """Set what is chosen of items, by their LMS ids: one of CHOICES. Raises ConfigError for an item that was not there
    when the section was last read."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        rows = {
            row.item: row for row in GradeItem.objects.filter(section__organization=organization, section__code=section)
        }
        for item, choice in chosen.items():
            if item not in rows:
                raise ConfigError(
                    say(
                        "section %(section)s has no item '%(item)s'; see: rollbook grades items %(org)s",
                        section=section,
                        item=item,
                        org=org,
                    )
                )
            if choice not in CHOICES:
                raise ConfigError(
                    say("'%(choice)s' is no choice; there are %(list)s", choice=choice, list=", ".join(CHOICES[:-1]))
                )
            rows[item].choice = choice
            rows[item].save(update_fields=["choice"])
        restate(GradeSection.objects.filter(organization=organization, code=section))
        audit(by=by, action="choose graded items", organization=org, subject=section, details=_told(chosen))
    return list(GradeItem.objects.filter(section__organization=organization, section__code=section))


def _named(there: list[dict[str, str]], name: str, side: Words) -> str:
    """The id of a category by its id, or by its title where only one has it."""
    if any(each["id"] == name for each in there):
        return name
    titled = [each["id"] for each in there if each["title"].casefold() == name.casefold()]
    if len(titled) == 1:
        return titled[0]
    words = say("several categories") if titled else say("no category")
    known = ", ".join(f"{each['id']} ({each['title']})" for each in there) or "none"
    raise ConfigError(
        say(
            "%(side)s has %(words)s '%(name)s' for this section; there are %(known)s",
            side=side,
            words=words,
            name=name,
            known=known,
        )
    )


def _categories(row: GradeSection) -> tuple[list[GradingCategory], list[SisCategory]]:
    seen = row.seen or {"lms": [], "sis": []}
    lms = [GradingCategory(id=each["id"], title=each["title"]) for each in seen["lms"]]
    return lms, [SisCategory(id=each["id"], title=each["title"]) for each in seen["sis"]]


def _told(chosen: Mapping[str, str | None]) -> str:
    return "; ".join(f"{name}: {value or ('undecided' if value is None else 'none')}" for name, value in chosen.items())
