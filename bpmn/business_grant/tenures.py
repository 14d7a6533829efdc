"""How the endpoints of grants reach a tenure: they start its case or send it a message, and the diagram does the rest.

What the register says no to leaves the case by a boundary event. Towards whoever asked it is the same refusal: it is found in
what the request has just journalled, raised, and the transaction with all of it given up.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bpmn.business_grant.names import DESK, FLOW, TenureMessage
from domain.grants.grant import BusinessGrant, granting_unit
from domain.refused import Refused
from engine.actors import Actor
from engine.cases.start import start_case
from engine.errors import Conflict
from engine.inputs import JobFailed, JobGivenUp, MessageReceived, Started
from engine.messages.send import send_message
from engine.model.tables import CASE
from engine.replay.rebuild import read_inputs

# What a message that the tenure does not wait for means to whoever sent it.
NOT_NOW = {
    TenureMessage.REDEEM: "grant.code_not_valid",
    TenureMessage.BIND: "grant.already_active",
    TenureMessage.EXTEND: "grant.redemption_running",
    TenureMessage.TRANSFER: "grant.change_running",
    TenureMessage.TAKEOVER: "grant.change_running",
    TenureMessage.CANCEL_TRANSFER: "grant.no_transfer",
    TenureMessage.CANCEL_AUXILIARY: "grant.no_invitation",
    TenureMessage.SUSPEND: "grant.not_active",
    TenureMessage.RESUME: "grant.not_suspended",
}


def begin_tenure(session: Session, by: Actor, grant: BusinessGrant, *, now: datetime, person: str | None = None) -> str:
    """Start the grant's next tenure with a code, or with `person` as manager; returns the case's id.

    Raises Refused as the register does.
    """
    unit = granting_unit(session, grant)
    if unit is None:
        raise Refused("grant.institution_not_admitted", grant=grant.id)
    values: dict[str, Any] = {
        "grant": grant.id,
        "institution": grant.institution_id,
        "business": grant.business_key,
        "unit": unit,
        "how": "code" if person is None else "direct",
    }
    if person is not None:
        values |= {"person": person, "why": "direct"}
    case_id = start_case(session, FLOW, by=_at_desk(by), values=values, now=now)
    _raise_refusal(session, case_id, after=0)
    return case_id


def tell_tenure(
    session: Session,
    by: Actor,
    grant: BusinessGrant,
    message: TenureMessage,
    payload: dict[str, Any] | None = None,
    *,
    now: datetime,
    correlation: str = "",
) -> None:
    """Send the running tenure a message.

    Raises Refused("grant.no_tenure") where none runs, Refused of NOT_NOW where it does not wait for this, Refused as the
    register does, Forbidden("message.not_yours").
    """
    case_id = grant.case_id  # the register forgets it when the tenure ends
    if case_id is None:
        raise Refused("grant.no_tenure" if message is not TenureMessage.REDEEM else NOT_NOW[message], grant=grant.id)
    before = session.scalar(select(CASE.c.revision).where(CASE.c.id == case_id)) or 0
    try:
        send_message(
            session,
            case_id,
            message.value,
            by=_at_desk(by),
            payload=payload or {},
            now=now,
            correlation=correlation,
        )
    except Conflict as conflict:
        if conflict.code in {"message.not_awaited", "case.ended"}:
            raise Refused(NOT_NOW.get(message, "grant.not_possible_now"), grant=grant.id) from conflict
        raise
    _raise_refusal(session, case_id, after=before)
    session.refresh(grant)


def _raise_refusal(session: Session, case_id: str, *, after: int) -> None:
    """Raises what a service task said no to since this request's own input; timers due before it are not its doing."""
    inputs = read_inputs(session, case_id)[after:]
    asked = next(place for place, given in enumerate(inputs) if isinstance(given, Started | MessageReceived))
    for given in inputs[asked:]:
        if isinstance(given, JobFailed):
            raise Refused(given.code, case=case_id)
        if isinstance(given, JobGivenUp):
            raise RuntimeError(f"a task of case {case_id} failed: {given.reason}")


def _at_desk(by: Actor) -> Actor:
    return Actor(by.id, by.groups | {DESK})
