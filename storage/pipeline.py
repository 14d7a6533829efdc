"""A connection to PostgreSQL that sends together what belongs together (libpq's pipeline mode).

    connection = Connection.connect(…, autocommit=True)
    connection.control.begin()                         # nothing is sent
    asked = connection.ask_behind("SELECT … $1", [1])  # nothing is sent
    connection.answer("SELECT … $1 FOR UPDATE", [1])   # BEGIN, this one and the one before go together; asked.answer is there
    connection.defer("UPDATE … $1", [2])               # nothing is sent
    connection.commit()                                # UPDATE and COMMIT go together

BEGIN, SAVEPOINT and RELEASE wait for the statement they are about, and so do statements nobody waits for the answer of: what
waits is sent in its order before whatever is sent next. A round trip costs both sides a change of process and cold caches,
which is more than most statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from storage import seam
from storage.commands import Answer, Asked, Command, Row
from storage.exchange import Exchange
from storage.plans import Plans


class Connection(psycopg.Connection[Row]):
    """For one thread at a time. Out of autocommit, and by what cursor() gives, it is psycopg's own and nothing waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adaptation = seam.adaptation_of(self)
        self._plans = Plans(adaptation)
        self._exchange = Exchange(self, self._plans, adaptation)
        self._behind: list[Asked] = []
        self.control = TransactionControl(self._plans, self._exchange)

    def answer(self, statement: str, values: Sequence[Any]) -> Answer:
        """Run one statement with $1, $2 … for `values`, before it what waits, behind it what was asked so. Raises psycopg's
        errors, of all of them.
        """
        exchange = self._exchange
        command = self._plans.command(statement, values)
        if not self._behind:
            return exchange.read(command.plan, exchange.results_of([*self.control.take_waiting(), command])[-1])
        behind, self._behind = self._behind, []
        results = exchange.results_of([*self.control.take_waiting(), command, *(asked.command for asked in behind)])
        own, *others = results[-1 - len(behind) :]
        for asked, result in zip(behind, others, strict=True):
            asked.answer = exchange.read(asked.command.plan, result)
        return exchange.read(command.plan, own)

    def ask_behind(self, statement: str, values: Sequence[Any]) -> Asked:
        """Have it run right behind the next answer(), which raises its error as well; it sees what that one waited for."""
        asked = Asked(self._plans.command(statement, values))
        self._behind.append(asked)
        return asked

    def defer(self, statement: str, values: Sequence[Any]) -> None:
        """Run it with what is sent next, at the latest with the commit, which then raises what it raises."""
        self.control.wait_with(self._plans.command(statement, values))

    def each(self, statement: str, many: Iterable[Sequence[Any]]) -> int:
        """Run one statement for many lists of values, in one round trip. Rows changed by all of them."""
        commands = [self._plans.command(statement, values) for values in many]
        results = self._exchange.results_of([*self.control.take_waiting(), *commands])
        return sum(result.command_tuples or 0 for result in results[len(results) - len(commands) :])

    def script(self, statements: str) -> Answer:
        """Run commands without values, several in one text if need be. The answer of the last one."""
        self._exchange.results_of(self.control.take_waiting())
        return self._exchange.answer_to_script(statements)

    def commit(self) -> None:
        """Raises InFailedSqlTransaction where PostgreSQL rolled back: so it answers after a statement that failed."""
        if self.autocommit:
            self._behind.clear()  # nobody asked for what it would have given
            self.control.commit()
        else:
            super().commit()

    def rollback(self) -> None:
        if self.autocommit:
            self._behind.clear()
            self.control.rollback()
        else:
            super().rollback()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        self._exchange.results_of(self.control.take_waiting())
        return super().cursor(*args, **kwargs)


class TransactionControl:
    """Where the transaction and its savepoints begin and end, and what waits to be sent within them, in its order."""

    def __init__(self, plans: Plans, exchange: Exchange) -> None:
        self._plans = plans
        self._exchange = exchange
        self._waiting: list[Command] = []
        self._savepoints: list[str] = []  # as their makers call them

    def wait_with(self, command: Command) -> None:
        self._waiting.append(command)

    def take_waiting(self) -> list[Command]:
        """What waits; whoever asks has to send it."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def begin(self) -> None:
        self._savepoints.clear()
        self._waiting.append(self._plans.control("BEGIN"))

    def commit_unsynced(self) -> None:
        """Have the commit of this transaction answered before the disk has it."""
        self._waiting.append(self._plans.control("SET LOCAL synchronous_commit TO OFF"))

    def commit(self) -> None:
        """As Connection.commit()."""
        waiting = self.take_waiting()
        if not self._exchange.is_in_transaction and all(command.is_control for command in waiting):
            return  # begun and nothing done
        results = self._exchange.results_of([*waiting, self._plans.control("COMMIT")])
        if results[-1].command_status == b"ROLLBACK":
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back instead of committed")

    def rollback(self) -> None:
        self._waiting.clear()
        if self._exchange.is_in_transaction:
            self._exchange.results_of([self._plans.control("ROLLBACK")])

    def savepoint(self, name: str) -> None:
        self._waiting.append(self._plans.control(f"SAVEPOINT s{len(self._savepoints)}"))
        self._savepoints.append(name)

    def release(self, name: str) -> None:
        depth = self._left(name)
        if self._waiting and self._waiting[-1].plan.text == b"SAVEPOINT s%d" % depth:
            self._waiting.pop()
        else:
            self._waiting.append(self._plans.control(f"RELEASE SAVEPOINT s{depth}"))

    def rollback_to(self, name: str) -> None:
        """What came after the savepoint is undone, and does not happen where it still waits."""
        depth = self._left(name)
        places = [place for place, one in enumerate(self._waiting) if one.plan.text == b"SAVEPOINT s%d" % depth]
        if places:
            del self._waiting[places[-1] :]
        else:
            self._waiting.clear()
            self._exchange.results_of([self._plans.control(f"ROLLBACK TO SAVEPOINT s{depth}")])

    def _left(self, name: str) -> int:
        """The depth of a savepoint that ends, and with it those within. Names by depth are few enough to be prepared."""
        depth = self._savepoints.index(name)
        del self._savepoints[depth:]
        return depth
