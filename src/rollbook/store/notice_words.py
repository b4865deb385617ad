"""The words of notices: plain texts that say what happened, what it means, who must act and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rollbook.store.grade_digest import GradeDay
from rollbook.store.happenings import DEVIATION, ERRORS, EXPIRING, FAILED, GRADES, HELD, RECOVERED, TEST
from rollbook.store.held import SHRANK, SHRANK_FILES, SHRANK_LMS, UNCLEAR, UNREAD, UNREAD_FILES


class Advice(NamedTuple):
    """For one event: a title for the subject, what it means, who must act, and with which commands."""

    title: str
    means: str
    who: str
    commands: tuple[str, ...] = ()


ADVICE: Final[Mapping[str, Advice]] = {
    FAILED: Advice(
        "the run failed",
        "Nothing is lost: what was sent before is written down, and nothing was removed on a half picture. "
        "Until a run goes well, the LMS stays as it is.",
        "{who}",
        ("rollbook run show {run}", "rollbook sync {slug}"),
    ),
    HELD: Advice(
        "changes wait for you",
        "They go beyond a limit, or a person should see them first. They are not sent until somebody approves them.",
        "the acting user, who looks and approves or rejects",
        (
            "rollbook hold list {slug}",
            "rollbook run changes {run} --hold HOLD",
            "rollbook hold approve HOLD --by NAME --reason TEXT",
            "rollbook hold reject HOLD --by NAME --reason TEXT",
        ),
    ),
    ERRORS: Advice(
        "done with errors",
        "These people or classes are not up to date in the LMS. Refused ones are tried again; records that were held "
        "back come along once they are put right in the SIS.",
        "the admin, who looks at the findings and refusals",
        ("rollbook run findings {run}", "rollbook run changes {run}"),
    ),
    RECOVERED: Advice("works again", "What was missing has been made up for.", "nobody"),
    DEVIATION: Advice(
        "unlike the last runs",
        "Nothing is stopped by this. It may be right, as at the start of a year, or the SIS sends something else "
        "than it did.",
        "the admin, who compares it with what the district expects",
        ("rollbook run show {run}",),
    ),
    EXPIRING: Advice(
        "a key expires",
        "When it has expired, runs fail until there is a new one.",
        "the admin, who gets a new key and imports it",
        ("rollbook config import FILE.yaml",),
    ),
    TEST: Advice("a test", "Notices of this organization arrive here.", "nobody"),
}


_NOT_WHOLE: Final = (
    "There is nothing to approve. What was read went on. What is missing cannot be told from what is gone, so nobody "
    "loses anything by it. The next run that reads everything goes on by itself."
)
_SHRANK: Final = (
    "There is nothing to approve about this. Removals wait where a school shows less than half, or beyond the limits. "
    "The next run that finds everything goes on by itself. If so much is really gone, it is believed after seven days."
)
_KEY: Final = (
    "the admin of the SIS, who checks that the key is valid and may read every school and every list; where the SIS "
    "answers wrongly, its vendor"
)
_EXPORT: Final = "whoever makes the export of the SIS, who checks that it holds every file, every school and every row"
_LOOK: Final = ("rollbook run show {run}", "rollbook run findings {run}", "rollbook sync {slug}")

#: Where a run of grades needs other words.
GRADE_ADVICE: Final[Mapping[str, Advice]] = {
    FAILED: Advice(
        "the sync of grades failed",
        "Nothing is lost: what was sent before is written down. Until a sync of grades goes well, the gradebooks of "
        "the SIS stay as they are.",
        "{who}",
        ("rollbook run show {run}", "rollbook grades sync {slug}"),
    ),
    HELD: Advice(
        "grades wait for you",
        "Somebody changed them in the SIS, or they go beyond a limit. They are not sent until somebody approves them; "
        "all others went on.",
        "the acting user, who looks and approves or rejects",
        ADVICE[HELD].commands,
    ),
    ERRORS: Advice(
        "grades are sent, with errors",
        "These items and grades are not up to date in the SIS. Each section's page says what to do about them; refused "
        "ones are tried again.",
        "the admin, together with the teachers of these sections",
        ("rollbook grades sections {slug}", "rollbook run findings {run}"),
    ),
    RECOVERED: Advice("grades go back again", "What was missing has been made up for.", "nobody"),
    DEVIATION: Advice(
        "grades unlike the last runs",
        "Nothing is stopped by this. It may be right, as at the end of a grading period.",
        "the admin, who compares it with what the district expects",
        ("rollbook run show {run}",),
    ),
}

#: For what `store.held` calls what a held run is about.
ABOUT: Final[Mapping[str, Advice]] = {
    UNREAD: Advice("the SIS was not read whole", _NOT_WHOLE, _KEY, _LOOK),
    UNREAD_FILES: Advice("the SIS was not read whole", _NOT_WHOLE, _EXPORT, _LOOK),
    SHRANK: Advice("the SIS shows far less than before", _SHRANK, _KEY, _LOOK),
    SHRANK_FILES: Advice("the SIS shows far less than before", _SHRANK, _EXPORT, _LOOK),
    SHRANK_LMS: Advice(
        "the LMS shows far less than before",
        "There is nothing to approve. What the LMS did not show is not taken for deleted there. The next run compares "
        "again, and goes on by itself once it finds everything; after seven days it is believed.",
        "the admin of the LMS, who checks that the key's account may still see every school, user and section",
        _LOOK,
    ),
    UNCLEAR: Advice(
        "the LMS left changes unclear",
        "There is nothing to approve. These changes may have been made or not; the next run looks, and sends what is "
        "missing.",
        "nobody yet; if the next runs tell the same, the admin asks the vendor of the LMS",
        ("rollbook run changes {run} --outcome unknown", "rollbook sync {slug}"),
    ),
}


#: The page of each event, below the address of the pages.
_RUN: Final = "/o/{slug}/logs/{run}/"
_PAGES: Final[Mapping[str, str]] = {
    FAILED: _RUN,
    HELD: "/o/{slug}/plan/holds/",
    ERRORS: _RUN,
    RECOVERED: _RUN,
    DEVIATION: _RUN,
    EXPIRING: "/o/{slug}/configuration/",
}
#: The sections that ask for a person, those that do so most first.
_HELP: Final = "/o/{slug}/grades/?state=help"


def page_of(content: Mapping[str, Any], event: str, about: str) -> str:
    """The path of the page that shows what is told of; empty where there is none. What was not read whole waits for
    nobody, so it is shown with its run."""
    usual = _RUN if about in ABOUT else _PAGES.get(event, "")
    path = _HELP if (event, about) == (ERRORS, GRADES) else usual
    return path.format(slug=content["slug"], run=content["run"]) if content["run"] or "{run}" not in path else ""


def subject(content: Mapping[str, Any]) -> str:
    """One line for a mail."""
    first = _advice(*_topic(content["what"][0])).title
    return f"[Rollbook] {_line(content['name'])}: {first}"


def mail(content: Mapping[str, Any], site: str = "") -> str:
    """The whole text of one notice. `site` is where people reach the pages; without it, no page is named."""
    parts = [_head(content)]
    for topic in _topics(content):
        parts.append("\n".join(_told(content, topic, site)))
    return "\n\n".join([*parts, _foot(content)]) + "\n"


def digest_subject(name: str, count: int) -> str:
    return f"[Rollbook] {_line(name)}: {count} {'notice' if count == 1 else 'notices'} since the last digest"


def digest(contents: Sequence[Mapping[str, Any]], site: str = "", grades: GradeDay | None = None) -> str:
    """The text of several notices of one organization, oldest first, and what a day brought about of grades."""
    parts = []
    for content in contents:
        blocks = ["\n".join(_told(content, topic, site)) for topic in _topics(content)]
        parts.append("\n\n".join([_head(content), *blocks]))
    if grades is not None:
        parts.append("\n".join(_grades(contents[0], grades, site)))
    line = "\n\n" + "-" * 60 + "\n\n"
    return line.join(parts) + "\n\n" + _foot(contents[0]) + "\n"


def words(content: Mapping[str, Any]) -> list[str]:
    """What happened, one sentence or two an entry; for webhooks."""
    return [one["words"] for one in content["what"]]


def _grades(content: Mapping[str, Any], day: GradeDay, site: str) -> list[str]:
    """What went, what the SIS refused, and what asks for a person."""
    failed = f", {day.failed} of them failed" if day.failed else ""
    lines = [
        "GRADES IN THE LAST 24 HOURS",
        f"Syncs that ended: {day.syncs}{failed}.",
        f"Items and grades that the SIS took: {day.done}; that it refused: {day.refused}; without an answer: "
        f"{day.unknown}.",
        f"Sections that ask for a person now: {day.help}.",
    ]
    if day.help and site:
        lines.append(f"Page: {site}{_HELP.format(slug=content['slug'])}")
    return lines


def _topics(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(_topic(one) for one in content["what"]))


def _topic(one: Mapping[str, str]) -> tuple[str, str]:
    return one["event"], one.get("about", "")


def _advice(event: str, about: str) -> Advice:
    if about == GRADES:
        return GRADE_ADVICE.get(event) or ADVICE[event]
    return ABOUT.get(about) or ADVICE[event]


def _head(content: Mapping[str, Any]) -> str:
    of_run = f", run {content['run']}, ended {content['at']}" if content["run"] else f", {content['at']}"
    return f"{_line(content['name'])} ({content['slug']}){of_run}"


def _told(content: Mapping[str, Any], topic: tuple[str, str], site: str) -> list[str]:
    advice = _advice(*topic)
    known = {"run": content["run"], "slug": content["slug"], "who": content.get("who") or "the admin"}
    lines = [advice.title.upper(), *(one["words"] for one in content["what"] if _topic(one) == topic)]
    lines += ["", f"What it means: {advice.means}", f"Who must act: {advice.who.format(**known)}."]
    page = page_of(content, *topic) if site else ""
    if page:
        lines.append(f"Page: {site}{page}")
    if advice.commands:
        lines += ["What to do:", *(f"  {command.format(**known)}" for command in advice.commands)]
    return lines


def _foot(content: Mapping[str, Any]) -> str:
    return f"Rollbook sends this because the settings of {content['slug']} name your address under `notices`."


def _line(text: str) -> str:
    """A name without line breaks and other control characters: it goes into a mail's header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
