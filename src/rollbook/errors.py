"""The error tree. Each error is named by who must act; none carries a secret or personal data.

RollbookError
├── ConfigError             the admin: a setting is wrong
│   └── MappingError        the admin: a mapping points to something that is not there
├── AuthFailed              the admin: renew the credentials
├── Unavailable             nobody yet: retry, pause, resume
│   └── Throttled           nobody yet: the other side asked us to wait
├── NotAllowed              a teacher: allow Rollbook to read the section's gradebook
├── BadResponse             the vendor: the other side broke the protocol
│   └── BatchRefused        nobody: one bulk call was refused whole; the caller splits it
├── UnsafePlan              the acting user: look and approve
├── StalePlan               the acting user: plan again
├── RunCancelled            nobody: a person stopped the run
├── LeaseLost               nobody: another worker took the run over
├── BlobLost                the operator: bring back a stored file from a backup
├── DiskFull                the operator: make room on the server
├── Interrupted             the operator: see what ends the worker
└── Bug                     the developers: please report
"""

from __future__ import annotations


class RollbookError(Exception):
    """Base of all errors that Rollbook raises on purpose. `who` names who must act."""

    who = "the admin"
    exit_code = 1


class ConfigError(RollbookError):
    """A setting is missing or wrong."""

    exit_code = 2


class MappingError(ConfigError):
    """A mapping points to a building, grading period or role that the LMS does not have."""


class AuthFailed(RollbookError):
    """The other side refused our credentials; renew them."""

    who = "the admin, who renews the credentials"


class NotAllowed(RollbookError):
    """A gradebook is read by permission of the section's teachers, and there is none that works."""

    who = "a teacher of the section, who allows Rollbook to read its gradebook"


class Unavailable(RollbookError):
    """The other side does not answer now; the run pauses and can be resumed."""

    who = "nobody yet; the run can be repeated"


class Throttled(Unavailable):
    """The other side asked us to wait longer than we are willing to: `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadResponse(RollbookError):
    """The other side broke the protocol."""

    who = "the vendor of the other system"


class BatchRefused(BadResponse):
    """A bulk call was refused as a whole with a 4xx; `status` is the HTTP code."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UnsafePlan(RollbookError):
    """The plan goes beyond a limit; a person looks and approves."""

    who = "the acting user, who looks and approves"
    exit_code = 3


class StalePlan(RollbookError):
    """The ledger or the settings moved on since the plan was made; plan again."""

    who = "the acting user, who plans again"


class RunCancelled(RollbookError):
    """A person stopped the run."""

    who = "nobody"


class LeaseLost(RollbookError):
    """Another worker took this run over; this one must not send anything more."""

    who = "nobody"


class BlobLost(RollbookError):
    """A stored file (ledger, plan, findings …) is missing or damaged. Nothing is sent or removed until it is back."""

    who = "the operator of this server, who restores a backup"


class DiskFull(RollbookError):
    """The server has no room left; make some, and run again."""

    who = "the operator of this server, who makes room"


class Interrupted(RollbookError):
    """The worker of a run ended again and again at the same place, most likely for want of memory."""

    who = "the operator of this server, who looks what ends its workers; if nothing does, the developers"


class Bug(RollbookError):
    """Something that cannot happen happened; please report it."""

    who = "the developers; please report it"


def known_name(error: BaseException) -> str:
    """The name of the tree above that people are told; connectors have finer ones of their own."""
    names = (found.__name__ for found in type(error).__mro__ if found.__module__ == __name__)
    return next(names, type(error).__name__)
