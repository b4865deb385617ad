"""How sections and graded items stand, in the words of the pages. Knows no page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from rollbook.store.grade_words import ERROR, HELD, NOT_SENT, NOT_YET, OPEN, QUEUED, SUCCESSFUL, UPDATES


@dataclass(frozen=True)
class Stand:
    """`words` are the guide's; `sign` stands before them, so that nothing is told by colour alone; `look` is the class
    of the style sheet."""

    words: Any
    sign: str
    look: str


STANDS: Final = {
    ERROR: Stand(_("Error"), "✕", "failed"),
    OPEN: Stand(_("Category Undecided"), "!", "held"),
    HELD: Stand(_("Held"), "!", "held"),
    UPDATES: Stand(_("Updates Available"), "↑", "queued"),
    NOT_YET: Stand(_("Not Yet Synced"), "○", "planned"),
    QUEUED: Stand(_("Queued"), "…", "queued"),
    SUCCESSFUL: Stand(_("Successful"), "✓", "done"),
    NOT_SENT: Stand(_("Not Sent"), "–", "cancelled"),
    "opted out": Stand(_("Opted Out"), "–", "cancelled"),
    "deleted in the LMS": Stand(_("Deleted in the LMS"), "!", "held"),
    "kept in the SIS": Stand(_("Kept in the SIS"), "–", "cancelled"),
}
#: A section that stands like this, in words.
SECTION_STANDS: Final = STANDS | {
    OPEN: Stand(_("Map open"), "!", "held"),
    HELD: Stand(_("Waits for a decision"), "!", "held"),
}


def stand(status: str) -> Stand:
    """Of an item."""
    return STANDS.get(status) or Stand(status, "·", "planned")
