"""Statements that are built once and asked often, past the parts of SQLAlchemy that look at each of them anew.

    _HOLDERS = Statement(select(…).where(CREDENTIAL.c.number_hash == bindparam("number")))
    rows = _HOLDERS.all(session.connection(), {"number": …})

On the connections of storage/pipeline.py the compiled text and its types are kept and the values go straight to the driver, in a
fraction of the time; elsewhere this is `connection.execute()`. Errors and before_cursor_execute events are SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Row, TextClause

from storage.commands import Answer
from storage.pipeline import Connection as Pipeline
from storage.seam import raise_wrapped, row_maker, tell_listeners

AnyRow = Row[*tuple[Any, ...]]
Values = Mapping[str, Any]
Process = Callable[[Any], Any]  # of one value, on its way to the driver or from it


class Statement:
    """core: of SQLAlchemy, without lists that are expanded (`in_()`). Its values are given by the names of its parameters."""

    __slots__ = ("_compiled", "core")

    def __init__(self, core: Any) -> None:  # Any: Select, Insert, Update or TextClause
        self.core = core
        self._compiled: _Compiled | None = None

    def all(self, connection: Connection, values: Values) -> Sequence[AnyRow]:
        driver = _pipeline_of(connection)
        if driver is None:
            return connection.execute(self.core, values).all()
        compiled = self._compiled_for(connection.dialect)
        return compiled.rows(_answer(connection, driver, compiled.text, compiled.given(values)))

    def one_or_none(self, connection: Connection, values: Values) -> AnyRow | None:
        rows = self.all(connection, values)
        assert len(rows) < 2, "more than one row"
        return rows[0] if rows else None

    def one(self, connection: Connection, values: Values) -> AnyRow:
        (row,) = self.all(connection, values)
        return row

    def run(self, connection: Connection, values: Values) -> None:
        """For its effect alone."""
        driver = _pipeline_of(connection)
        if driver is None:
            connection.execute(self.core, values)
            return
        compiled = self._compiled_for(connection.dialect)
        _answer(connection, driver, compiled.text, compiled.given(values))

    def run_deferred(self, connection: Connection, values: Values) -> None:
        """With what is asked next, at the latest with the commit, which raises its error then; at once within a savepoint."""
        if connection.in_nested_transaction():  # whoever left it could not be told of the error
            self.run(connection, values)
        else:
            self.run_with_next(connection, values)

    def run_with_next(self, connection: Connection, values: Values) -> None:
        """For who asks something else at once, which then raises this one's error as well; at once where there is no pipeline."""
        driver = _pipeline_of(connection)
        if driver is None:
            connection.execute(self.core, values)
            return
        compiled = self._compiled_for(connection.dialect)
        given = compiled.given(values)
        tell_listeners(connection, compiled.text, given)
        driver.defer(compiled.text, given)

    def ask_behind(self, connection: Connection, values: Values) -> Callable[[], Sequence[AnyRow]]:
        """Its rows, for who asks something else first: this is sent right behind that, and both raise there. In a transaction."""
        driver = _pipeline_of(connection)
        if driver is None:
            return lambda: self.all(connection, values)
        compiled = self._compiled_for(connection.dialect)
        given = compiled.given(values)
        tell_listeners(connection, compiled.text, given)
        asked = driver.ask_behind(compiled.text, given)
        return lambda: self.all(connection, values) if asked.answer is None else compiled.rows(asked.answer)

    def _compiled_for(self, dialect: Dialect) -> _Compiled:
        if self._compiled is None:
            self._compiled = _Compiled(self.core, dialect)  # pipelines have one dialect
        return self._compiled


class _Compiled:
    """Text with $1, $2 …; what becomes of the values on their way there, and of those that come back."""

    __slots__ = ("_from_driver", "_make_row", "_names", "_to_driver", "_told", "text")

    def __init__(self, core: Any, dialect: Dialect) -> None:
        compiled = core.compile(dialect=dialect)
        self.text: str = compiled.string
        assert "POSTCOMPILE" not in self.text, "a list would be expanded at each use"
        self._names: list[str] = compiled.positiontup or []
        binds = {name: compiled.binds[name] for name in self._names}
        self._told = {name: bind.value for name, bind in binds.items() if not bind.required}
        made = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()}
        self._to_driver: dict[str, Process] = {name: process for name, process in made.items() if process is not None}
        self._make_row: Callable[[Any], AnyRow] | None = None
        self._from_driver: list[tuple[int, Process]] = []
        columns = [] if isinstance(core, TextClause) else list(core.exported_columns)
        if columns:
            read = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
            self._make_row = row_maker([column.key for column in columns])
            self._from_driver = [(place, process) for place, process in enumerate(read) if process is not None]

    def given(self, values: Values) -> list[Any]:
        found = [values[name] if name in values else self._told[name] for name in self._names]
        for place, name in enumerate(self._names):
            if (process := self._to_driver.get(name)) is not None:
                found[place] = process(found[place])
        return found

    def rows(self, answer: Answer) -> list[AnyRow]:
        assert answer.columns is not None, "a statement without rows was asked for them"
        if self._make_row is None:  # a text: its columns are known with its first answer
            self._make_row = row_maker([column[0] for column in answer.columns])
        if not self._from_driver:
            return [self._make_row(row) for row in answer.rows]
        return [self._make_row(self._processed(row)) for row in answer.rows]

    def _processed(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, process in self._from_driver:
            values[place] = process(values[place])
        return values


def _pipeline_of(connection: Connection) -> Pipeline | None:
    driver = connection.connection.dbapi_connection
    return driver if isinstance(driver, Pipeline) and driver.autocommit else None


def _answer(connection: Connection, driver: Pipeline, text: str, given: Sequence[Any]) -> Answer:
    tell_listeners(connection, text, given)
    try:
        return driver.answer(text, given) if given else driver.script(text)
    except BaseException as error:
        raise_wrapped(connection, error, text, given)
