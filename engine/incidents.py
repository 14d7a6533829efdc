"""Incidents as operators see them. One that is tried again stays in the list until it is known that it helped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from engine.case import CASE
from engine.deploy import find_definition
from engine.errors import Conflict, NotFound
from engine.model.definition import DefinitionId
from engine.model.waiting import JobState, Waiting, WaitKind, WaitState, spelled
from engine.views import Page

INCIDENT = cast(Table, Waiting.__table__).alias("incident")
JOB = cast(Table, Waiting.__table__).alias("job")
EARLIER = cast(Table, Waiting.__table__).alias("earlier")

OPEN, RETRYING = "OPEN", "RETRYING"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """None: not narrowed."""

    flow: str | None = None
    element: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """state: OPEN, or RETRYING while the job that was tried again has not ended. retries: how often that was done before."""

    id: str
    case_id: str
    flow_key: str
    element: str
    title: str
    code: str
    note: str
    since: datetime
    state: str
    retries: int


def list_incidents(
    session: Session, wanted: IncidentFilter | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[IncidentView]:
    """Oldest first."""
    tried = select(func.count()).where(
        EARLIER.c.case_id == INCIDENT.c.case_id,
        EARLIER.c.address == INCIDENT.c.address,
        EARLIER.c.kind == WaitKind.INCIDENT,
        EARLIER.c.state == WaitState.RESOLVED,
        EARLIER.c.id < INCIDENT.c.id,
    )
    columns = [
        INCIDENT.c[n] for n in ("id", "case_id", "flow_key", "element", "code", "note", "created_at", "closed_at")
    ]
    found = (
        select(*columns, CASE.c.definition_id, tried.scalar_subquery().label("tried"))
        .join(CASE, CASE.c.id == INCIDENT.c.case_id)
        .where(*_conditions(wanted or IncidentFilter()), or_(_is_open(), _is_retrying()))
    )
    found = found if cursor is None else found.where(INCIDENT.c.id > cursor)
    rows = session.execute(found.order_by(INCIDENT.c.id).limit(limit + 1)).all()
    views = []
    for row in rows[:limit]:
        element = find_definition(session, DefinitionId(row.definition_id)).process.elements.get(row.element)
        is_open = row.closed_at is None
        views.append(
            IncidentView(
                row.id,
                row.case_id,
                row.flow_key,
                row.element,
                (element.name if element else "") or row.element,
                row.code or "",
                row.note or "",
                row.created_at,
                OPEN if is_open else RETRYING,
                row.tried + (0 if is_open else 1),
            )
        )
    return Page(tuple(views), views[-1].id if len(rows) > limit else None)


def incident_ids(session: Session, wanted: IncidentFilter, *, limit: int) -> list[str]:
    """Open ones, oldest first."""
    found = select(INCIDENT.c.id).where(*_conditions(wanted), _is_open())
    return list(session.execute(found.order_by(INCIDENT.c.id).limit(limit)).scalars())


def case_of_incident(session: Session, incident_id: str) -> str:
    """Raises NotFound("incident.unknown")."""
    found = select(INCIDENT.c.case_id).where(INCIDENT.c.id == incident_id, spelled(INCIDENT.c.kind, WaitKind.INCIDENT))
    case_id = session.execute(found).scalar()
    if case_id is None:
        raise NotFound("incident.unknown", incident=incident_id)
    return str(case_id)


def refuse_unless_helped(session: Session, incident_id: str) -> None:
    """Whether trying this one again helped: before the rest is tried, too.

    Raises NotFound("incident.unknown"), Conflict("incident.first_open" | "incident.first_running" | "incident.first_failed").
    """
    row = session.execute(
        select(INCIDENT.c.case_id, INCIDENT.c.address, INCIDENT.c.closed_at).where(
            INCIDENT.c.id == incident_id, spelled(INCIDENT.c.kind, WaitKind.INCIDENT)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("incident.unknown", incident=incident_id)
    if row.closed_at is None:
        raise Conflict("incident.first_open", incident=incident_id)
    here = select(JOB.c.kind).where(
        JOB.c.case_id == row.case_id, JOB.c.address == row.address, JOB.c.closed_at.is_(None)
    )
    kind = session.execute(here).scalar()
    if kind == WaitKind.INCIDENT:
        raise Conflict("incident.first_failed", incident=incident_id)
    if kind == WaitKind.JOB:
        raise Conflict("incident.first_running", incident=incident_id)


def _is_open() -> ColumnElement[bool]:
    return and_(spelled(INCIDENT.c.kind, WaitKind.INCIDENT), INCIDENT.c.closed_at.is_(None))


def _is_retrying() -> ColumnElement[bool]:
    running = select(JOB.c.id).where(
        JOB.c.case_id == INCIDENT.c.case_id,
        JOB.c.address == INCIDENT.c.address,
        JOB.c.kind == WaitKind.JOB,
        JOB.c.closed_at.is_(None),
        JOB.c.state.in_((JobState.READY, JobState.LEASED)),
    )
    newer = select(EARLIER.c.id).where(
        EARLIER.c.case_id == INCIDENT.c.case_id,
        EARLIER.c.address == INCIDENT.c.address,
        EARLIER.c.kind == WaitKind.INCIDENT,
        EARLIER.c.id > INCIDENT.c.id,
    )
    return and_(
        spelled(INCIDENT.c.kind, WaitKind.INCIDENT),
        spelled(INCIDENT.c.state, WaitState.RESOLVED),
        exists(running),
        ~exists(newer),
    )


def _conditions(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    exact = ((INCIDENT.c.flow_key, wanted.flow), (INCIDENT.c.element, wanted.element), (INCIDENT.c.code, wanted.code))
    return [column == value for column, value in exact if value is not None]
