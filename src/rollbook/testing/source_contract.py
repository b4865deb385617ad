"""The promises of a source as tests. An author subclasses `SourceContract` and overrides its fixtures."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.connectors.base import Page, ReadRequest, Source
from rollbook.errors import AuthFailed, RollbookError, Throttled, Unavailable
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.testing import odd
from rollbook.testing.watch import CountingContext, Watched

SomeSource = Callable[[str], Source]


class SourceContract(Watched):
    """What every SIS connector promises.

    Override the fixtures `source` and `expected`, and `broken` for the faults that can happen to it; name the faults
    that cannot in `lacks`, with the reason. A source whose pages are files leaves `encode_page` alone.
    """

    #: Faults that this kind of system does not have, and why; their tests are skipped with these words.
    lacks: Mapping[str, str] = {}
    #: Pages that may be asked for ahead of the one that is being looked at.
    ahead = 0

    @pytest.fixture
    def source(self, context: CountingContext) -> Source:
        """A source, made from `context`, over data in which at least one collection has several pages if it can."""
        raise NotImplementedError

    @pytest.fixture
    def expected(self) -> Mapping[str, Iterable[str]]:
        """The sourcedIds that each collection of `source` holds."""
        raise NotImplementedError

    @pytest.fixture
    def broken(self, context: CountingContext) -> SomeSource:
        """Makes a source with a fault: `half_read` (users break off after some pages), `throttle` (a wait longer than
        the kit is willing to wait), `unreachable`, `wrong_key`, `missing_page` (users lack one page or file)."""
        raise NotImplementedError

    def encode_page(self, collection: str, records: Sequence[Any]) -> bytes | None:
        """A page body of these JSON records, for sources that send bodies."""
        return None

    def test_collections_come_in_reading_order(self, source: Source) -> None:
        offered = source.collections()
        assert offered
        assert list(offered) == [name for name in COLLECTIONS if name in offered]

    def test_reads_everything_and_says_so(self, source: Source, expected: Mapping[str, Iterable[str]]) -> None:
        assert set(source.collections()) == set(expected)
        for name, ids in expected.items():
            reading = source.read(ReadRequest(collection=name))
            rows = [row for page in reading for row in rows_of(source, page) if row[0] == name]
            assert sorted(row["sourcedId"] or "" for _, row in rows) == sorted(ids), name
            assert reading.verdict.complete, f"{name}: {reading.verdict.reason}"
            assert reading.verdict.collection == name
            assert reading.verdict.mode in ("bulk", "delta")

    def test_pages_are_numbered_named_and_of_one_form(self, source: Source) -> None:
        for name in source.collections():
            pages = list(source.read(ReadRequest(collection=name)))
            assert [page.number for page in pages] == list(range(len(pages)))
            assert len({page.name for page in pages}) == len(pages)
            for page in pages:
                assert page.collection == name
                assert (page.body is None) != (page.path is None)
                assert page.body is not None or page.columns

    def test_read_asks_nothing_until_it_is_iterated(self, source: Source, context: CountingContext) -> None:
        offered = source.collections()
        before = context.requests
        for name in offered:
            source.read(ReadRequest(collection=name))
        assert context.requests == before

    def test_pages_are_fetched_as_they_are_wanted(self, source: Source, context: CountingContext) -> None:
        for name in source.collections():
            pages = iter(source.read(ReadRequest(collection=name)))
            first = next(pages, None)
            after_first = context.requests
            rest = len(list(pages))
            if first is not None and rest > self.ahead:
                assert context.requests > after_first, f"{name} was fetched before it was wanted"

    def test_a_read_is_incomplete_until_its_end(self, source: Source) -> None:
        for name in source.collections():
            reading = source.read(ReadRequest(collection=name))
            pages = iter(reading)
            if next(pages, None) is not None and next(pages, None) is not None:
                assert not reading.verdict.complete

    def test_saved_pages_are_not_fetched_again(
        self, source: Source, context: CountingContext, tmp_path: Path, expected: Mapping[str, Iterable[str]]
    ) -> None:
        for name in source.collections():
            before = context.requests
            pages = list(source.read(ReadRequest(collection=name)))
            spent, saved = context.requests - before, {}
            for page in pages:
                if page.body is not None:
                    saved[page.number] = tmp_path / f"{name}-{page.number}"
                    saved[page.number].write_bytes(page.body)
            reading = source.read(ReadRequest(collection=name, saved=saved))
            before = context.requests
            again = list(reading)
            assert reading.verdict.complete
            assert [page.number for page in again] == [page.number for page in pages]
            rows = [row for page in again for row in rows_of(source, page) if row[0] == name]
            assert sorted(row["sourcedId"] or "" for _, row in rows) == sorted(expected[name])
            if len(saved) > 1:
                assert context.requests - before < spent, f"{name}: saved pages were fetched again"

    def test_a_half_read_is_never_complete(self, broken: SomeSource) -> None:
        self._read_badly("half_read", broken)

    def test_a_missing_page_is_never_complete(self, broken: SomeSource) -> None:
        self._read_badly("missing_page", broken)

    def _read_badly(self, fault: str, broken: SomeSource) -> None:
        reading = self._broken(fault, broken).read(ReadRequest(collection="users"))
        try:
            list(reading)
        except RollbookError as error:
            self.assert_error_is_quiet(error)
        else:
            assert not reading.verdict.complete
            assert reading.verdict.reason
            self.assert_quiet(reading.verdict.reason, "a verdict")

    def test_being_throttled_surfaces(self, broken: SomeSource) -> None:
        source = self._broken("throttle", broken)
        with self.raises(Throttled) as raised:
            list(source.read(ReadRequest(collection="users")))
        assert isinstance(raised[0], Throttled)
        assert raised[0].retry_after > 0

    def test_an_unreachable_system_is_unavailable(self, broken: SomeSource) -> None:
        source = self._broken("unreachable", broken)
        with self.raises(Unavailable):
            source.test()
        with self.raises(Unavailable):
            list(source.read(ReadRequest(collection="users")))

    def test_a_wrong_key_is_auth_failed(self, broken: SomeSource) -> None:
        source = self._broken("wrong_key", broken)
        with self.raises(AuthFailed):
            source.test()
        with self.raises(AuthFailed):
            list(source.read(ReadRequest(collection="users")))

    def test_the_report_says_ok_and_nothing_private(self, source: Source) -> None:
        report = source.test()
        assert report.ok
        assert report.summary
        self.assert_quiet(f"{report!r}", "the report")

    def test_reprs_tell_nothing_private(self, source: Source) -> None:
        reading = source.read(ReadRequest(collection="users"))
        for page in reading:
            self.assert_quiet(repr(page), "a page")
        self.assert_quiet(f"{source!r} {reading!r} {reading.verdict!r} {reading.findings!r}", "a repr")

    @settings(
        max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(data=st.data())
    def test_rows_is_pure_and_total(self, source: Source, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(source.collections()))
        body = self.encode_page(name, data.draw(odd.records(name)))
        if body is None:
            body = data.draw(st.binary(max_size=40))
        rows = [(collection, dict(row)) for collection, row in source.rows(name, body)]
        assert rows == [(collection, dict(row)) for collection, row in source.rows(name, body)]
        for collection, row in rows:
            assert set(row) <= set(COLLECTIONS[collection].columns)
            assert all(value is None or isinstance(value, str) for value in row.values())

    def test_closing_twice_is_fine(self, source: Source) -> None:
        source.close()
        source.close()

    def _broken(self, fault: str, broken: SomeSource) -> Source:
        if fault in self.lacks:
            pytest.skip(self.lacks[fault])
        return broken(fault)


def rows_of(source: Source, page: Page) -> list[tuple[str, Mapping[str, str | None]]]:
    """The rows of a page, whichever form it has."""
    if page.body is not None:
        return list(source.rows(page.collection, page.body))
    assert page.path is not None
    if not page.columns:  # a saved body
        return list(source.rows(page.collection, page.path.read_bytes()))
    with page.path.open(encoding="utf-8-sig", newline="") as file:
        names = {theirs: ours for ours, theirs in page.columns.items()}
        return [
            (page.collection, {names[theirs]: value for theirs, value in row.items() if theirs in names})
            for row in csv.DictReader(file)
        ]
