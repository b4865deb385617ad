"""Keeping what a SIS or LMS listed, for the pages to offer. Reads no connection; never holds a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from rollbook.store.audit import audit
from rollbook.store.locks import lock_organization
from rollbook.store.models import DirectoryRow, Organization

Row = dict[str, Any]


def keep_lists(
    *, organization: Organization, side: str, lists: Mapping[str, list[Row]], digest: str, now: datetime, by: str
) -> None:
    """Store lists by name (`sis.orgs`), all of them or none, with one audit row. `digest` is that of the connection
    they were read over."""
    with transaction.atomic():
        lock_organization(organization.pk)
        for name, rows in lists.items():
            found = {"rows": rows, "digest": digest, "read_at": now}
            DirectoryRow.objects.update_or_create(organization=organization, name=name, defaults=found)
        counts = ", ".join(f"{name} {len(rows)}" for name, rows in lists.items())
        audit(by=by, action="read lists", organization=organization.slug, subject=side, details=counts)
