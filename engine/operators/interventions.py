"""What operators do to a case: retry an incident, suspend, resume, edit, skip, move, cancel, erase. Who may, the edge decides."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.attachments.store import ATTACHMENT, discard_files
from engine.cases.case import open_case, open_case_of
from engine.cases.dispatching import dispatch_after_commit
from engine.cases.outbox import hurry_for_case
from engine.errors import Conflict, NotFound
from engine.inputs import (
    CaseCancelled,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    IncidentRetried,
    TokenMoved,
    VariableEdited,
    Variables,
)
from engine.model.instance import SearchVariable
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import JobState, WaitKind, spelled
from engine.operators.incidents import open_incident
from engine.waits import IncidentWait
from storage import vault
from storage.transactions import after_commit

SEARCH = cast(Table, SearchVariable.__table__)


def retry_incident(
    session: Session,
    incident_id: str,
    *,
    by: Actor,
    now: datetime,
    variables: Variables | None = None,
    reason: str = "",
) -> None:
    """Let the element run again; `variables` are set before it does. incident_id: of its latest failure or of an earlier one.

    Raises NotFound("incident.unknown"), Conflict("incident.gone").
    """
    try:
        with open_case_of(session, open_incident(session, incident_id), WaitKind.INCIDENT, now=now) as case:
            assert case.row is not None, "the case was opened by an incident"
            if case.row.closed_at is not None:
                raise Conflict("incident.gone", incident=incident_id, state=case.row.state)
            case.fire_due_timers(case.instant)
            address = case.row.address
            if not isinstance(case.live.waits.get(address), IncidentWait):
                raise Conflict("incident.gone", incident=incident_id)
            given = dict(variables or {})
            case.apply(IncidentRetried(at=case.instant, wait=address, by=by.id, variables=given, reason=reason))
    except NotFound as error:
        raise (NotFound("incident.unknown", incident=incident_id) if error.code == "wait.unknown" else error) from error


def suspend_case(session: Session, case_id: str, *, by: Actor, reason: str, now: datetime) -> None:
    """Nothing moves it until it is resumed: a decision is refused, results and messages wait, no timer fires.

    Raises NotFound("case.unknown"), Conflict("case.ended" | "case.suspended").
    """
    with open_case(session, case_id, now=now) as case:
        case.apply(CaseSuspended(at=case.instant, by=by.id, reason=reason))


def resume_case(session: Session, case_id: str, *, by: Actor, reason: str, now: datetime) -> None:
    """It goes on: what came due meanwhile fires now, jobs run.

    Raises NotFound("case.unknown"), Conflict("case.ended" | "case.not_suspended").
    """
    with open_case(session, case_id, now=now) as case:
        case.apply(CaseResumed(at=case.instant, by=by.id, reason=reason))
        case.fire_some_due_timers(case.instant)
    ready = update(WAITING).where(WAITING.c.case_id == case_id, spelled(WAITING.c.state, JobState.READY))
    jobs = session.execute(ready.values(next_at=now).returning(WAITING.c.id, WAITING.c.queue)).all()
    dispatch_after_commit(session, [(job.id, job.queue) for job in jobs])
    hurry_for_case(session, case_id, now)


def edit_variables(
    session: Session, case_id: str, values: Variables, *, place: str = "", by: Actor, reason: str, now: datetime
) -> None:
    """Set variables of the case, or of the called flow around the address `place`; also while it is suspended.

    Raises NotFound("case.unknown"), Conflict("case.ended").
    """
    with open_case(session, case_id, now=now) as case:
        given = VariableEdited(at=case.instant, by=by.id, values=dict(values), place=place, reason=reason)
        case.apply(given)


def skip_element(
    session: Session, case_id: str, waiting_id: str, values: Variables, *, by: Actor, reason: str, now: datetime
) -> None:
    """The element of this wait counts as done; `values` become variables.

    Raises NotFound("case.unknown" | "wait.unknown"), Conflict("wait.gone" | "skip.…" | "case.suspended").
    """
    with open_case(session, case_id, now=now) as case:
        address = _open_address(session, case_id, waiting_id)
        case.fire_due_timers(case.instant)
        given = ElementSkipped(at=case.instant, wait=address, by=by.id, values=dict(values), reason=reason)
        case.apply(given)


def move_token(
    session: Session, case_id: str, waiting_id: str, to: str, *, by: Actor, reason: str, now: datetime
) -> None:
    """The token of this wait goes to the element `to` (docs/interventions.md says where it may).

    Raises as skip_element(), Conflict("move.…").
    """
    with open_case(session, case_id, now=now) as case:
        address = _open_address(session, case_id, waiting_id)
        case.fire_due_timers(case.instant)
        case.apply(TokenMoved(at=case.instant, wait=address, by=by.id, to=to, reason=reason))


def _open_address(session: Session, case_id: str, waiting_id: str) -> str:
    found = select(WAITING.c.address, WAITING.c.closed_at).where(
        WAITING.c.id == waiting_id, WAITING.c.case_id == case_id
    )
    row = session.execute(found).one_or_none()
    if row is None:
        raise NotFound("wait.unknown", wait=waiting_id)
    if row.closed_at is not None:
        raise Conflict("wait.gone", wait=waiting_id)
    address: str = row.address
    return address


def cancel_case(session: Session, case_id: str, *, by: Actor, reason: str, now: datetime) -> None:
    """End the case wherever it is, outcome "cancelled". Raises NotFound("case.unknown"), Conflict("case.ended")."""
    with open_case(session, case_id, now=now) as case:
        case.apply(CaseCancelled(at=case.instant, by=by.id, reason=reason))


def erase_case(session: Session, case_id: str, *, now: datetime) -> None:
    """Destroy the data key of a case that has ended: payloads, snapshot, drafts and files can never be read again.

    What is left (states, times, elements, the chain) names nobody but account ids. Erasing twice changes nothing.
    Raises NotFound("case.unknown"), Conflict("case.running").
    """
    row = session.execute(select(CASE.c.ended_at).where(CASE.c.id == case_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    if row.ended_at is None:
        raise Conflict("case.running", case=case_id)
    if not vault.current().destroy_data_key(session, f"case:{case_id}", now):
        return
    session.execute(delete(SEARCH).where(SEARCH.c.case_id == case_id))
    session.execute(update(WAITING).where(WAITING.c.case_id == case_id).values(draft=None))
    session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=b"", erased_at=now))
    files = update(ATTACHMENT).where(ATTACHMENT.c.case_id == case_id, ATTACHMENT.c.deleted_at.is_(None))
    ids = list(session.execute(files.values(deleted_at=now, digest="").returning(ATTACHMENT.c.id)).scalars())
    after_commit(session, lambda: discard_files(ids))
