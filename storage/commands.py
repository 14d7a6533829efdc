"""What storage/exchange.py sends to PostgreSQL, and what comes back of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.pq import Format

Row = tuple[Any, ...]
Columns = list[tuple[Any, ...]]  # cursor.description of DB-API 2.0


class Plan:
    """What a connection knows of a statement with parameters of certain types."""

    __slots__ = ("columns", "form", "name", "text", "types", "uses")

    def __init__(self, statement: str, types: Sequence[int] = ()) -> None:
        self.text = statement.encode()
        self.types = types
        self.uses = 0
        self.name = b""  # of the prepared statement, once it is one
        self.form = Format.TEXT
        self.columns: Columns | None = None

    def forget(self) -> None:
        """That it was prepared: the server does not know it, or no longer as it was."""
        self.uses, self.name, self.form, self.columns = 0, b"", Format.TEXT, None


class Command:
    """A plan and values for it, to be sent once. is_control: BEGIN, SAVEPOINT and the like, which change no row."""

    __slots__ = ("formats", "given", "is_control", "plan")

    def __init__(self, plan: Plan, given: Sequence[Any] = (), formats: Sequence[Format] | None = None) -> None:
        self.plan = plan
        self.given = given
        self.formats = formats
        self.is_control = False


class Answer:
    """columns: None where the statement gives no rows. count: rows given or changed, -1 where that means nothing."""

    __slots__ = ("columns", "count", "rows")

    def __init__(self, columns: Columns | None, rows: list[Row], count: int) -> None:
        self.columns = columns
        self.rows = rows
        self.count = count


class Asked:
    """The answer to come of a statement that is sent behind another. None until then."""

    __slots__ = ("answer", "command")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.answer: Answer | None = None
