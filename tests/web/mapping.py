"""What the tests of Schools and Terms share: what is saved, and what the drop-downs of a page show."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.settings_edit import change_settings
from rollbook.roster.settings import Settings
from rollbook.store.models import Organization
from tests.web.people import Answer


def maple() -> Organization:
    return find_organization("maple")


def saved() -> Settings:
    return current_settings(maple())[1]


def number() -> int:
    return current_settings(maple())[0].number


def change(edit: Callable[[dict[str, Any]], None]) -> None:
    """Save changed settings, as another tab would."""
    change_settings(org="maple", by="test", what="test", change=edit)


def selections(answer: Answer) -> dict[str, list[str]]:
    """What the drop-downs of a page show: name to the values of the selected options, in order."""
    found: dict[str, list[str]] = {}
    for name, inner in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', answer.content.decode(), re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', inner)
        found.setdefault(unescape(name), []).append(unescape(chosen[1]) if chosen else "")
    return found
