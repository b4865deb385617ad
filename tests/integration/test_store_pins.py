"""Pins in the store: one a place, safe to write twice, ended with a reason (rule 28)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from rollbook.core.protocols import Pin
from rollbook.errors import LeaseLost
from rollbook.store.ids import new_run_id
from rollbook.store.lease import Lease, claim
from rollbook.store.models import Organization, PinRow, Run
from rollbook.store.pins import StoredPins
from rollbook.store.runs import give_up
from tests.cli.kit import open_store

FIRST = Pin("user", "sam", "first_name", '"Sam"', '"Samuel"', "A")
OUT = Pin("enrollment", "k1|sam", "", "null", '{"section":"k1","user":"sam","admin":false}', "A")


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    with open_store(tmp_path):
        organization = Organization.objects.create(slug="maple", name="Maple")
        yield claimed(organization)


def claimed(organization: Organization) -> Lease:
    run = Run.objects.create(id=new_run_id(), organization=organization, requested_by="test")
    found = claim(run.pk, "one")
    assert found is not None
    return found


def later(days: int = 30):
    return timezone.now() + timedelta(days=days)


def test_pins_are_kept_once_however_often_a_run_settles(lease: Lease) -> None:
    pins = StoredPins(lease)
    for _ in range(3):
        pins.keep([FIRST, OUT], later())
    assert list(pins.active(timezone.now())) == [FIRST, OUT]
    assert PinRow.objects.count() == 2


def test_a_second_undo_keeps_what_the_sis_said_first(lease: Lease) -> None:
    """The ledger shows the pinned value by then, not the SIS's."""
    StoredPins(lease).keep([FIRST], later())
    StoredPins(lease).keep([Pin("user", "sam", "first_name", '"Older"', '"Sam"', "A")], later())
    assert list(StoredPins(lease).active(timezone.now())) == [
        Pin("user", "sam", "first_name", '"Older"', '"Samuel"', "A")
    ]


def test_undoing_the_undo_ends_its_pins_and_settling_twice_does_not_pin_again(lease: Lease) -> None:
    pins = StoredPins(lease)
    pins.keep([FIRST, OUT], later())
    back = [
        Pin("user", "sam", "first_name", '"Samuel"', '"Sam"', "A"),
        Pin("enrollment", "k1|sam", "", OUT.sis, "null", "A"),
    ]
    for _ in range(2):
        pins.keep(back, later())
        assert list(pins.active(timezone.now())) == []
    assert {row.why for row in PinRow.objects.all()} == {"the undo was undone"}


def test_ended_and_expired_pins_make_room_for_new_ones(lease: Lease) -> None:
    pins = StoredPins(lease)
    pins.keep([FIRST], later(-1))
    assert list(pins.active(timezone.now())) == []
    pins.keep([FIRST], later())
    assert list(pins.active(timezone.now())) == [FIRST]
    pins.end([FIRST.place, ("user", "nobody", "first_name")])
    assert list(pins.active(timezone.now())) == []
    pins.keep([FIRST], later())
    assert PinRow.objects.filter(ended_at__isnull=True).count() == 1
    assert PinRow.objects.count() == 3


def test_many_pins_are_loaded_and_kept(lease: Lease) -> None:
    many = [Pin("user", f"u{place}", "email", f'"{place}"', "null", None) for place in range(1200)]
    StoredPins(lease).keep(iter(many), later())
    assert len(StoredPins(lease).active(timezone.now())) == 1200


def test_pins_of_another_organization_are_not_seen(lease: Lease) -> None:
    StoredPins(lease).keep([FIRST], later())
    other = StoredPins(claimed(Organization.objects.create(slug="oak", name="Oak")))
    assert list(other.active(timezone.now())) == []
    other.end([FIRST.place])
    assert list(StoredPins(lease).active(timezone.now())) == [FIRST]


def test_without_the_lease_nothing_is_pinned_or_ended(lease: Lease) -> None:
    StoredPins(lease).keep([FIRST], later())
    give_up(lease)
    claim(lease.run, "two")
    with pytest.raises(LeaseLost):
        StoredPins(lease).keep([OUT], later())
    with pytest.raises(LeaseLost):
        StoredPins(lease).end([FIRST.place])
    assert PinRow.objects.filter(ended_at__isnull=True).count() == 1
