"""Names trouble that no stage names: a full disk, a lack of memory, else a bug. Carries no value of any record."""

from __future__ import annotations

import errno

import duckdb
from django.db import DatabaseError, Error

from rollbook.errors import Bug, DiskFull, RollbookError

_FULL = ("no space left", "disk is full", "could not write", "disk quota")


def told(error: BaseException, work: str) -> RollbookError:
    """What the person who must act is told; `work` says what was being done, e.g. `run X`."""
    if is_full(error):
        return DiskFull("the disk of the data folder is full; nothing is lost, and the next run goes on from here")
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return DiskFull("there is not enough memory or scratch space for this run; give the worker more of both")
    return Bug(f"{type(error).__name__} while working on {work}")


def silence(error: Error) -> str:
    """Why the database does not answer, in words for the log."""
    if is_full(error):
        return "the disk of the database is full"
    return f"the database does not answer ({type(error).__name__})"


def is_full(error: BaseException | None) -> bool:
    """Did the disk have no room left, for a file or for the database?"""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, duckdb.Error | DatabaseError) and any(word in str(error).lower() for word in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False
