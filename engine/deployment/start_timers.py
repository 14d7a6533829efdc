"""Timers that begin cases: planned when a version is deployed, seen and paused by operators. clock_starts.py fires them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, delete, func, insert, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.errors import Conflict, InvalidDiagram, NotFound, Problem
from engine.inputs import Variables
from engine.language.expressions import ExpressionFailed
from engine.language.schedules import Grid, grid_of, next_on_grid
from engine.machine import Process, StartEvent
from engine.model.definition import ProcessDefinition
from engine.model.start_timer import StartFiring, StartTimer

START_TIMER = cast(Table, StartTimer.__table__)
FIRING = cast(Table, StartFiring.__table__)
_DEFINITION = cast(Table, ProcessDefinition.__table__)

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StartTimerView:
    """title: of the flow. next_at: when it next begins a case, None while it is paused and when it is over.

    left: how many it still begins, -1 without end. last_*: its last due instant that was noticed.
    """

    flow_key: str
    title: str
    version: int
    element: str
    says: str
    next_at: datetime | None
    left: int
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    last_due_at: datetime | None
    last_state: str | None
    last_case_id: str | None
    last_note: str | None


def plan_start_timers(
    session: Session, flow_key: str, definition_id: str, process: Process, settings: Variables, now: datetime
) -> None:
    """The timers of a version that is deployed now take the place of the flow's others.

    One that says what it said before goes on as it was: same instants, same number left, still paused where it is.
    Raises InvalidDiagram for an expression that gives no instant.
    """
    of_flow = START_TIMER.c.flow_key == flow_key
    known = {row.element: row for row in session.execute(select(START_TIMER).where(of_flow).with_for_update())}
    session.execute(delete(START_TIMER).where(of_flow))
    for start in process.starts:
        if start.schedule is None:
            continue
        grid = _grid(start, settings, now)
        before = known.get(start.id)
        own = {"flow_key": flow_key, "element": start.id, "definition_id": definition_id}
        row = _new_row(grid, now) if before is None or before.says != grid.says else before._asdict()
        session.execute(insert(START_TIMER).values({**row, **_pause_of(before), **own}))


def start_timers(session: Session) -> list[StartTimerView]:
    """Every timer that begins cases, by flow and element."""
    last = (
        select(FIRING.c.flow_key, FIRING.c.element, func.max(FIRING.c.due_at).label("due_at"))
        .group_by(FIRING.c.flow_key, FIRING.c.element)
        .subquery()
    )
    found = (
        select(
            START_TIMER,
            _DEFINITION.c.title,
            _DEFINITION.c.version,
            FIRING.c.due_at.label("last_due_at"),
            FIRING.c.state.label("last_state"),
            FIRING.c.case_id.label("last_case_id"),
            FIRING.c.note.label("last_note"),
        )
        .join(_DEFINITION, _DEFINITION.c.id == START_TIMER.c.definition_id)
        .outerjoin(last, (last.c.flow_key == START_TIMER.c.flow_key) & (last.c.element == START_TIMER.c.element))
        .outerjoin(
            FIRING,
            (FIRING.c.flow_key == last.c.flow_key)
            & (FIRING.c.element == last.c.element)
            & (FIRING.c.due_at == last.c.due_at),
        )
        .order_by(START_TIMER.c.flow_key, START_TIMER.c.element)
    )
    return [_view(row) for row in session.execute(found)]


def pause_start_timer(session: Session, flow_key: str, element: str, *, by: Actor, reason: str, now: datetime) -> None:
    """No case begins by it until it is resumed. Raises NotFound("start_timer.unknown"), Conflict("start_timer.paused")."""
    row = _locked(session, flow_key, element)
    if row.paused_at is not None:
        raise Conflict("start_timer.paused", flow=flow_key, element=element)
    _change(session, flow_key, element, {"paused_at": now, "paused_by": by.id, "pause_reason": reason})


def resume_start_timer(session: Session, flow_key: str, element: str, *, now: datetime) -> None:
    """It goes on at its next instant; those that passed meanwhile are left out and do not count.

    Raises NotFound("start_timer.unknown"), Conflict("start_timer.not_paused").
    """
    row = _locked(session, flow_key, element)
    if row.paused_at is None:
        raise Conflict("start_timer.not_paused", flow=flow_key, element=element)
    next_at = row.next_at
    if next_at is not None and next_at <= now:
        next_at = next_on_grid(row.anchor, row.period, now)
    _change(session, flow_key, element, {"paused_at": None, "next_at": next_at})


def _grid(start: StartEvent, settings: Variables, now: datetime) -> Grid:
    assert start.schedule is not None
    try:
        return grid_of(start.schedule, settings, now)
    except ExpressionFailed as error:
        told = f"“{error.text[:80]}”没有给出时间：{error.reason}"
        raise InvalidDiagram([Problem(start.id, "error", "timer.invalid", told)]) from error


def _new_row(grid: Grid, now: datetime) -> dict[str, Any]:  # Any: column values
    own = {"says": grid.says, "anchor": grid.anchor, "period": grid.period, "left": grid.times}
    return {**own, "next_at": grid.first(now)}


def _pause_of(before: AnyRow | None) -> Mapping[str, Any]:  # Any: column values
    names = ("paused_at", "paused_by", "pause_reason")
    return {name: None if before is None else getattr(before, name) for name in names}


def _locked(session: Session, flow_key: str, element: str) -> AnyRow:
    one = START_TIMER.c.flow_key == flow_key, START_TIMER.c.element == element
    row = session.execute(select(START_TIMER).where(*one).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("start_timer.unknown", flow=flow_key, element=element)
    return row


def _change(session: Session, flow_key: str, element: str, values: Mapping[str, Any]) -> None:
    one = START_TIMER.c.flow_key == flow_key, START_TIMER.c.element == element
    session.execute(update(START_TIMER).where(*one).values(values))


def _view(row: AnyRow) -> StartTimerView:
    told = {name: getattr(row, name) for name in StartTimerView.__dataclass_fields__}
    return StartTimerView(**{**told, "next_at": None if row.paused_at else row.next_at})
