"""What operators do to a case: retry an incident, cancel, erase. Who may, the edge decides."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

import vault
from database import after_commit
from engine.actors import Actor
from engine.attachments import ATTACHMENT, discard_files
from engine.case import CASE, WAITING, open_case, open_case_of
from engine.errors import Conflict, NotFound
from engine.inputs import CaseCancelled, IncidentRetried, Variables
from engine.model.instance import SearchVariable
from engine.model.waiting import WaitKind
from engine.waits import IncidentWait

SEARCH = cast(Table, SearchVariable.__table__)


def retry_incident(
    session: Session, incident_id: str, *, by: Actor, now: datetime, variables: Variables | None = None
) -> None:
    """Let the element run again; `variables` are set before it does.

    Raises NotFound("incident.unknown"), Conflict("incident.gone").
    """
    try:
        with open_case_of(session, incident_id, WaitKind.INCIDENT, now=now) as case:
            assert case.row is not None, "the case was opened by an incident"
            if case.row.closed_at is not None:
                raise Conflict("incident.gone", incident=incident_id, state=case.row.state)
            case.fire_due_timers(case.instant)
            address = case.row.address
            if not isinstance(case.live.waits.get(address), IncidentWait):
                raise Conflict("incident.gone", incident=incident_id)
            case.apply(IncidentRetried(at=case.instant, wait=address, by=by.id, variables=dict(variables or {})))
    except NotFound as error:
        raise (NotFound("incident.unknown", incident=incident_id) if error.code == "wait.unknown" else error) from error


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
