"""A connection to PostgreSQL that sends together what belongs together (libpq's pipeline mode).

    connection = Connection.connect(…, autocommit=True)
    connection.begin()                                 # nothing is sent
    asked = connection.ask_behind("SELECT … $1", [1])  # nothing is sent
    connection.answer("SELECT … $1 FOR UPDATE", [1])   # BEGIN, this one and the one before go together; asked.answer is there
    connection.defer("UPDATE … $1", [2])               # nothing is sent
    connection.commit()                                # UPDATE and COMMIT go together

BEGIN, SAVEPOINT and RELEASE wait for the statement they are about, and so do statements nobody waits for the answer of: what
waits is sent in its order before whatever is sent next. A round trip costs both sides a change of process and cold caches,
which is more than most statements. Statements are prepared at their third use and keep their plans when a transaction is
rolled back (psycopg forgets its own there); rows come in binary where psycopg reads all their types so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from storage import seam
from storage.commands import Answer, Asked, Columns, Command, Plan, Row

PREPARED_AT = 3  # the use of a statement that prepares it
PLANS_KEPT = 200  # statements a connection remembers; the one asked for longest ago is forgotten

# "cached plan must not change result type" after an ALTER TABLE; a name that somebody discarded
_PLAN_IS_GONE = {"0A000", "26000"}
_UNTOLD = (None,) * 5  # what SQLAlchemy does not ask of a column
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY)


class Connection(psycopg.Connection[Row]):
    """For one thread at a time. Out of autocommit, and by what cursor() gives, it is psycopg's own and nothing waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: list[Command] = []
        self._behind: list[Asked] = []
        self._savepoints: list[str] = []  # as their makers call them
        self._dropped: list[Command] = []  # plans the server is still to forget
        self._plans: OrderedDict[tuple[str, Sequence[int]], Plan] = OrderedDict()
        self._named = 0
        self._adaptation = seam.adaptation_of(self)

    # --- transactions

    def begin(self) -> None:
        self._savepoints.clear()
        self._waiting.append(self._control("BEGIN"))

    def savepoint(self, name: str) -> None:
        self._waiting.append(self._control(f"SAVEPOINT s{len(self._savepoints)}"))
        self._savepoints.append(name)

    def release(self, name: str) -> None:
        depth = self._left(name)
        if self._waiting and self._waiting[-1].plan.text == b"SAVEPOINT s%d" % depth:
            self._waiting.pop()
        else:
            self._waiting.append(self._control(f"RELEASE SAVEPOINT s{depth}"))

    def rollback_to(self, name: str) -> None:
        """What came after the savepoint is undone, and does not happen where it still waits."""
        depth = self._left(name)
        places = [place for place, one in enumerate(self._waiting) if one.plan.text == b"SAVEPOINT s%d" % depth]
        if places:
            del self._waiting[places[-1] :]
        else:
            self._waiting.clear()
            self._results_of([self._control(f"ROLLBACK TO SAVEPOINT s{depth}")])

    def commit_unsynced(self) -> None:
        """Have the commit of this transaction answered before the disk has it."""
        self._waiting.append(self._control("SET LOCAL synchronous_commit TO OFF"))

    def commit(self) -> None:
        """Raises InFailedSqlTransaction where PostgreSQL rolled back: so it answers after a statement that failed."""
        if not self.autocommit:
            super().commit()
            return
        self._behind.clear()  # nobody asked for what it would have given
        waiting = self._taken()
        if not self._is_open() and all(command.is_control for command in waiting):
            return  # begun and nothing done
        if self._results_of([*waiting, self._control("COMMIT")])[-1].command_status == b"ROLLBACK":
            raise psycopg.errors.InFailedSqlTransaction("the transaction was rolled back instead of committed")

    def rollback(self) -> None:
        if not self.autocommit:
            super().rollback()
            return
        self._waiting.clear()
        self._behind.clear()
        if self._is_open():
            self._results_of([self._control("ROLLBACK")])

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        self._results_of(self._taken())
        return super().cursor(*args, **kwargs)

    def _left(self, name: str) -> int:
        """The depth of a savepoint that ends, and with it those within. Names by depth are few enough to be prepared."""
        depth = self._savepoints.index(name)
        del self._savepoints[depth:]
        return depth

    def _taken(self) -> list[Command]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _control(self, text: str) -> Command:
        command = self._command(text, ())
        command.is_control = True
        return command

    def _is_open(self) -> bool:
        return self.pgconn.transaction_status != TransactionStatus.IDLE

    # --- statements

    def answer(self, statement: str, values: Sequence[Any]) -> Answer:
        """Run one statement with $1, $2 … for `values`, before it what waits, behind it what was asked so. Raises psycopg's
        errors, of all of them.
        """
        command = self._command(statement, values)
        if not self._behind:
            return self._read(command.plan, self._results_of([*self._taken(), command])[-1])
        behind, self._behind = self._behind, []
        results = self._results_of([*self._taken(), command, *(asked.command for asked in behind)])
        own, *others = results[-1 - len(behind) :]
        for asked, result in zip(behind, others, strict=True):
            asked.answer = self._read(asked.command.plan, result)
        return self._read(command.plan, own)

    def ask_behind(self, statement: str, values: Sequence[Any]) -> Asked:
        """Have it run right behind the next answer(), which raises its error as well; it sees what that one waited for."""
        asked = Asked(self._command(statement, values))
        self._behind.append(asked)
        return asked

    def defer(self, statement: str, values: Sequence[Any]) -> None:
        """Run it with what is sent next, at the latest with the commit, which then raises what it raises."""
        self._waiting.append(self._command(statement, values))

    def each(self, statement: str, many: Iterable[Sequence[Any]]) -> int:
        """Run one statement for many lists of values, in one round trip. Rows changed by all of them."""
        commands = [self._command(statement, values) for values in many]
        results = self._results_of([*self._taken(), *commands])
        return sum(result.command_tuples or 0 for result in results[len(results) - len(commands) :])

    def script(self, statements: str) -> Answer:
        """Run commands without values, several in one text if need be. The answer of the last one."""
        self._results_of(self._taken())
        self.pgconn.send_query(statements.encode())
        results = seam.results_of_query(self)
        for result in results:
            if result.status not in _FINE:
                raise seam.error_of(result)
        return self._read(Plan(""), results[-1])

    def _command(self, statement: str, values: Sequence[Any]) -> Command:
        given, types, formats = seam.dump(self._adaptation, values)
        plan = self._plans.get((statement, types))
        if plan is None:
            plan = self._plans[statement, types] = Plan(statement, types)
            if len(self._plans) > PLANS_KEPT:
                _, old = self._plans.popitem(last=False)
                if old.name:
                    self._dropped.append(Command(Plan(f"DEALLOCATE {old.name.decode()}")))
        else:
            self._plans.move_to_end((statement, types))
        plan.uses += 1
        return Command(plan, given, formats)

    def _results_of(self, commands: Sequence[Command]) -> list[PGresult]:
        """The result of each. Raises the error of the one that failed; those after it were not tried."""
        if not commands:
            return []
        sent = [*self._dropped, *commands]
        self._dropped = []
        results: list[PGresult]
        try:
            if len(sent) == 1 and not _is_to_be_prepared(sent[0].plan):
                self._send(sent[0])
                results = seam.results_of_query(self)
            else:
                results = self._results_together(sent)
        except BaseException:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()  # interrupted: the answers to come belong to nobody
            raise
        for command, result in zip(sent, results, strict=True):
            if result.status not in _FINE:
                raise _error_of(command.plan, result)
        return results[-len(commands) :]

    def _results_together(self, commands: Sequence[Command]) -> list[PGresult]:
        pgconn = self.pgconn
        asked: list[tuple[Plan, bool]] = []  # the plan of each request, whether it prepares it
        pgconn.enter_pipeline_mode()
        try:
            for command in commands:
                if _is_to_be_prepared(command.plan):
                    self._prepare(command.plan)
                    asked.append((command.plan, True))
                self._send(command)
                asked.append((command.plan, False))
            pgconn.pipeline_sync()
            results = seam.results_of_pipeline(self, len(asked))
        finally:
            if pgconn.status == ConnStatus.OK and pgconn.transaction_status != TransactionStatus.ACTIVE:
                pgconn.exit_pipeline_mode()
        for (plan, is_preparing), result in zip(asked, results, strict=True):
            if is_preparing and result.status != ExecStatus.COMMAND_OK:
                plan.forget()
        return [result for (_, is_preparing), result in zip(asked, results, strict=True) if not is_preparing]

    def _prepare(self, plan: Plan) -> None:
        self._named += 1
        plan.name = b"s%d" % self._named
        self.pgconn.send_prepare(plan.name, plan.text, plan.types)

    def _send(self, command: Command) -> None:
        plan = command.plan
        if plan.name:
            self.pgconn.send_query_prepared(plan.name, command.given, command.formats, plan.form)
        else:
            self.pgconn.send_query_params(plan.text, command.given, plan.types, command.formats)

    def _read(self, plan: Plan, result: PGresult) -> Answer:
        if result.status != ExecStatus.TUPLES_OK:
            return Answer(None, [], -1 if result.command_tuples is None else result.command_tuples)
        rows = seam.load(self._adaptation, result)
        columns = plan.columns
        if columns is None:
            columns = [(_name_of(result, place), result.ftype(place), *_UNTOLD) for place in range(result.nfields)]
            if plan.name:
                plan.columns = columns
                plan.form = Format.BINARY if self._reads_binary(columns) else Format.TEXT
        return Answer(columns, rows, len(rows))

    def _reads_binary(self, columns: Columns) -> bool:
        return all(self.adapters.get_loader(column[1], Format.BINARY) is not None for column in columns)


def _is_to_be_prepared(plan: Plan) -> bool:
    return plan.uses >= PREPARED_AT and not plan.name


def _name_of(result: PGresult, place: int) -> str:
    return (result.fname(place) or b"").decode()


def _error_of(plan: Plan, result: PGresult) -> psycopg.Error:
    error = seam.error_of(result)
    if error.sqlstate in _PLAN_IS_GONE:
        plan.forget()
    return error
