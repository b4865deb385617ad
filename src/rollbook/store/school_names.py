"""What schools are called: as the SIS last told it, else as their buildings in the LMS are. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from django.db.models import TextField
from django.db.models.functions import Cast

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.store.ledger import current_version
from rollbook.store.models import DirectoryRow

#: The list of the SIS's orgs, as `engine.directory` stores it: id, name, type, code, parent.
_ORGS: Final = "sis.orgs"


class SchoolNames(dict[str, str]):
    """Names by org sourcedId. Several askers get the same one: nobody changes it."""

    @cached_property
    def by_name(self) -> list[tuple[str, str]]:
        """Id and name of all, in the order of names."""
        return [(org, self[org]) for org in sorted(self, key=self.order)]

    def order(self, org: str) -> tuple[str, str]:
        """What to sort a school by: its name, or its id where nobody told the name."""
        return self._orders.get(org) or (org.casefold(), org)

    def label(self, org: str) -> str:
        """The name, or the id."""
        return self.get(org, org)

    def in_order(self, orgs: Iterable[str]) -> list[tuple[str, str]]:
        """Id and label of these schools, in the order of labels."""
        return [(org, self.label(org)) for org in sorted(orgs, key=self.order)]

    @cached_property
    def _orders(self) -> dict[str, tuple[str, str]]:
        return {org: (name.casefold(), org) for org, name in self.items()}


def school_names(organization: int, blobs: Blobs) -> SchoolNames:
    """Of the organization with this primary key. Schools without a known name are missing."""
    key = current_version(organization).files.get("building")
    row = DirectoryRow.objects.filter(organization=organization, name=_ORGS).order_by()
    orgs = row.annotate(text=Cast("rows", TextField())).values_list("text", flat=True).first()
    return _names(str(blobs.get(key, "the ledger of building")) if key else "", orgs or "[]")


@lru_cache(maxsize=16)
def _names(buildings: str, orgs: str) -> SchoolNames:
    """By a ledger's file, which never changes, and the list as it stands in the table."""
    names = SchoolNames(_buildings(buildings) if buildings else ())
    for one in json.loads(orgs):
        if one.get("name"):
            names[str(one["id"])] = str(one["name"])
    return names


def _buildings(path: str) -> list[tuple[str, str]]:
    """School and title of every building."""
    with parquet_reader() as db:
        source = f"read_parquet({quote(Path(path))})"
        rows = db.execute(
            f"SELECT school, any_value(title) FROM {source} WHERE school IS NOT NULL GROUP BY 1"
        ).fetchall()
    return [(school, title) for school, title in rows if title]
