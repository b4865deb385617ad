"""Who acts. No sign-in here: whoever calls an action says on whose behalf."""

from __future__ import annotations

from typing import Final

#: The command line on the server (rule 30).
OPERATOR: Final = "operator"

#: The clock, on behalf of whoever saved the schedule.
SCHEDULE: Final = "schedule"
