"""One round trip to PostgreSQL: commands go out together, their results come back together (libpq's pipeline mode)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.abc import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from storage import seam
from storage.commands import Answer, Columns, Command, Plan
from storage.plans import Plans, is_to_be_prepared

# "cached plan must not change result type" after an ALTER TABLE; a name that somebody discarded
_PLAN_IS_GONE = {"0A000", "26000"}
_UNTOLD = (None,) * 5  # what SQLAlchemy does not ask of a column
_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY)


class Exchange:
    """Of one connection, which it closes when it is interrupted."""

    def __init__(self, connection: psycopg.Connection[Any], plans: Plans, adaptation: Transformer) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._plans = plans
        self._adaptation = adaptation

    @property
    def is_in_transaction(self) -> bool:
        """As the server last said."""
        return self._pgconn.transaction_status != TransactionStatus.IDLE

    def results_of(self, commands: Sequence[Command]) -> list[PGresult]:
        """The result of each. Raises the error of the one that failed; those after it were not tried."""
        if not commands:
            return []
        sent = self._plans.with_dropped(commands)
        try:
            if len(sent) == 1 and not is_to_be_prepared(sent[0].plan):
                self._send(sent[0])
                results = self._whole(seam.results_of_query(self._connection), 1)
            else:
                results = self._results_together(sent)
        except BaseException:
            if self._pgconn.transaction_status == TransactionStatus.ACTIVE:
                self._connection.close()  # interrupted: the answers to come belong to nobody
            raise
        for command, result in zip(sent, results, strict=True):
            if result.status not in _FINE:
                raise _error_of(command.plan, result)
        return results[-len(commands) :]

    def answer_to_script(self, statements: str) -> Answer:
        """To the last of these commands without values."""
        self._pgconn.send_query(statements.encode())
        results = seam.results_of_query(self._connection)
        self._whole(results, len(results) or 1)
        for result in results:
            if result.status not in _FINE:
                raise seam.error_of(result)
        return self.read(Plan(""), results[-1])

    def read(self, plan: Plan, result: PGresult) -> Answer:
        """Rows come in binary where psycopg reads all their types so, once the plan is prepared."""
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

    def _results_together(self, commands: Sequence[Command]) -> list[PGresult]:
        pgconn = self._pgconn
        prepared: dict[int, Plan] = {}  # by the place of the request that prepares it
        requests = 0
        pgconn.enter_pipeline_mode()
        try:
            for command in commands:
                if not command.plan.name and is_to_be_prepared(command.plan):  # most have one: no call for those
                    self._prepare(command.plan)
                    prepared[requests] = command.plan
                    requests += 1
                self._send(command)
                requests += 1
            pgconn.pipeline_sync()
            results = self._whole(seam.results_of_pipeline(self._connection, requests), requests)
        finally:
            if pgconn.status == ConnStatus.OK and pgconn.transaction_status != TransactionStatus.ACTIVE:
                pgconn.exit_pipeline_mode()
        if not prepared:
            return results
        for place, plan in prepared.items():
            if results[place].status != ExecStatus.COMMAND_OK:
                plan.forget()
        return [result for place, result in enumerate(results) if place not in prepared]

    def _whole(self, results: list[PGresult], asked: int) -> list[PGresult]:
        """One result of each command. A server that ends meanwhile may leave fewer or, with its farewell, more behind.

        Raises its last word then; the connection is closed, so that it counts as broken and not as asked wrongly.
        """
        if len(results) == asked:
            return results
        self._connection.close()
        for result in results:
            if result.status not in _FINE:
                raise seam.error_of(result)
        raise psycopg.OperationalError(f"the connection ended: {len(results)} results of {asked} commands")

    def _prepare(self, plan: Plan) -> None:
        self._plans.name(plan)
        self._pgconn.send_prepare(plan.name, plan.text, plan.types)

    def _send(self, command: Command) -> None:
        plan = command.plan
        if plan.name:
            self._pgconn.send_query_prepared(plan.name, command.given, command.formats, plan.form)
        else:
            self._pgconn.send_query_params(plan.text, command.given, plan.types, command.formats)

    def _reads_binary(self, columns: Columns) -> bool:
        adapters = self._connection.adapters
        return all(adapters.get_loader(column[1], Format.BINARY) is not None for column in columns)


def _name_of(result: PGresult, place: int) -> str:
    return (result.fname(place) or b"").decode()


def _error_of(plan: Plan, result: PGresult) -> psycopg.Error:
    error = seam.error_of(result)
    if error.sqlstate in _PLAN_IS_GONE:
        plan.forget()
    return error
