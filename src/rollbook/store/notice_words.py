"""The words of notices: plain texts that say what happened, what it means, who must act and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rollbook.store.happenings import DEVIATION, ERRORS, EXPIRING, FAILED, HELD, RECOVERED, TEST


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


def subject(content: Mapping[str, Any]) -> str:
    """One line for a mail."""
    first = ADVICE[content["what"][0]["event"]].title
    return f"[Rollbook] {_line(content['name'])}: {first}"


def mail(content: Mapping[str, Any]) -> str:
    """The whole text of one notice."""
    parts = [_head(content)]
    for event in _events(content):
        parts.append("\n".join(_event(content, event)))
    return "\n\n".join([*parts, _foot(content)]) + "\n"


def digest_subject(name: str, count: int) -> str:
    return f"[Rollbook] {_line(name)}: {count} {'notice' if count == 1 else 'notices'} since the last digest"


def digest(contents: Sequence[Mapping[str, Any]]) -> str:
    """The text of several notices of one organization, oldest first."""
    parts = []
    for content in contents:
        blocks = ["\n".join(_event(content, event)) for event in _events(content)]
        parts.append("\n\n".join([_head(content), *blocks]))
    line = "\n\n" + "-" * 60 + "\n\n"
    return line.join(parts) + "\n\n" + _foot(contents[0]) + "\n"


def words(content: Mapping[str, Any]) -> list[str]:
    """What happened, one sentence or two an entry; for webhooks."""
    return [one["words"] for one in content["what"]]


def _events(content: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(one["event"] for one in content["what"]))


def _head(content: Mapping[str, Any]) -> str:
    of_run = f", run {content['run']}, ended {content['at']}" if content["run"] else f", {content['at']}"
    return f"{_line(content['name'])} ({content['slug']}){of_run}"


def _event(content: Mapping[str, Any], event: str) -> list[str]:
    advice = ADVICE[event]
    known = {"run": content["run"], "slug": content["slug"], "who": content.get("who") or "the admin"}
    lines = [advice.title.upper(), *(one["words"] for one in content["what"] if one["event"] == event)]
    lines += ["", f"What it means: {advice.means}", f"Who must act: {advice.who.format(**known)}."]
    if advice.commands:
        lines += ["What to do:", *(f"  {command.format(**known)}" for command in advice.commands)]
    return lines


def _foot(content: Mapping[str, Any]) -> str:
    return f"Rollbook sends this because the settings of {content['slug']} name your address under `notices`."


def _line(text: str) -> str:
    """A name without line breaks and other control characters: it goes into a mail's header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
