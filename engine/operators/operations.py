"""What operators do to one case, as data: done at once, or proposed where the flow wants a second person's agreement.

Which verb of which flow needs a second person an administrator says (`second_person_rule`), not the flow's draft: who draws a
diagram cannot lift the rule that guards it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

import orjson
from sqlalchemy import Table, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engine.actors import Actor, accounts_of_person
from engine.errors import Conflict, Forbidden, NotFound
from engine.inputs import Json
from engine.model.operation import OperatorProposal, ProposalState, SecondPersonRule
from engine.model.tables import CASE
from engine.operators.interventions import (
    cancel_case,
    edit_variables,
    move_token,
    resume_case,
    retry_incident,
    skip_element,
    suspend_case,
)
from storage import vault
from storage.columns import new_id

RULE = cast(Table, SecondPersonRule.__table__)
PROPOSAL = cast(Table, OperatorProposal.__table__)
ANY = "*"


class OperatorVerb(StrEnum):
    SUSPEND = "suspend"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    EDIT = "edit"
    SKIP = "skip"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAct:
    """wait: id of the wait it is about (retry, skip, move). values: variables to set. place: address of a called flow (edit).

    to: element the token goes to (move).
    """

    verb: OperatorVerb
    case_id: str
    why: str
    wait: str = ""
    values: Mapping[str, Json] = field(default_factory=dict, repr=False)
    place: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """act: None where the case was erased."""

    id: str
    case_id: str
    verb: str
    act: OperatorAct | None
    proposed_by: str
    proposed_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    flow_key: str
    verb: str
    set_by: str
    set_at: datetime


def operate(session: Session, act: OperatorAct, *, by: Actor, now: datetime) -> str | None:
    """Do it, or propose it: then the proposal's id comes back.

    Raises NotFound("case.unknown"), Conflict("case.ended" | "operation.no_reason") and what the verb itself raises.
    """
    if not act.why.strip():
        raise Conflict("operation.no_reason")
    flow_key, ended_at = _case(session, act.case_id)
    if ended_at is not None:
        raise Conflict("case.ended", case=act.case_id)
    if needs_second_person(session, flow_key, act.verb):
        return _propose(session, act, by, now)
    _perform(session, act, by, now)
    return None


def confirm_proposal(session: Session, proposal_id: str, *, by: Actor, now: datetime) -> OperatorAct:
    """A second person agrees: it is done now, in the proposer's name; the reason names who agreed.

    Raises NotFound("proposal.unknown"), Conflict("proposal.gone"), Forbidden("proposal.same_person") and what the act raises.
    """
    row = _pending(session, proposal_id)
    if row.proposed_by in accounts_of_person(session, by.id):
        raise Forbidden("proposal.same_person", proposal=proposal_id)
    act = _opened(session, row)
    if act is None:
        raise Conflict("case.erased", case=row.case_id)
    agreed = OperatorAct(**{**_fields(act), "why": f"{act.why}（复核：{by.id}）"})
    _perform(session, agreed, Actor(row.proposed_by), now)
    _decide(session, proposal_id, ProposalState.CONFIRMED, by, now)
    return act


def reject_proposal(session: Session, proposal_id: str, *, by: Actor, now: datetime) -> None:
    """Nothing is done; also by who proposed it. Raises NotFound("proposal.unknown"), Conflict("proposal.gone")."""
    _pending(session, proposal_id)
    _decide(session, proposal_id, ProposalState.REJECTED, by, now)


def open_proposals(session: Session, *, case_id: str | None = None) -> list[Proposal]:
    """Oldest first; at most 200."""
    wanted = select(PROPOSAL).where(PROPOSAL.c.state == ProposalState.PENDING)
    wanted = wanted if case_id is None else wanted.where(PROPOSAL.c.case_id == case_id)
    rows = session.execute(wanted.order_by(PROPOSAL.c.id).limit(200)).all()
    return [
        Proposal(
            row.id,
            row.case_id,
            row.verb,
            _opened(session, row),
            row.proposed_by,
            row.proposed_at,
            row.state,
            row.decided_by,
            row.decided_at,
        )
        for row in rows
    ]


def needs_second_person(session: Session, flow_key: str, verb: str) -> bool:
    rule = select(RULE.c.verb).where(
        or_(RULE.c.flow_key == flow_key, RULE.c.flow_key == ANY), or_(RULE.c.verb == verb, RULE.c.verb == ANY)
    )
    return session.execute(rule.limit(1)).scalar() is not None


def second_person_rules(session: Session) -> list[Rule]:
    rows = session.execute(select(RULE).order_by(RULE.c.flow_key, RULE.c.verb))
    return [Rule(row.flow_key, row.verb, row.set_by, row.set_at) for row in rows]


def require_second_person(session: Session, flow_key: str, verb: str, *, by: Actor, now: datetime) -> None:
    """`*` for every flow or verb. By an administrator; setting it twice changes nothing."""
    dialect = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    row = {"flow_key": flow_key, "verb": verb, "set_by": by.id, "set_at": now}
    session.execute(dialect.insert(RULE).values(row).on_conflict_do_nothing(index_elements=list(RULE.primary_key)))


def lift_second_person(session: Session, flow_key: str, verb: str) -> None:
    session.execute(delete(RULE).where(RULE.c.flow_key == flow_key, RULE.c.verb == verb))


def _perform(session: Session, act: OperatorAct, by: Actor, now: datetime) -> None:
    match act.verb:
        case OperatorVerb.SUSPEND:
            suspend_case(session, act.case_id, by=by, reason=act.why, now=now)
        case OperatorVerb.RESUME:
            resume_case(session, act.case_id, by=by, reason=act.why, now=now)
        case OperatorVerb.CANCEL:
            cancel_case(session, act.case_id, by=by, reason=act.why, now=now)
        case OperatorVerb.RETRY:
            retry_incident(session, act.wait, by=by, now=now, variables=act.values, reason=act.why)
        case OperatorVerb.EDIT:
            edit_variables(session, act.case_id, act.values, place=act.place, by=by, reason=act.why, now=now)
        case OperatorVerb.SKIP:
            skip_element(session, act.case_id, act.wait, act.values, by=by, reason=act.why, now=now)
        case OperatorVerb.MOVE:
            move_token(session, act.case_id, act.wait, act.to, by=by, reason=act.why, now=now)


def _propose(session: Session, act: OperatorAct, by: Actor, now: datetime) -> str:
    proposal_id = new_id()
    cipher = vault.current().cipher(session, f"case:{act.case_id}")
    row = {
        "id": proposal_id,
        "case_id": act.case_id,
        "verb": act.verb,
        "act": cipher.encrypt(orjson.dumps(_fields(act)), _context(proposal_id)),
        "proposed_by": by.id,
        "proposed_at": now,
        "state": ProposalState.PENDING,
        "decided_by": None,
        "decided_at": None,
    }
    session.execute(insert(PROPOSAL).values(row))
    return proposal_id


def _pending(session: Session, proposal_id: str) -> Any:  # Any: a row
    """Locked until the transaction ends."""
    row = session.execute(select(PROPOSAL).where(PROPOSAL.c.id == proposal_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("proposal.unknown", proposal=proposal_id)
    if row.state != ProposalState.PENDING:
        raise Conflict("proposal.gone", proposal=proposal_id, state=row.state)
    return row


def _decide(session: Session, proposal_id: str, state: ProposalState, by: Actor, now: datetime) -> None:
    decided = {"state": state, "decided_by": by.id, "decided_at": now}
    session.execute(update(PROPOSAL).where(PROPOSAL.c.id == proposal_id).values(decided))


def _opened(session: Session, row: Any) -> OperatorAct | None:  # Any: a row
    try:
        cipher = vault.current().cipher(session, f"case:{row.case_id}")
    except vault.KeyDestroyed:
        return None
    fields = orjson.loads(cipher.decrypt(row.act, _context(row.id)))
    return OperatorAct(**{**fields, "verb": OperatorVerb(fields["verb"])})


def _fields(act: OperatorAct) -> dict[str, Any]:  # Any: JSON
    return {**asdict(act), "values": dict(act.values)}


def _case(session: Session, case_id: str) -> tuple[str, datetime | None]:
    row = session.execute(select(CASE.c.flow_key, CASE.c.ended_at).where(CASE.c.id == case_id)).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    return row.flow_key, row.ended_at


def _context(proposal_id: str) -> bytes:
    return b"operator proposal:" + proposal_id.encode()
