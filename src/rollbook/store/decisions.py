"""What people decided in Data Prep, as runs ask for it, and as it is kept."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction
from django.utils import timezone

from rollbook.core.protocols import Decision
from rollbook.store.models import MatchDecision


def decisions_of(organization: int) -> list[Decision]:
    """Every decision about people of this organization."""
    rows = MatchDecision.objects.filter(organization=organization, kind="user").order_by("key")
    return [
        Decision(key, choice, tuple(lms_ids.split()))
        for key, choice, lms_ids in rows.values_list("key", "choice", "lms_id")
    ]


def keep_decisions(organization: int, decisions: Iterable[Decision], by: str) -> None:
    """They replace earlier ones about the same people. In plain SQL: a file brings tens of thousands."""
    names = ("organization_id", "kind", "key", "choice", "lms_id", "by", "at")
    table, quoted = MatchDecision._meta.db_table, [connection.ops.quote_name(name) for name in names]
    new = ", ".join(f"{name} = excluded.{name}" for name in quoted[3:])
    words = (
        f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({', '.join(['%s'] * len(names))}) "
        f"ON CONFLICT ({', '.join(quoted[:3])}) DO UPDATE SET {new}"
    )
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    rows = [(organization, "user", one.key, one.choice, " ".join(one.lms_ids), by, now) for one in decisions]
    if rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(words, rows)
