"""The LMS side's words: kinds of objects, their fields and their order. Knows no particular LMS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: Field types of desired, ledger and live tables; a list is kept sorted and free of doubles.
TEXT, FLAG, KEYS = "VARCHAR", "BOOLEAN", "VARCHAR[]"


@dataclass(frozen=True)
class Kind:
    """One kind of LMS object.

    `fields` maps field name to type. `parents` maps a field to the kind its key(s) refer to: a change waits for its
    parents. `removable`: only these are ever taken away (rules 15, 20). `yearly`: belongs to one active year (rule 3).
    """

    name: str
    fields: Mapping[str, str]
    parents: Mapping[str, str]
    removable: bool = False
    yearly: bool = False


def _kind(name: str, *, fields: dict[str, str], parents: dict[str, str], **traits: bool) -> Kind:
    return Kind(name, MappingProxyType(fields), MappingProxyType(parents), **traits)


_KINDS = (
    # key: "org:<sourcedId>" (made by Rollbook), "id:<LMS id>" or "code:<building code>" (mapped)
    _kind("building", fields={"title": TEXT, "code": TEXT}, parents={}),
    # key: "session:<sourcedId>" (made by Rollbook), "id:<LMS id>" or "title:<title>" (mapped); dates are YYYY-MM-DD
    _kind("grading_period", fields={"title": TEXT, "start": TEXT, "end": TEXT}, parents={}),
    # key: the unique id (rule 8)
    _kind(
        "user",
        fields={
            "first_name": TEXT,
            "last_name": TEXT,
            "middle_name": TEXT,
            "preferred_first_name": TEXT,
            "username": TEXT,
            "email": TEXT,
            "role": TEXT,
            "building": TEXT,
            "additional_buildings": KEYS,
            "graduation_year": TEXT,
        },
        parents={"building": "building", "additional_buildings": "building"},
    ),
    # key: "<student's unique id>|<guardian's unique id>"
    _kind(
        "guardian_link",
        fields={"student": TEXT, "guardian": TEXT},
        parents={"student": "user", "guardian": "user"},
        removable=True,
    ),
    # key: "<course sourcedId>|<building key>"; code is unique in the organization (rule 16)
    _kind("course", fields={"title": TEXT, "code": TEXT, "building": TEXT}, parents={"building": "building"}),
    # key: the class sourcedId, which is also its code in the LMS (rule 17); start and end (YYYY-MM-DD, its last day)
    # are there only where the LMS has no grading periods, so that each section says its own
    _kind(
        "section",
        fields={"title": TEXT, "course": TEXT, "grading_periods": KEYS, "location": TEXT, "start": TEXT, "end": TEXT},
        parents={"course": "course", "grading_periods": "grading_period"},
        yearly=True,
    ),
    # key: "<class sourcedId>|<unique id>"
    _kind(
        "enrollment",
        fields={"section": TEXT, "user": TEXT, "admin": FLAG},
        parents={"section": "section", "user": "user"},
        removable=True,
        yearly=True,
    ),
)

#: By name, in the order in which they are applied: parents before children.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _KINDS})

#: What each `--kind` of the command line writes (rule 5); `setup` follows saved Schools or Terms.
RUN_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "setup": ("building", "grading_period"),
        "users": ("building", "user", "guardian_link"),
        "courses": ("building", "course"),
        "sections": ("building", "grading_period", "section", "enrollment"),
        "all": tuple(KINDS),
    }
)

CREATE, UPDATE, REMOVE, ADOPT, REKEY = "create", "update", "remove", "adopt", "rekey"
#: Of accounts only (rule 13): never anything but the account's state, and nothing of it is lost.
DEACTIVATE, REVIVE = "deactivate", "revive"
#: Of accounts only, and never in a plan: a password that the school issued, sent because a person said so (rule 14).
SET_PASSWORD = "set_password"
#: In the order in which they are applied within a kind; deactivations come after all kinds.
ACTIONS: Final = (ADOPT, REVIVE, REKEY, CREATE, UPDATE, REMOVE, DEACTIVATE)


def plural(kind: str) -> str:
    """Several of a kind, as people call them."""
    name = kind.replace("_", " ")
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
