"""Which academic session goes into which grading periods, at one school or at all others. Pure.

A choice is a tuple: empty (as the level above says), `("skip",)`, or one or several of `create` and `id:<LMS id>`
(rule 17); saved settings may also name a grading period by its title. `org` is a sourcedId or "*".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rollbook.roster.settings import ANY, CREATE, SKIP

Row = Mapping[str, Any]
Choice = tuple[str, ...]
Terms = dict[str, dict[str, Any]]

NOT_SYNCED: Final[Choice] = (SKIP,)
#: A copy writes at most so many choices: more belong under "all other schools".
MOST_COPIED: Final = 20_000


@dataclass(frozen=True)
class Consequence:
    """What saving would do to the sections of a term: they freeze, or are sorted into other grading periods."""

    session: str
    before: Choice
    after: Choice

    @property
    def freezes(self) -> bool:
        return self.after == NOT_SYNCED


class TermMap:
    """The saved `terms` of the settings over the lists of both sides, as seen from one school (or from "*")."""

    def __init__(
        self, saved: Mapping[str, Mapping[str, Any]], org: str, sessions: Iterable[Row], periods: Iterable[Row]
    ):
        self.saved, self.org = saved, org
        self.sessions = {row["id"]: row for row in sessions}
        self.periods = {row["id"]: row for row in periods}
        self._titles = Counter(row["title"] for row in self.periods.values())
        self._by_title = {row["title"]: row["id"] for row in self.periods.values()}

    def canonical(self, value: str) -> str:
        """A grading period named by its title as `id:…`, where the LMS has exactly one of this title."""
        by, _, title = value.partition(":")
        return f"id:{self._by_title[title]}" if by == "title" and self._titles[title] == 1 else value

    def period(self, value: str) -> Row | None:
        """The grading period that a choice names; None when it names none, or one that the LMS does not have."""
        by, _, wanted = self.canonical(value).partition(":")
        return self.periods.get(wanted) if by == "id" else None

    def choice(self, session: str) -> Choice:
        """What is saved for a session (or "*") right here."""
        return self._at(self.org, session)

    def inherited(self, session: str) -> Choice:
        """What holds where nothing is saved right here."""
        places = [(ANY, session), (ANY, ANY)]
        if self.org != ANY:
            places.insert(0, (self.org, ANY))
        found = (self._at(*place) for place in places if place != (self.org, session))
        return next((choice for choice in found if choice), NOT_SYNCED)

    def goes(self, session: str) -> Choice:
        return self.choice(session) or self.inherited(session)

    def gone(self) -> list[str]:
        """Sessions that are mapped here and are not in the SIS any more."""
        return sorted(key for key in self.saved.get(self.org, {}) if key != ANY and key not in self.sessions)

    def problem(self, session: str, choice: Choice) -> bool:
        """Is this nothing that can be saved for a session? What is saved already always can."""
        if session != ANY and session not in self.sessions and session not in self.saved.get(self.org, {}):
            return True
        if SKIP in choice and len(choice) > 1:
            return True
        kept = self.choice(session)
        return any(one not in (SKIP, CREATE) and one not in kept and self.period(one) is None for one in choice)

    def changed(self, chosen: Mapping[str, Choice]) -> Terms:
        """The whole `terms` with these choices. What comes to the same keeps its spelling."""
        result: Terms = {org: dict(sessions) for org, sessions in self.saved.items()}
        own = result.setdefault(self.org, {})
        for session, choice in chosen.items():
            if not choice:
                own.pop(session, None)
            elif self.choice(session) != choice:
                own[session] = choice[0] if len(choice) == 1 else list(choice)
        if not own:
            del result[self.org]
        return result

    def consequences(self, terms: Terms) -> list[Consequence]:
        """What becomes of sessions that were mapped here, when `terms` are saved instead."""
        after = TermMap(terms, self.org, self.sessions.values(), self.periods.values())
        pairs = ((session, self.goes(session), after.goes(session)) for session in [*self.sessions, *self.gone()])
        return [Consequence(*pair) for pair in pairs if pair[1] != NOT_SYNCED and set(pair[1]) != set(pair[2])]

    def copied(self, year: str, targets: Iterable[str]) -> Terms | None:
        """The whole `terms` after other schools got what is saved here for a year: session by session, and for sessions
        of the same title and dates too. None when that would be more than MOST_COPIED choices."""
        targets = [org for org in targets if org != self.org]
        named = self.saved.get(self.org, {})
        copies: dict[str, Any] = {ANY: named[ANY]} if ANY in named else {}
        twins: dict[tuple[str, str, str], list[str]] = {}
        for row in self.sessions.values():
            if row["year"] == year:
                twins.setdefault(_alike(row), []).append(row["id"])
        for session, value in named.items():
            known = self.sessions.get(session)
            if known is not None and known["year"] == year:
                copies |= dict.fromkeys(twins[_alike(known)], value)
        copies |= {session: value for session, value in named.items() if session in copies}
        if len(copies) * len(targets) > MOST_COPIED:
            return None
        result: Terms = {org: dict(sessions) for org, sessions in self.saved.items()}
        for org in targets:
            result[org] = {**result.get(org, {}), **copies}
        return result

    def _at(self, org: str, session: str) -> Choice:
        value = self.saved.get(org, {}).get(session)
        if value is None:
            return ()
        values = [value] if isinstance(value, str) else value
        return tuple(dict.fromkeys(self.canonical(one) for one in values)) or NOT_SYNCED


def tree(rows: Iterable[Row]) -> Iterator[tuple[Row, int]]:
    """Sessions with their depth: each below its parent, in the order given. A circle of parents ends somewhere."""
    by_id = {row["id"]: row for row in rows}
    children: dict[str, list[Row]] = {}
    for row in by_id.values():
        children.setdefault(row["parent"] if row["parent"] in by_id else "", []).append(row)
    seen: set[str] = set()
    for row in [*children.get("", []), *by_id.values()]:
        waiting = [(row, 0)]
        while waiting:
            at, depth = waiting.pop()
            if at["id"] not in seen:
                seen.add(at["id"])
                yield at, depth
                waiting += [(child, depth + 1) for child in reversed(children.get(at["id"], []))]


def _alike(row: Row) -> tuple[str, str, str]:
    return " ".join(row["title"].split()).casefold(), row["start"], row["end"]
