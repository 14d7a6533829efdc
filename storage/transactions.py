"""Sessions and transactions. Plain SQLAlchemy; `api/` adds its session per request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, sessionmaker

from storage import dialect
from storage.dialect import begin

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

        On PostgreSQL, where a savepoint waits for its first statement (storage/pipeline.py), as the ORM's does elsewhere.
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
