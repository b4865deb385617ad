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
    ids = {"raw": raw, "text": text}
    found: dict[str, Row] = {}
    for row in files.given("user", f"key = $raw OR lms_id = $raw OR {_CALLED}", ids, MOST):
        found[row["key"]] = row
    if len(found) < MOST:
        for row in files.given("user", names, asked, MOST):
            found.setdefault(row["key"], row)
    left = files.left_out(
        "user", f"reason <> 'synced' AND (key = $raw OR id = $raw OR {_CALLED} OR ({names}))", ids | asked, MOST
    )
    for row in left:
        if row["key"] in found:
            found[row["key"]]["reason"] = row["reason"]
        elif row["reason"] != "gone":  # who is gone and not in the ledger's results was not found by name
            found[row["key"] or f"id:{row['id']}"] = row
    return sorted(found.values(), key=_by_name)[:MOST]


def find_sections(files: Files, typed: str) -> list[Row]:
    """At most MOST sections with this text in the title, or with this id or class code."""
    raw, text = _clean(typed)
    if not text:
        return []
    found = {
        row["key"]: row
        for row in files.given(
            "section", "key = $raw OR lms_id = $raw OR contains(lower(title), $text)", {"raw": raw, "text": text}, MOST
        )
    }
    left = files.left_out(
        "section",
        "key = $raw OR lower(code) = $text OR contains(lower(title), $text)",
        {"raw": raw, "text": text},
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
