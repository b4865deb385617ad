"""What the tests of leavers share: people who are gone from the SIS, and whether their accounts are active."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.districts import Organization

Make = Callable[..., Organization]
AFTER = {"deactivate_after": 3}


def gone(org: Organization, *people: str) -> Organization:
    """The SIS lists these people, and their enrollments, no more."""
    org.district.drop("users", *people)
    rows = org.district.rows["enrollments"]
    org.district.rows["enrollments"] = [row for row in rows if row["userSourcedId"] not in people]
    return org


def active(org: Organization, key: str = "sam") -> bool:
    return org.stored("user", key).active


def settled(org: Organization, *people: str) -> Organization:
    """A synced organization that these people have left, as its next sync saw."""
    org.run()
    gone(org, *(people or ("sam",))).next_day().run()
    return org


def left(organization: Make, *people: str, **settings: Any) -> Organization:
    """As `settled`, on the day on which the accounts are due."""
    return settled(organization(users=AFTER, **settings), *people).next_day(3)
