"""The scratch tables of a grade run, which fill up section by section: changes, findings, and what the guard counts by.

`school` of a change is its section: limits hold per section, and so do holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from rollbook.core.changes_table import COLUMNS, HELD, SEND, WAITING, create_tables
from rollbook.core.duck import Connection, fill, quote
from rollbook.core.found import create_found
from rollbook.core.protocols import Blobs
from rollbook.core.stored import COUNTS
from rollbook.passback.compare import CATEGORY, LINE_ITEM, RESULT, Compared, Row
from rollbook.passback.grade_types import Desired, Entries, Found, ItemCount, SectionRead
from rollbook.roster.changes import Fields
from rollbook.roster.grades import GRADE_KINDS

_FOUND = {
    "code": "VARCHAR", "collection": "VARCHAR", "id": "VARCHAR", "school": "VARCHAR", "other": "VARCHAR",
    "detail": "VARCHAR", "dependants": "BIGINT",
}  # fmt: skip
#: Rows that wait in memory before they are written into a table.
_AT_ONCE: Final = 4096
_encode = msgspec.json.Encoder().encode


class Tables:
    """Of one run. `counts` are by kind, as far as the sections tell; the changes' own are added at the end."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._waiting: dict[str, tuple[dict[str, str], list[tuple[Any, ...]]]] = {}
        self.counts = {kind: dict.fromkeys(COUNTS, 0) for kind in GRADE_KINDS}
        create_found(db)
        create_tables(db, GRADE_KINDS)
        db.execute("CREATE TABLE ledger_category (key VARCHAR, school VARCHAR)")
        db.execute("CREATE TABLE ledger_line_item (key VARCHAR, school VARCHAR, gone BOOLEAN)")
        db.execute("CREATE TABLE result_count (school VARCHAR, n BIGINT)")
        db.execute("CREATE VIEW ledger_result AS SELECT school, unnest(range(n)) FROM result_count")
        for kind, gone in (("category", "false"), (LINE_ITEM, "gone")):
            db.execute(f"""
                CREATE VIEW eff_{kind} AS SELECT key, false AS adopt, {gone} AS deleted, false AS inactive,
                       CAST(NULL AS VARCHAR) AS old_key, false AS deactivated FROM ledger_{kind}""")

    def add(self, read: SectionRead, wanted: Desired, compared: Compared) -> None:
        """Take in one section."""
        section = read.wish.code
        self.note(section, wanted.findings)
        self._changes(section, CATEGORY, [row for row in compared.rows if row.kind == CATEGORY], wanted)
        for kind in (LINE_ITEM, RESULT):
            self._changes(section, kind, [row for row in compared.rows if row.kind == kind], wanted)
            self.counts[kind]["unchanged"] += compared.unchanged[kind]
            self.counts[kind]["blocked"] += wanted.blocked[kind]
        self.counts[LINE_ITEM]["read"] += len(read.book.items)
        self.counts[RESULT]["read"] += len(read.book.grades)
        self._known(section, read.had, read.live)

    def add_rows(self, section: str, rows: list[Row], had: Entries, live: Mapping[str, Mapping[str, Fields]]) -> None:
        """Take in changes of a section that come from no comparison."""
        for kind in (LINE_ITEM, RESULT):
            self._changes(section, kind, [row for row in rows if row.kind == kind], Desired())
        self._known(section, had, live)

    def _known(self, section: str, had: Entries, live: Mapping[str, Mapping[str, Fields]]) -> None:
        items = had[LINE_ITEM]
        if items:
            shown = live.get(LINE_ITEM, {})
            rows = ((key, section, entry.made and (entry.lms_id or key) not in shown) for key, entry in items.items())
            self._insert("ledger_line_item", {"key": "VARCHAR", "school": "VARCHAR", "gone": "BOOLEAN"}, rows)
        if had[RESULT]:
            self._insert("result_count", {"school": "VARCHAR", "n": "BIGINT"}, [(section, len(had[RESULT]))])

    def note(self, section: str, findings: Iterable[Found]) -> None:
        """Take in findings of a section."""
        rows = [
            (one.code, one.collection, one.id, section, one.other or None, one.detail or None, one.dependants)
            for one in findings
        ]
        if rows:
            self._insert("found", _FOUND, rows)

    def recall(self, findings: str | None, blobs: Blobs) -> None:
        """Take in the findings that planning kept. Raises BlobLost."""
        if findings is not None:
            path = quote(blobs.get(findings, "the findings of this run"))
            self._db.execute(f"INSERT INTO found BY NAME SELECT * EXCLUDE (severity) FROM read_parquet({path})")

    def wait_for_results(self) -> None:
        """After the guard: a line item is not removed while one of its results stays."""
        self._db.execute(f"""
            UPDATE changes_line_item SET state = '{WAITING}', reason = 'result'
            WHERE action = 'remove' AND state = '{SEND}'
              AND key IN (SELECT p_line_item FROM changes_result WHERE action = 'remove' AND state <> '{SEND}')""")

    def plan_counts(self) -> dict[str, dict[str, int]]:
        """Counts per kind before anything is sent."""
        for kind, numbers in self.counts.items():
            rows = self._db.execute(f"SELECT state, action, count(*) FROM changes_{kind} GROUP BY ALL").fetchall()
            for state, action, number in rows:
                numbers[action if state == SEND else state] += number
        return self.counts

    def item_counts(self) -> Iterator[ItemCount]:
        """How many changes each item has, its results included."""
        rows = self._db.execute(f"""
            SELECT school, item, count(*) FILTER (state = '{SEND}'), count(*) FILTER (state = '{HELD}'),
                   count(*) FILTER (state NOT IN ('{SEND}', '{HELD}'))
            FROM (SELECT school, key AS item, state FROM changes_line_item
                  UNION ALL SELECT school, p_line_item, state FROM changes_result)
            GROUP BY ALL ORDER BY ALL""").fetchall()
        return (ItemCount(*row) for row in rows)

    def _changes(self, section: str, kind: str, rows: list[Row], wanted: Desired) -> None:
        """A category is a parent only where it is new: the SIS's own are there."""
        if not rows:
            return
        parent = next(iter(GRADE_KINDS[kind].parents), None)
        values = []
        for row in rows:
            needs = row.after.get(parent) if parent else None
            if kind == LINE_ITEM and needs not in wanted.categories:
                needs = None
            before, after = _text(row.before), _text(row.after)
            plain = (row.action, row.key, None, section, None, row.lms_id, before, after, row.state, row.reason)
            values.append((*plain, needs) if parent else plain)
        columns = COLUMNS | ({f"p_{parent}": "VARCHAR"} if parent else {})
        self._insert(f"changes_{kind}", columns, values)

    def _insert(self, table: str, columns: dict[str, str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Sections are small, and a statement for each of them would cost more than its rows."""
        _, waiting = self._waiting.setdefault(table, (columns, []))
        waiting += rows
        if len(waiting) >= _AT_ONCE:
            self._write(table)

    def flush(self) -> None:
        """Everything that was taken in stands in the tables afterwards."""
        for table in list(self._waiting):
            self._write(table)

    def _write(self, table: str) -> None:
        columns, rows = self._waiting.pop(table)
        fill(self._db, "incoming", columns, rows, temporary=True)
        self._db.execute(f"INSERT INTO {table} BY NAME FROM incoming")


def _text(fields: Fields | None) -> str | None:
    return None if fields is None else _encode(fields).decode()
