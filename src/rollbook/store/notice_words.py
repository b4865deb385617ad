"""The words of notices: plain texts that say what happened, what it means, who must act and how, in the language that
an organization wants its notices in. Pure, but for reading that language's catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollbook.roster.words import Value, Words, say
from rollbook.store.grade_digest import GradeDay
from rollbook.store.happenings import DEVIATION, ERRORS, EXPIRING, FAILED, GRADES, HELD, RECOVERED
from rollbook.store.languages import ENGLISH, Translate, told, translator
from rollbook.store.notice_advice import ABOUT, advice

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
    title = _translate(content)(advice(*_topic(content["what"][0])).title)
    return f"[Rollbook] {_line(content['name'])}: {title}"


def mail(content: Mapping[str, Any], site: str = "") -> str:
    """The whole text of one notice. `site` is where people reach the pages; without it, no page is named."""
    return "\n\n".join([*_whole(content, site), _foot(content)]) + "\n"


def digest_subject(content: Mapping[str, Any], count: int) -> str:
    """One line for a mail of `count` notices; `content` is one of them."""
    one, several = say("1 notice since the last digest"), say("%(count)s notices since the last digest", count=count)
    words = told(one if count == 1 else several, _translate(content))
    return f"[Rollbook] {_line(content['name'])}: {words}"


def digest(contents: Sequence[Mapping[str, Any]], site: str = "", grades: GradeDay | None = None) -> str:
    """The text of several notices of one organization, oldest first, and what a day brought about of grades."""
    parts = ["\n\n".join(_whole(content, site)) for content in contents]
    if grades is not None:
        parts.append("\n".join(_grades(contents[-1], grades, site)))
    line = "\n\n" + "-" * 60 + "\n\n"
    return line.join(parts) + "\n\n" + _foot(contents[-1]) + "\n"


def words(content: Mapping[str, Any]) -> list[str]:
    """What happened, one sentence or two an entry, in English; for webhooks."""
    return [one["words"] for one in content["what"]]


def _translate(content: Mapping[str, Any]) -> Translate:
    return translator(content.get("language", ENGLISH))


def _whole(content: Mapping[str, Any], site: str) -> list[str]:
    return [_head(content), *("\n".join(_told(content, topic, site)) for topic in _topics(content))]


def _grades(content: Mapping[str, Any], day: GradeDay, site: str) -> list[str]:
    """What went, what the SIS refused, and what asks for a person."""
    ended = say("Syncs that ended: %(number)s.", number=day.syncs)
    if day.failed:
        ended = say("Syncs that ended: %(number)s, %(failed)s of them failed.", number=day.syncs, failed=day.failed)
    sent = say(
        "Items and grades that the SIS took: %(done)s; that it refused: %(refused)s; without an answer: %(unknown)s.",
        done=day.done,
        refused=day.refused,
        unknown=day.unknown,
    )
    asking = say("Sections that ask for a person now: %(number)s.", number=day.help)
    lines: list[Words] = [say("GRADES IN THE LAST 24 HOURS"), ended, sent, asking]
    if day.help and site:
        lines.append(_page(site + _HELP.format(slug=content["slug"])))
    return [told(one, _translate(content)) for one in lines]


def _page(address: str) -> Words:
    return say("Page: %(address)s", address=address)


def _topics(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(_topic(one) for one in content["what"]))


def _topic(one: Mapping[str, str]) -> tuple[str, str]:
    return one["event"], one.get("about", "")


def _head(content: Mapping[str, Any]) -> str:
    place: dict[str, Value] = {"name": _line(content["name"]), "slug": content["slug"], "at": content["at"]}
    head = say("%(name)s (%(slug)s), %(at)s", **place)
    if content["run"]:
        head = say("%(name)s (%(slug)s), run %(run)s, ended %(at)s", run=content["run"], **place)
    return told(head, _translate(content))


def _told(content: Mapping[str, Any], topic: tuple[str, str], site: str) -> list[str]:
    """What happened in the words that were written for its readers, and the advice."""
    translate, found = _translate(content), advice(*topic)
    who = translate(found.who).format(who=translate(content.get("who") or "the admin"))
    lines = [
        translate(found.title).upper(),
        *(one.get("told") or one["words"] for one in content["what"] if _topic(one) == topic),
        "",
        told(say("What it means: %(means)s", means=translate(found.means)), translate),
        told(say("Who must act: %(who)s.", who=who), translate),
    ]
    page = page_of(content, *topic) if site else ""
    if page:
        lines.append(told(_page(site + page), translate))
    if found.commands:
        known = {"run": content["run"], "slug": content["slug"]}
        lines += [told(say("What to do:"), translate), *(f"  {one.format(**known)}" for one in found.commands)]
    return lines


def _foot(content: Mapping[str, Any]) -> str:
    why = say(
        "Rollbook sends this because the settings of %(slug)s name your address under `notices`.", slug=content["slug"]
    )
    return told(why, _translate(content))


def _line(text: str) -> str:
    """A name without line breaks and other control characters: it goes into a mail's header."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
