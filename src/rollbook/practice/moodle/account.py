"""What may be amiss with the account of the token, by its errorcode."""

from __future__ import annotations

from typing import Final

from rollbook.practice.moodle.thrown import Thrown

#: Noticed before the function is looked for (authenticate_user).
_BEFORE_ALL: Final = {
    "wsaccessuserdeleted": "Refused web service access for deleted username: rollbook",
    "wsaccessuserunconfirmed": "Refused web service access for unconfirmed username: rollbook",
    "wsaccessusersuspended": "Refused web service access for suspended username: rollbook",
    "wsaccessuserexpired": "Refused web service access for password expired username: rollbook",
    "wsaccessusernologin": "Refused web service access for nologin authentication username: rollbook",
}
#: Noticed by each function that asks who is logged in (validate_context, require_login).
_IN_FUNCTIONS: Final = {
    "forcepasswordchangenotice": "You must change your password to proceed",
    "nopasswordchangeforced": "You cannot proceed without changing your password, however there is no available page",
    "usernotfullysetup": "User not fully set-up",
    "sitepolicynotagreed": "Site policy not agreed",
    "restrictedcontextexception": "Context restriction error",
}
ACCOUNTS: Final = frozenset({"", *_BEFORE_ALL, *_IN_FUNCTIONS})
#: Says who it is called by, and asks for no more.
_ASKS_NOTHING: Final = "core_webservice_get_site_info"


def account_amiss(account: str) -> Thrown | None:
    """What keeps the account of the token out; `account` is the setting."""
    return Thrown(account, _BEFORE_ALL[account]) if account in _BEFORE_ALL else None


def account_unfit(account: str, function: str) -> Thrown | None:
    """What keeps it from this function."""
    if account not in _IN_FUNCTIONS or function == _ASKS_NOTHING:
        return None
    return Thrown(account, _IN_FUNCTIONS[account])
