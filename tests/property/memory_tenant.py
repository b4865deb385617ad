"""An organization whose SIS and LMS are both in memory, for the laws."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.districts import District, Organization
from tests.property import strategies
from tests.property.strategies import NO_LIMITS

Snapshot = dict[str, dict[str, dict[str, Any]]]


class Memory:
    """See `laws.Tenant`."""

    def __init__(self, org: Organization) -> None:
        self.org = org

    def roster(self) -> dict[str, str]:
        return self.org.roster

    def accounts(self) -> dict[str, bool]:
        return {stored.code: stored.active for stored in self.org.lms.all("user")}

    def holds(self) -> Snapshot:
        return self.org.snapshot()

    def building(self, school: str) -> Any:
        return self.org.all("building")[school]

    def enroll_by_hand(self, most: int) -> set[str]:
        made: set[str] = set()
        for section in sorted(self.org.sections):
            for user in sorted(self.org.users):
                if len(made) < most and f"{section}|{user}" not in self.org.roster:
                    ends = {
                        "section": self.org.stored("section", section).lms_id,
                        "user": self.org.stored("user", user).lms_id,
                    }
                    self.org.lms.add("enrollment", "|".join(ends.values()), ends | {"admin": False})
                    made.add(f"{section}|{user}")
        return made

    def check_reached(self) -> None:
        strategies.check_reached(self.org)

    def check_back(self, before: Snapshot) -> None:
        now = self.org.snapshot()
        for kind in ("enrollment", "guardian_link"):
            assert now[kind] == before[kind]
        for kind in ("building", "grading_period", "user", "course", "section"):
            assert {key: now[kind][key] for key in before[kind]} == before[kind]

    def check_left_alone(self, before: Snapshot, school: str) -> None:
        for key, user in before["user"].items():
            assert not (set(user["additional_buildings"]) & {school}) - _places(self.org.user(key))


def _places(user: dict[str, Any]) -> set[str]:
    return {user["building"], *user["additional_buildings"]}


@contextmanager
def memory(district: District, **settings: Any) -> Iterator[Memory]:
    """A fresh organization with this SIS, and no limits unless the settings say so."""
    with tempfile.TemporaryDirectory() as folder:
        yield Memory(Organization(Path(folder), district, **{"limits": NO_LIMITS, **settings}))
