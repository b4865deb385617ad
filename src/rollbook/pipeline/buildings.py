"""Buildings: one key for each building of the LMS, however the school mapping spells it. Maps no school."""

from __future__ import annotations

from collections.abc import Iterable

from rollbook.core.duck import Connection, texts


class Buildings:
    """`org:…`, `id:7` and `code:X` may all name one building. What the ledger calls it stays its key; where it
    knows none, the first spelling in this run counts. `made`: (key, code) of schools that get their own."""

    def __init__(self, db: Connection, made: Iterable[tuple[str, str]]) -> None:
        self._db = db
        self._ledger: dict[str, list[str]] = {}
        rows = db.execute("SELECT key, lms_id FROM ledger_building WHERE lms_id IS NOT NULL ORDER BY 1").fetchall()
        for key, lms_id in rows:
            self._ledger.setdefault(lms_id, []).append(key)
        self._new: dict[str, str] = {}
        codes = {code: key for key, code in made}
        self._in_use = frozenset(codes.values())
        for lms_id, code in db.execute("SELECT lms_id, code FROM live_building WHERE code IS NOT NULL").fetchall():
            if code in codes:  # there already: it is adopted under this key
                self._new[lms_id] = codes[code]

    def find(self, value: str) -> tuple[str, str, str] | None:
        """(key, title, code) of the building that a mapping names; None when the LMS does not have it."""
        by, _, wanted = value.partition(":")
        column = {"id": "lms_id", "code": "code"}.get(by)
        if column is None:
            return None
        query = f"SELECT lms_id, title, coalesce(code, lms_id) FROM live_building WHERE {column} = $wanted"
        row = self._db.execute(query, {"wanted": wanted}).fetchone()
        return (self._key(value, row[0]), row[1], row[2]) if row else None

    def _key(self, value: str, lms_id: str) -> str:
        names = self._ledger.get(lms_id, [])
        if len(names) > 1:  # an older version gave it two: records stay under theirs
            names = [name for name in names if name in self._used()] or names[:1]
        if len(names) > 1 and value in names:
            return value
        return names[0] if names else self._new.setdefault(lms_id, value)

    def _used(self) -> frozenset[str]:
        self._in_use |= frozenset(
            texts(
                self._db,
                """
                SELECT building FROM ledger_user UNION SELECT building FROM ledger_course
                UNION SELECT unnest(additional_buildings) FROM ledger_user""",
            )
        )
        return self._in_use
