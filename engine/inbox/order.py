"""Where a page of the inbox is found, and in which order: one range of one index for each of the actor's groups.

Items come by priority, then as they came in; narrowed to what is due, the longest overdue first; narrowed to what has waited
long, the oldest first. A condition that few items
of a large group meet must not be looked for along the order: the narrowed columns are part of the index's first key (the
slot), and the query names the key as the index does, so that no planner can take another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, column, literal, literal_column, select, true, tuple_, union_all
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from engine.errors import InvalidForm, Problem
from engine.model.tables import RANK, WAITING
from engine.model.waiting_row import SLOTS
from storage.columns import UtcTime

_SPACE: ColumnElement[str] = literal_column("' '")

Key = tuple[Any, ...]  # Any: the values of Order.columns, the item's id last


@dataclass(frozen=True, slots=True)
class Order:
    """columns: what a page is sorted by, ascending, the id last. types: of their values."""

    columns: tuple[ColumnElement[Any], ...]
    types: tuple[Any, ...]

    def after(self, key: Key) -> ColumnElement[bool]:
        values = [literal(value, kind) for value, kind in zip(key, self.types, strict=True)]
        return tuple_(*self.columns) > tuple_(*values)

    def cursor(self, key: Key) -> str:
        return "~".join(_spelled(value) for value in key)

    def key(self, cursor: str) -> Key:
        """Raises InvalidForm for a cursor nobody handed out."""
        parts = cursor.split("~")
        try:
            if len(parts) != len(self.types):
                raise ValueError(cursor)
            return tuple(_READ[type(kind)](part) for part, kind in zip(parts, self.types, strict=True))
        except ValueError as error:
            raise invalid_cursor() from error


def _spelled(value: object) -> str:
    """Nothing that an address would have to escape."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


_READ: Mapping[type, Any] = {Integer: int, UtcTime: _instant, String: str}

BY_PRIORITY = Order((RANK, WAITING.c.created_at, WAITING.c.id), (Integer(), UtcTime(), String()))
BY_AGE = Order((WAITING.c.created_at, WAITING.c.id), (UtcTime(), String()))
BY_DUE = Order((WAITING.c.due_at, WAITING.c.id), (UtcTime(), String()))


@dataclass(frozen=True, slots=True)
class Places:
    """The view and what it is narrowed to. groups: each is one range. exact: values of columns that slots are made of."""

    groups: Sequence[str]
    conditions: Sequence[ColumnElement[bool]]
    exact: Mapping[str, str] = field(default_factory=dict)
    order: Order = BY_PRIORITY


def first_keys(session: Session, places: Places, after: Key | None, limit: int) -> list[Key]:
    """Order keys of the first `limit` items after `after`, over all groups."""
    if not places.groups:
        return []
    slot, ranges = _ranges(places)
    if session.connection().dialect.name != "postgresql":
        parts = [[slot == literal(one), *places.conditions] for one in ranges]
        return merged_keys(session, parts, places.order, after, limit)
    # One statement however many groups: a province's clerk has a hundred and twenty.
    own = sql.unnest(literal(ranges, ARRAY(String))).table_valued(column("range", String)).render_derived(name="own")
    found = _part(places.order, [slot == own.c.range, *places.conditions], after, limit).lateral("found")
    columns = [found.c[f"k{n}"] for n in range(len(places.order.columns))]
    rows = session.execute(select(*columns).select_from(own.join(found, true())).order_by(*columns).limit(limit))
    return [tuple(row) for row in rows]


def merged_keys(
    session: Session, parts: Sequence[Sequence[ColumnElement[bool]]], order: Order, after: Key | None, limit: int
) -> list[Key]:
    """As first_keys(), of a few ranges that are conditions."""
    subqueries = [_part(order, conditions, after, limit).subquery() for conditions in parts]
    union = union_all(*(select(*subquery.c) for subquery in subqueries)).subquery()
    rows = session.execute(select(*union.c).order_by(*union.c).limit(limit))
    return [tuple(row) for row in rows]


def _part(order: Order, conditions: Sequence[ColumnElement[bool]], after: Key | None, limit: int) -> Any:  # Any: Select
    columns = [part.label(f"k{n}") for n, part in enumerate(order.columns)]
    further = [] if after is None else [order.after(after)]
    return select(*columns).where(*conditions, *further).order_by(*order.columns).limit(limit)


def _ranges(places: Places) -> tuple[ColumnElement[str], list[str]]:
    """First key of the index that is made for what the view is narrowed to, and its value for each group."""
    if places.order is BY_PRIORITY:
        for columns in SLOTS:  # the narrowest first
            if all(name in places.exact for name in columns):
                return _slot(columns), [" ".join((g, *(places.exact[name] for name in columns))) for g in places.groups]
    return WAITING.c.group_name, list(places.groups)


def _slot(columns: Sequence[str]) -> ColumnElement[str]:
    """As the index spells it."""
    key: ColumnElement[str] = WAITING.c.group_name
    for name in columns:
        key = key + _SPACE + WAITING.c[name]
    return key


def invalid_cursor() -> InvalidForm:
    return InvalidForm([Problem("cursor", "error", "page.cursor", "翻页位置无效，请从第一页重新查看。")])
