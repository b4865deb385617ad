"""Who the members of a gradebook are, where people may give themselves another's unique id in the LMS: whom the ledger
knows by their account. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rollbook.roster.grades import Gradebook


def told_by_account(book: Gradebook, accounts: Mapping[str, str]) -> tuple[Gradebook, dict[str, str]]:
    """The gradebook with the unique ids that the ledger has, whatever the LMS says of them; and of members (by their
    ids) the unique ids that they only say they have. `accounts` are LMS ids by unique id, of everybody in the ledger
    who has an account or a unique id of these members."""
    owners = {lms_id: key for key, lms_id in accounts.items()}
    strangers = {each.id: each.unique_id for each in book.members if each.unique_id and each.user not in owners}
    members = tuple(msgspec.structs.replace(each, unique_id=owners.get(each.user)) for each in book.members)
    return msgspec.structs.replace(book, members=members), strangers
