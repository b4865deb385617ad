"""Drop-downs with many options, many times on a page: their HTML is made once and only marked for each row."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

#: Roughly how many options a page may hold in all; a page has fewer rows when each row offers more.
_MOST: Final = 20_000
MOST_ROWS: Final = 100
_LEAST_ROWS: Final = 10


class Options:
    """The options of one drop-down: (value, label) pairs in groups; a group without a name stands by itself."""

    def __init__(self, groups: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> None:
        self.labels: dict[str, str] = {}
        self._parts: list[str] = []
        self._places: dict[str, int] = {}
        for name, pairs in groups:
            pairs = [pair for pair in pairs if pair[0] not in self.labels]
            if not pairs:
                continue
            if name:
                self._parts.append(format_html('<optgroup label="{}">', name))
            for value, label in pairs:
                self.labels[value] = label
                self._places[value] = len(self._parts)
                self._parts.append(_option(value, label))
            if name:
                self._parts.append("</optgroup>")

    def html(self, selected: str, strange: str = "", nothing: str | None = None) -> SafeString:
        """The option elements with one selected; when it is not among them it comes first, labelled `strange`.
        `nothing` is the label of a further first option, whose value is empty."""
        parts = list(self._parts)
        if nothing is not None:
            parts.insert(0, _option("", nothing, " selected" if selected == "" else ""))
            if selected == "":
                return mark_safe("".join(parts))  # every part was escaped by format_html
        place = self._places.get(selected)
        if place is None:
            parts.insert(0, _option(selected, strange or selected, " selected"))
        else:
            place += nothing is not None
            parts[place] = _option(selected, self.labels[selected], " selected")
        return mark_safe("".join(parts))  # every part was escaped by format_html

    def rows_per_page(self) -> int:
        return max(_LEAST_ROWS, min(MOST_ROWS, _MOST // max(1, len(self.labels))))


def _option(value: str, label: str, mark: str = "") -> SafeString:
    # Thousands of them on a page: `format_html` would take most of its time.
    return mark_safe(f'<option value="{escape(str(value))}"{mark}>{escape(str(label))}</option>')  # `mark` is ours
