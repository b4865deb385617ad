"""The table of holds: each reason why changes wait for a person, in one sentence. What is held is not decided here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rollbook.roster.lms import REKEY

#: By reason, as `core.protocols.Hold` has it.
HOLDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "limit": "That is more at once than the limits in the settings allow.",
        "shrank": "The SIS sent less than half of what it sent for this school before, so they may not be gone.",
        "moved": "They would move to another building.",
        "periods": "Sections that are in use would get other grading periods.",
        "staff_role": "Students or guardians would become staff.",
        "rekey": "The SIS seems to have given them new ids; they would go on under these.",
        "gone": "Rollbook made them, and they are gone from the LMS; they would be made once more.",
        "extra": "They were members of their sections before Rollbook looked after these, and would be removed.",
        "grade_conflict": "The SIS shows something else than was sent last: somebody changed it there.",
        "grade_gone": "Rollbook sent them, and they are gone from the SIS; they would be made once more.",
        "columns": "The SIS stopped sending a column that may have kept them out until now.",
    }
)
#: With reason rekey, what is not renamed.
UNSURE: Final = "The SIS seems to have changed ids, and more than one record fits, so it is unclear who is who."
_UNKNOWN: Final = "A person should look at them first."
#: All texts of this table, for translators.
TEXTS: Final = (*HOLDS.values(), UNSURE, _UNKNOWN)


def why_held(reason: str, action: str) -> str:
    """Why changes with this action are held, in one sentence."""
    if reason == "rekey" and action != REKEY:
        return UNSURE
    return HOLDS.get(reason, _UNKNOWN)
