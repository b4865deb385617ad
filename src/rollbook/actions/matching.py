"""Deciding whose an LMS account is (rule 10), and saying that Data Prep was looked at (rule 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from rollbook.actions.organizations import find_organization
from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.decisions import keep_decisions
from rollbook.store.models import FactRow, MatchDecision, Organization

LOOKED, SKIPPED = "looked", "skipped"
#: The fact whose value is LOOKED or SKIPPED; `rollbook.web.steps` reads it.
_DATA_PREP: Final = "data_prep"
_NAMED: Final = 50
_WORDS: Final = {LINK: "linked", LEAVE: "left alone", ASK: "to be asked again"}


def decide_matches(*, org: str, by: str, decisions: Sequence[Decision]) -> int:
    """Keep what a person decided about accounts; the next run that syncs users goes by it. An earlier decision about
    the same person is replaced. How many changed. Raises ConfigError for one that makes no sense."""
    for one in decisions:
        if one.choice not in _WORDS or len(one.lms_ids) < (one.choice != ASK) or any(" " in i for i in one.lms_ids):
            raise ConfigError(say("a decision names a person, one choice, and the account it is about"))
        if one.choice == LINK and len(one.lms_ids) != 1:
            raise ConfigError(say("a person can be linked to one account only"))
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        mine = MatchDecision.objects.filter(organization=organization, kind="user")
        keys = {one.key for one in decisions}
        known: dict[str, tuple[str, str]] = {}
        taken: dict[str, str] = {}
        for key, choice, lms_id in mine.values_list("key", "choice", "lms_id").iterator():
            if key in keys:
                known[key] = (choice, lms_id)
            elif choice == LINK:
                taken[lms_id] = key
        _check_free(decisions, taken)
        last = {one.key: one for one in decisions}.values()
        changed = [one for one in last if not _same(one, known.get(one.key))]
        keep_decisions(organization.pk, changed, by)
        if changed:
            audit(by=by, action="decide matches", organization=org, subject=_named(changed), details=_counted(changed))
    return len(changed)


def _same(one: Decision, known: tuple[str, str] | None) -> bool:
    return known == (one.choice, _ids(one))


def _ids(one: Decision) -> str:
    return " ".join(one.lms_ids)


def finish_data_prep(*, org: str, by: str, how: str) -> None:
    """Say that Data Prep was looked at or knowingly skipped, so that Users, Courses and Sections open (rule 4). Raises
    ConfigError."""
    if how not in (LOOKED, SKIPPED):
        raise ConfigError(
            say("Data Prep is %(looked)s or %(skipped)s, not '%(how)s'", looked=LOOKED, skipped=SKIPPED, how=how)
        )
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        row = FactRow.objects.filter(organization=organization, name=_DATA_PREP).first()
        if row is not None and row.value == how:
            return
        FactRow.objects.update_or_create(organization=organization, name=_DATA_PREP, defaults={"value": how})
        audit(by=by, action=f"data prep {how}", organization=org)


def forget_data_prep(organization: Organization) -> None:
    """Within the caller's transaction: Data Prep is to be looked at anew, and no decision about accounts holds, because
    they were another LMS's."""
    MatchDecision.objects.filter(organization=organization).delete()
    FactRow.objects.filter(organization=organization, name=_DATA_PREP).delete()


def _check_free(decisions: Sequence[Decision], taken: dict[str, str]) -> None:
    """One account cannot be two people's."""
    for one in decisions:
        if one.choice == LINK and taken.setdefault(one.lms_ids[0], one.key) != one.key:
            raise ConfigError(
                say(
                    "account %(account)s was decided to be two people's; it can be one person's only",
                    account=one.lms_ids[0],
                )
            )


def _named(decisions: Sequence[Decision]) -> str:
    shown = [f"{one.key} {_WORDS[one.choice]} {'/'.join(one.lms_ids)}".strip() for one in decisions[:_NAMED]]
    more = f" and {len(decisions) - _NAMED} more" if len(decisions) > _NAMED else ""
    return ", ".join(shown) + more


def _counted(decisions: Sequence[Decision]) -> str:
    found = {words: sum(1 for one in decisions if one.choice == choice) for choice, words in _WORDS.items()}
    return ", ".join(f"{number} {words}" for words, number in found.items() if number)
