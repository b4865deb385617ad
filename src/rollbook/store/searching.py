"""Finds people and sections by what one types: names, usernames, e-mail addresses, ids, titles. Changes nothing."""

from __future__ import annotations

from typing import Any, Final

from rollbook.store.looking import Files, Row

#: Results that are shown; who finds more types more.
MOST: Final = 50
_LONGEST: Final = 200
_NAMED: Final = """
    (starts_with(lower(first_name), $word{0}) OR starts_with(lower(last_name), $word{0})
     OR contains(lower(last_name), $inner{0}))"""
_CALLED: Final = "starts_with(lower(username), $text) OR starts_with(lower(email), $text)"


def find_people(files: Files, typed: str) -> list[Row]:
    """At most MOST people: of the ledger, and of those whom the newest reading left out. Names count from the beginning
    of each word, usernames and addresses from theirs, ids only whole."""
    raw, text = _clean(typed)
    if not text:
        return []
    words = text.split()[:4]
    names = " AND ".join(_NAMED.format(place) for place in range(len(words)))
    asked: dict[str, Any] = {f"word{place}": word for place, word in enumerate(words)}
    asked |= {f"inner{place}": f" {word}" for place, word in enumerate(words)}
    found: dict[str, Row] = {}
    if files.people is not None:
        found = {row["key"]: row for row in files.people.find(raw, most=MOST)}
    called = f"last_name IS NOT NULL AND ({_CALLED} OR ({names}))"
    left = files.left_out("user", called, {"text": text, **asked}, MOST)
    left += [row for row in files.left_out("user", _by_id(files, raw), {"raw": raw}, 2) if row not in left]
    for row in left:
        if row["key"] in found:
            found[row["key"]] |= {"reason": row["reason"], "id": row["id"]}
        elif row["reason"] not in (
            "gone",
            "synced",
        ):  # who is gone and not in the ledger's results was not found by name
            found[row["key"] or f"id:{row['id']}"] = row
    return sorted(found.values(), key=_by_name)[:MOST]


def _by_id(files: Files, raw: str) -> str:
    """The file is sorted by the unique id; where that is not the sourcedId, all of those are read."""
    return "key = $raw OR id = $raw" if files.other_id else "key = $raw"


def find_sections(files: Files, typed: str) -> list[Row]:
    """At most MOST sections with this text in the title, or with this id or class code."""
    raw, text = _clean(typed)
    if not text:
        return []
    asked = {"raw": raw, "text": text}
    rows = files.scan("section", "key = $raw OR contains(lower(title), $text)", asked, MOST, first="key = $raw")
    found = {row["key"]: row for row in rows}
    left = files.left_out(
        "section",
        "key = $raw OR lower(code) = $text OR contains(lower(title), $text)",
        asked,
        MOST,
    )
    for row in left:
        found.setdefault(row["key"], row)
    return sorted(found.values(), key=lambda row: (str(row["title"] or "").casefold(), row["key"]))[:MOST]


def _clean(typed: str) -> tuple[str, str]:
    raw = " ".join(typed.replace("\0", "").split())[:_LONGEST]
    return raw, raw.lower()


def _by_name(row: Row) -> tuple[str, str, str]:
    return (
        str(row.get("last_name") or "").casefold(),
        str(row.get("first_name") or "").casefold(),
        str(row["key"] or ""),
    )
