"""Base, column types, engines and transactions. Plain SQLAlchemy; `api/` adds its session per request."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, Engine, LargeBinary, MetaData, String, create_engine, event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

import dialect
from dialect import begin, with_flights

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime; naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset was given to the database")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


ID_LENGTH = 26  # of new_id()
Id = String(ID_LENGTH)
Bytes = LargeBinary

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [
    first + second for first in _CROCKFORD for second in _CROCKFORD
]  # ten bits each, in the order of their values


def new_id() -> str:
    """26 characters: 48 bits of time in ms, then 82 random bits. Sorts by creation, guessable by nobody."""
    value = (time.time_ns() // 1_000_000 << 82) | int.from_bytes(os.urandom(11), "big") >> 6
    return "".join([_PAIRS[value >> place & 1023] for place in range(120, -1, -10)])


def make_engine(url: str, **options: Any) -> Engine:  # Any: passed through to SQLAlchemy
    """An engine with what this platform relies on. SQLite: WAL, foreign keys, 10 s busy timeout. PostgreSQL: autocommit.

    On PostgreSQL each statement outside of transaction() sees what is committed, as READ COMMITTED has it anyway, with no
    BEGIN before it and no ROLLBACK after it. Give a connection `isolation_level="READ COMMITTED"` for one by hand.
    """
    place = make_url(url)
    if place.get_backend_name() == "postgresql":
        return create_engine(with_flights(place), isolation_level="AUTOCOMMIT", **options)
    engine = create_engine(place, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event below sends BEGIN itself
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later is refused with BUSY_SNAPSHOT: writers take the lock at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


Hook = Callable[[Session], None]
_BEFORE_COMMIT: list[Hook] = []


def before_commit(hook: Hook) -> Hook:
    """Have `hook(session)` called before any session commits, and at the end of the ORM's savepoints. A decorator."""
    _BEFORE_COMMIT.append(hook)
    event.listen(Session, "before_commit", hook)
    return hook


class PlatformSession(Session):
    """A session whose transaction() costs nothing of the ORM where no object is loaded or added.

    While it writes it is bound to a connection with an open transaction, which the ORM joins if it is used at all
    (SQLAlchemy, "Joining a Session into an External Transaction").
    """

    _writes_on: Connection | None = None

    def begin_writing(self, engine: Engine) -> None:
        is_postgres = engine.dialect.name == "postgresql"
        connection = engine.connect() if is_postgres else engine.connect().execution_options(writes=True)
        self._writes_on = self.bind = connection
        connection.begin()
        if is_postgres:
            begin(connection)

    def connection(self, *args: Any, **kwargs: Any) -> Connection:
        if self._writes_on is None or self.in_nested_transaction() or args or kwargs:
            return super().connection(*args, **kwargs)  # which sends the savepoint when it is first asked within it
        return self._writes_on

    def commit(self) -> None:
        if self._writes_on is None or self.in_transaction() or self.new:
            super().commit()
        else:
            for hook in _BEFORE_COMMIT:
                hook(self)
        if self._writes_on is not None and (begun := self._writes_on.get_transaction()) is not None:
            begun.commit()

    def rollback(self) -> None:
        if self._writes_on is None:
            super().rollback()
            return
        super().close()  # whatever it joined, a savepoint perhaps, is over with the transaction around it
        if (begun := self._writes_on.get_transaction()) is not None:
            begun.close()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """begin_nested(), at a tenth of its cost where the ORM has had nothing to do with this transaction yet.

        On PostgreSQL, where a savepoint waits for its first statement (flights.py), as the ORM's does elsewhere.
        """
        writes_on = self._writes_on
        if writes_on is None or writes_on.dialect.name != "postgresql" or self.in_transaction() or self.new:
            with self.begin_nested():
                yield
            return
        with writes_on.begin_nested():
            try:
                yield
                self.flush()
            except BaseException:
                super().close()  # objects that came with the block go with it
                raise

    def close(self) -> None:
        if self._writes_on is None or self.in_transaction() or self.identity_map or self.new:
            super().close()
        if self._writes_on is not None:
            self.bind = self._writes_on.engine
            self._writes_on.close()
            self._writes_on = None


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Sessions for reading; `transaction()` gives the ones that write."""
    return sessionmaker(
        engine,
        class_=PlatformSession,
        join_transaction_mode="rollback_only",
        expire_on_commit=False,
        autoflush=False,
    )


def nested(session: Session) -> AbstractContextManager[Any]:
    """A savepoint that is undone when its block raises."""
    return session.savepoint() if isinstance(session, PlatformSession) else session.begin_nested()


AfterCommit = Callable[[], None]


def after_commit(session: Session, action: AfterCommit) -> None:
    """Run `action` once `session`'s transaction() has committed; never when it rolls back."""
    session.info.setdefault("after_commit", []).append(action)


def commit_unsynced(session: Session) -> None:
    """Let this transaction commit before the disk has it: only for what may as well be lost when the database crashes.

    PostgreSQL; in WAL mode SQLite commits all so (`synchronous=NORMAL`).
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        dialect.commit_unsynced(connection)


@contextmanager
def transaction(factory: Callable[[], Session]) -> Iterator[Session]:
    """One write transaction: commits at the end, rolls back on any exception; then runs what `after_commit` took."""
    with factory() as session:
        try:
            _begin_writing(session)
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            session.info.clear()
            raise
        actions = session.info.pop("after_commit", [])
        session.info.clear()
    for action in actions:
        action()


def _begin_writing(session: Session) -> None:
    bind = session.get_bind()
    if isinstance(session, PlatformSession) and isinstance(bind, Engine):
        session.begin_writing(bind)
    elif bind.dialect.name == "postgresql":
        begin(session.connection())
    else:
        session.connection(execution_options={"writes": True})


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
