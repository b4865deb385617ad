"""What a read that is not whole must not take away from people (rule 20's spirit, for buildings). Compares nothing."""

from __future__ import annotations

from rollbook.core.duck import Connection


def keep_places(db: Connection, *, roles: bool) -> None:
    """People whose org or role may only be missing because a part of the SIS could not be read keep their main
    building, their role and their other buildings; what is new is still given. `roles`: they are a collection of their
    own, and not all of them were read."""
    db.execute(f"""
        UPDATE desired_user SET building = l.building, role = l.role,
            additional_buildings = list_sort(list_filter(list_distinct(list_concat(
                desired_user.additional_buildings, [desired_user.building], coalesce(l.additional_buildings, []))),
                lambda b: b <> l.building))
        FROM ledger_user l
        WHERE l.key = desired_user.key AND l.building IS NOT NULL
          AND (l.building <> desired_user.building OR ({roles} AND l.role <> desired_user.role)
               OR NOT list_has_all(desired_user.additional_buildings, coalesce(l.additional_buildings, [])))""")
