"""Is all well with an organization? One sentence, and what somebody must do. Reads only; a few small queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.schedule import show_schedule
from rollbook.roster.settings import Settings
from rollbook.roster.words import Moment
from rollbook.store import workers
from rollbook.store.models import HoldRow, HoldState, Organization, Run, RunState
from rollbook.store.notices import DAYS_BEFORE
from rollbook.web.run_refusals import longest_refused
from rollbook.web.run_words import STATE_SIGNS, STATE_WORDS, run_title
from rollbook.web.said import moment_said, said, short_day, stored_said
from rollbook.web.steps import STEP_WORDS, Steps
from rollbook.web.wording import sentence

#: Records shown of those that the LMS refuses for longest.
REFUSED: Final = 5
WRONG, TO_DO = "wrong", "to do"
_SENDING: Final = (RunState.DONE, RunState.HELD, RunState.FAILED)


@dataclass(frozen=True, kw_only=True)
class Matter:
    """Something that is WRONG or TO_DO. `page` is the URL name of where to go, with `run` as its argument if given."""

    weight: str
    words: str
    link: str = ""
    page: str = ""
    run: str = ""


def last_sync(organization: Organization) -> Run | None:
    """The newest ended run that was to send."""
    ended = Run.objects.filter(organization=organization, dry_run=False, state__in=_SENDING)
    return ended.defer("plan").order_by("-created_at", "-pk").first()


def home_state(organization: Organization, found: Steps, now: datetime) -> dict[str, Any]:
    """The context of Home, save its charts."""
    last = last_sync(organization)
    holds = HoldRow.objects.filter(organization=organization, state=HoldState.WAITING).count()
    refused, longest = longest_refused(organization, REFUSED)
    next_run = _next_run(organization, found)
    matters = [
        *_worker(),
        *_set_up(found),
        *_last(last),
        *(_expiring(found.settings, now) if found.settings is not None else ()),
        *_holds(holds, organization),
        *_refused(refused, last),
    ]
    return {
        "verdict": _verdict(matters, last, next_run),
        "matters": matters,
        "all_well": not matters,
        "wrong": any(one.weight == WRONG for one in matters),
        "last": last,
        "last_title": run_title(last) if last else "",
        "last_state": STATE_WORDS[last.state] if last else "",
        "last_sign": STATE_SIGNS[last.state] if last else "",
        "next_run": next_run,
        "holds": holds,
        "refused": refused,
        "longest": longest,
        "checklist": _checklist(found),
    }


def _verdict(matters: list[Matter], last: Run | None, next_run: dict[str, Any] | None) -> str:
    if not matters:
        return _("All is well: the last sync went through, and nothing waits for you.")
    wrong = [one for one in matters if one.weight == WRONG]
    first = (wrong or matters)[0].words
    rest = len(matters) - 1
    if not rest:
        return first
    more = ngettext("And %(number)s more thing needs somebody.", "And %(number)s more things need somebody.", rest)
    return f"{first} {more % {'number': rest}}"


def _worker() -> list[Matter]:
    if workers.alive():
        return []
    words = _("No worker is at work, so no run starts. The operator of the server must start one: rollbook up.")
    return [Matter(weight=WRONG, words=words)]


def _set_up(found: Steps) -> list[Matter]:
    missing = found.missing()
    if not missing:
        return []
    words = _("The set-up is not finished: the next step is %(step)s.") % {"step": STEP_WORDS[missing[0]]}
    link = _("To %(step)s") % {"step": STEP_WORDS[missing[0]]}
    return [Matter(weight=TO_DO, words=words, page=missing[0], link=link)]


def _last(last: Run | None) -> list[Matter]:
    if last is None:
        words = _("Nothing has been synced yet.")
        return [Matter(weight=TO_DO, words=words, page="plan", link=_("See under Plan what would change"))]
    to_log = {"page": "logs_run", "run": last.pk, "link": _("Look at the run")}
    if last.state == RunState.FAILED:
        who = _(last.error_who) if last.error_who else _("the operator of the server")
        words = _("The last sync failed: %(error)s. Who must act: %(who)s.")
        return [
            Matter(weight=WRONG, words=words % {"error": stored_said(last.error.rstrip(".")), "who": who}, **to_log)
        ]
    result = last.result or {}
    if result.get("verdicts") or result.get("doubts"):
        words = _("The last sync did not see everything, or saw far less than before, so it removed less than usual.")
        return [Matter(weight=TO_DO, words=words, **to_log)]
    return []


def _expiring(settings: Settings, now: datetime) -> list[Matter]:
    today = now.astimezone(ZoneInfo(settings.organization.timezone)).date()
    found = []
    for side, name in (("sis", _("SIS")), ("lms", _("LMS"))):
        last = getattr(settings, side).expires
        left = (date.fromisoformat(last) - today).days if last else None
        if left is None or left > max(DAYS_BEFORE):
            continue
        words = (
            _("The key of the %(side)s expired on %(day)s.")
            if left < 0
            else _("The key of the %(side)s expires today.")
            if left == 0
            else ngettext(
                "The key of the %(side)s expires in %(number)s day, on %(day)s.",
                "The key of the %(side)s expires in %(number)s days, on %(day)s.",
                left,
            )
        )
        told = words % {"side": name, "number": left, "day": short_day(last) if last else ""}
        link = _("Enter a new one under Configuration")
        found.append(Matter(weight=WRONG if left < 0 else TO_DO, words=told, page="configuration", link=link))
    return found


def _holds(number: int, organization: Organization) -> list[Matter]:
    if not number:
        return []
    acting = organization.acting
    if acting is not None:
        words = ngettext(
            "%(number)s hold waits for a decision of %(name)s, the Acting User.",
            "%(number)s holds wait for a decision of %(name)s, the Acting User.",
            number,
        )
    else:
        words = ngettext(
            "%(number)s hold waits for a decision, and nobody is the Acting User. The operator names one.",
            "%(number)s holds wait for a decision, and nobody is the Acting User. The operator names one.",
            number,
        )
    told = words % {"number": number, "name": (acting.name or acting.email) if acting else ""}
    return [Matter(weight=TO_DO, words=told, page="plan", link=_("Decide under Plan"))]


def _refused(number: int, last: Run | None) -> list[Matter]:
    if not number:
        return []
    words = ngettext(
        "The LMS refuses %(number)s record; correct it in the SIS.",
        "The LMS refuses %(number)s records; correct them in the SIS.",
        number,
    ) % {"number": number}
    if last is None:
        return [Matter(weight=TO_DO, words=words)]
    return [Matter(weight=TO_DO, words=words, page="logs_run", run=last.pk, link=_("See what it says"))]


def _next_run(organization: Organization, found: Steps) -> dict[str, Any] | None:
    """When the next scheduled run is queued, in words, and why then."""
    if found.settings is None:
        return None
    shown = show_schedule(org=organization.slug)
    outlook = shown.outlook
    return {
        "when": moment_said(Moment(outlook.start.local)) if outlook.start else "",
        "why": sentence(said(outlook.because)),
        "sends": outlook.sends,
        "overdue": outlook.overdue,
    }


def _checklist(found: Steps) -> list[dict[str, Any]]:
    """Every step of the set-up; none once all are done."""
    missing = found.missing()
    if not missing:
        return []
    return [{"page": name, "words": words, "done": name not in missing} for name, words in STEP_WORDS.items()]
