"""Incidents as operators see them. One that is tried again stays in the list until it is known that it helped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from engine.deployment.deploy import find_definition
from engine.errors import Conflict, NotFound
from engine.model.definition import DefinitionId
from engine.model.tables import CASE
from engine.model.waiting_row import JobState, Waiting, WaitKind, WaitState, spelled
from engine.queries.views import Page
from storage.statements import AnyRow

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
class IncidentAttempt:
    """What went wrong, and who then let it run again; None and "" for one that nobody has tried again."""

    at: datetime
    code: str
    note: str
    retried_at: datetime | None
    retried_by: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One failing element, from its first failure on: a retry that fails again keeps it open, under the same id.

    state: OPEN, or RETRYING while the job that was tried again has not ended. code, note: of the latest failure.
    retries: how often it was tried again. history: every failure, oldest first.
    """

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
    history: tuple[IncidentAttempt, ...]


def list_incidents(
    session: Session, wanted: IncidentFilter | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[IncidentView]:
    """Oldest first."""
    first = _first_id().label("first")
    columns = [INCIDENT.c[n] for n in ("case_id", "flow_key", "element", "address", "closed_at")]
    found = (
        select(first, *columns, CASE.c.definition_id)
        .join(CASE, CASE.c.id == INCIDENT.c.case_id)
        .where(*_conditions(wanted or IncidentFilter()), or_(_is_open(), _is_retrying()))
    )
    found = found if cursor is None else found.where(_first_id() > cursor)
    rows = session.execute(found.order_by(first).limit(limit + 1)).all()
    attempts = _attempts(session, {(row.case_id, row.address) for row in rows[:limit]})
    views = [_view(session, row, attempts[row.case_id, row.address]) for row in rows[:limit]]
    return Page(tuple(views), views[-1].id if len(rows) > limit else None)


def _view(session: Session, row: AnyRow, history: list[IncidentAttempt]) -> IncidentView:
    element = find_definition(session, DefinitionId(row.definition_id)).process.elements.get(row.element)
    return IncidentView(
        id=row.first,
        case_id=row.case_id,
        flow_key=row.flow_key,
        element=row.element,
        title=(element.name if element else "") or row.element,
        code=history[-1].code,
        note=history[-1].note,
        since=history[0].at,
        state=OPEN if row.closed_at is None else RETRYING,
        retries=sum(attempt.retried_at is not None for attempt in history),
        history=tuple(history),
    )


def _attempts(session: Session, places: set[tuple[str, str]]) -> dict[tuple[str, str], list[IncidentAttempt]]:
    found: dict[tuple[str, str], list[IncidentAttempt]] = {place: [] for place in places}
    columns = [INCIDENT.c[n] for n in ("case_id", "address", "created_at", "code", "note", "closed_at", "closed_by")]
    of_cases = INCIDENT.c.case_id.in_({case_id for case_id, _ in places})
    rows = select(*columns).where(spelled(INCIDENT.c.kind, WaitKind.INCIDENT), of_cases).order_by(INCIDENT.c.id)
    for row in session.execute(rows):
        attempt = IncidentAttempt(row.created_at, row.code or "", row.note or "", row.closed_at, row.closed_by or "")
        found.get((row.case_id, row.address), []).append(attempt)
    return found


def open_incident(session: Session, incident_id: str) -> str:
    """Id of the row that is open now for this incident, which may be known by an earlier failure's; else the given id."""
    given = select(EARLIER.c.case_id, EARLIER.c.address).where(EARLIER.c.id == incident_id).subquery()
    here = (INCIDENT.c.case_id == given.c.case_id) & (INCIDENT.c.address == given.c.address)
    found: str | None = session.execute(select(INCIDENT.c.id).where(here, _is_open())).scalar()
    return found or incident_id


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


def rest_of(session: Session, incident_id: str, code: str | None = None) -> IncidentFilter:
    """What the first of many stands for: incidents at the same element of the same flow; code: of these only.

    Its own retry must have helped.
    Raises NotFound("incident.unknown"), Conflict("incident.first_open" | "incident.first_running" | "incident.first_failed").
    """
    row = session.execute(
        select(*(INCIDENT.c[n] for n in ("case_id", "address", "flow_key", "element", "closed_at"))).where(
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
    return IncidentFilter(flow=row.flow_key, element=row.element, code=code)


def _first_id() -> ColumnElement[str]:
    """The incident's id: of its first row."""
    same = (EARLIER.c.case_id == INCIDENT.c.case_id, EARLIER.c.address == INCIDENT.c.address)
    first = select(func.min(EARLIER.c.id)).where(*same, EARLIER.c.kind == WaitKind.INCIDENT)
    return first.scalar_subquery()


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
