"""What a failed transaction means: try again, no room, the machine's fault. Nothing here is the case's."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

Given = TypeVar("Given")
# PostgreSQL: serialization failure, deadlock, lock not available
_TRANSIENT = {"40001", "40P01", "55P03"}


def is_transient(error: DBAPIError) -> bool:
    """True when the same transaction may well succeed if it is run again."""
    if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TRANSIENT:
        return True
    return isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig)


_DISK_FULL = "53100"  # PostgreSQL
_SQLITE_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}


def is_out_of_space(error: BaseException | None) -> bool:
    """True when a disk had no room, the database's or the files': nobody's fault but the machine's, so nobody's answer.

    Looks at what the error came from, too: SQLite ends the whole transaction, and leaving a savepoint then fails as well.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        orig = error.orig if isinstance(error, DBAPIError) else None
        if getattr(orig, "sqlstate", None) == _DISK_FULL or getattr(orig, "sqlite_errorcode", None) in _SQLITE_FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def is_machines_fault(error: BaseException) -> bool:
    """True where what failed says nothing about the case: give the transaction up, do not journal it as an answer."""
    return is_out_of_space(error) or (isinstance(error, DBAPIError) and is_transient(error))


def retry_deadlocks(run: Callable[[], Given], attempts: int = 3) -> Given:
    """What `run` gives. It is tried up to `attempts` times where the database ended its transaction by itself.

    run: opens its own transaction() and has no other effect. For edges only: inner code lets such errors pass.
    """
    for left in range(attempts - 1, -1, -1):
        try:
            return run()
        except DBAPIError as error:
            if left == 0 or not is_transient(error):
                raise
    raise AssertionError("attempts is at least 1")
