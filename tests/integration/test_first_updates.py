"""Updates of what a first plan links are measured by what it links, not by an empty ledger (rule 25)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import Organization, reasons, small

Make = Callable[..., Organization]

pytestmark = pytest.mark.rule(25)


@pytest.mark.parametrize(("differ", "held"), [(110, False), (190, True)])
def test_updates_at_the_first_match(organization: Make, differ: int, held: bool) -> None:
    district = small()
    for number in range(200):
        district.student(
            f"s{number}", username=f"s{number}", givenName="Sam", familyName="Quimby", email=f"s{number}@x.example"
        )
    org = organization(district)
    place = org.lms.add("building", "A", {"title": "School A", "code": "A"}).lms_id
    for number in range(200):
        name = "Other" if number < differ else "Sam"
        fields = {
            "first_name": name,
            "last_name": "Quimby",
            "username": f"s{number}",
            "role": "Student",
            "building": place,
        }
        org.lms.add("user", f"s{number}", fields | {"email": f"s{number}@x.example", "additional_buildings": []})
    result = org.run()
    assert (("limit", "user") in reasons(result)) == held, result.holds
