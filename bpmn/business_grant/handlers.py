"""Service tasks of 业务授权: a tenure's beginning, its code, its states and its end.

The register (`domain/grant*.py`) holds the state and says no; what it says no to leaves by the task's error boundary event.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel, RootModel

# Importing them declares their service tasks, and what they are told by the registers.
import bpmn.business_grant.credentials
import bpmn.business_grant.holders
import bpmn.business_grant.institutions
import bpmn.business_grant.proving
import bpmn.notices  # noqa: F401
from bpmn.business_grant.names import FLOW
from bpmn.business_grant.refusals import REFUSALS, actor, refusals
from bpmn.business_grant.telling import UNIT, TellParameters, tell, tell_holders
from domain.grants import code as grant_code
from domain.grants import grant as register
from domain.grants.business import find_business
from domain.grants.tenure import end_tenure
from domain.refused import Refused
from engine.actors import SYSTEM, Actor
from engine.cases.outbox import start_later
from engine.services.registry import TransactionContext, service_task

NEVER = timedelta(days=1)  # after the code's end: of two timers the earlier one takes the other away


class GrantParameters(BaseModel):
    """grant: its id."""

    grant: str


class BeginParameters(GrantParameters):
    """unit: who is said to grant it."""

    unit: str


@service_task(
    "business_grant.begin",
    title="登记任期开始",
    parameters=BeginParameters,
    errors=REFUSALS,
    in_transaction=True,
)
def begin(parameters: BeginParameters, context: TransactionContext) -> None:
    """This case carries the grant's next tenure, begun by the unit that grants the business."""
    with refusals():
        grant = register.begin_tenure(context.session, parameters.grant, context.case_id, context.now)
        if register.granting_unit(context.session, grant) != parameters.unit:
            raise Refused("grant.wrong_unit", grant=grant.id, unit=parameters.unit)


class UnitCode(RootModel[str]):
    """A unit's code as a variable of its own, so that a lane can name its group."""


@service_task(
    "business_grant.find_unit", title="确定行政单位", parameters=GrantParameters, result=UnitCode, in_transaction=True
)
def find_unit(parameters: GrantParameters, context: TransactionContext) -> UnitCode:
    """Who grants it today: an institution may have come to another unit since the tenure began."""
    grant = register.find_grant(context.session, parameters.grant)
    unit = register.granting_unit(context.session, grant)
    if unit is None:
        raise Refused("grant.institution_not_admitted", grant=grant.id)
    return UnitCode(unit)


class CodeFacts(BaseModel):
    """The code itself is read from the register by the unit alone.

    remind_at: when the unit hears that it is about to expire; after that a time that never comes.
    """

    expires_at: datetime
    remind_at: datetime
    is_expired: bool = False


@service_task(
    "business_grant.issue_code",
    title="生成授权码",
    parameters=GrantParameters,
    result=CodeFacts,
    errors=REFUSALS,
    in_transaction=True,
)
def issue_code(parameters: GrantParameters, context: TransactionContext) -> CodeFacts:
    """A fresh code; one that was out is void."""
    with refusals():
        grant_code.issue_code(context.session, parameters.grant, by=actor(context), now=context.now)
        return _code_facts(parameters.grant, context)


@service_task(
    "business_grant.extend_code",
    title="延长授权码有效期",
    parameters=GrantParameters,
    result=CodeFacts,
    errors=REFUSALS,
    in_transaction=True,
)
def extend_code(parameters: GrantParameters, context: TransactionContext) -> CodeFacts:
    with refusals():
        grant_code.extend_code(context.session, parameters.grant, now=context.now)
        return _code_facts(parameters.grant, context)


@service_task(
    "business_grant.remind",
    title="提醒授权码即将到期",
    parameters=GrantParameters,
    result=CodeFacts,
    in_transaction=True,
)
def remind(parameters: GrantParameters, context: TransactionContext) -> CodeFacts:
    facts = _code_facts(parameters.grant, context)
    soon = TellParameters(grant=parameters.grant, template="business_grant.code_ends_soon", to=[UNIT])
    tell(soon, context)
    return facts.model_copy(update={"remind_at": facts.expires_at + NEVER})


@service_task(
    "business_grant.expire_code",
    title="授权码到期",
    parameters=GrantParameters,
    result=CodeFacts,
    in_transaction=True,
)
def expire_code(parameters: GrantParameters, context: TransactionContext) -> CodeFacts:
    """The tenure is over with its code, unless the code was extended meanwhile."""
    live = grant_code.live_code(context.session, parameters.grant)
    if live is not None and not grant_code.expire_code(context.session, parameters.grant, now=context.now):
        return _code_facts(parameters.grant, context)
    end_tenure(context.session, parameters.grant, why="expired", by=actor(context), now=context.now)
    return CodeFacts(expires_at=context.now, remind_at=context.now + NEVER, is_expired=True)


@service_task("business_grant.free_code", title="放回授权码", parameters=GrantParameters, in_transaction=True)
def free_code(parameters: GrantParameters, context: TransactionContext) -> None:
    grant_code.free_code(context.session, parameters.grant, context.now)


class EndParameters(GrantParameters):
    """why: a code of `grant_tenure.end_tenure`. stop: no code until the unit enables the grant again."""

    why: str
    stop: bool = False


@service_task("business_grant.end_tenure", title="结束任期", parameters=EndParameters, in_transaction=True)
def end(parameters: EndParameters, context: TransactionContext) -> None:
    end_tenure(
        context.session,
        parameters.grant,
        why=parameters.why,
        by=actor(context),
        now=context.now,
        stop=parameters.stop,
    )


class NextParameters(GrantParameters):
    """person: who comes next. why: `direct`, or `successor` for one whom the register knows already."""

    person: str
    why: str


@service_task("business_grant.start_next", title="安排下一任", parameters=NextParameters, in_transaction=True)
def start_next(parameters: NextParameters, context: TransactionContext) -> None:
    """The next tenure is a case of its own, started when this one has committed."""
    grant = register.hand_on_tenure(context.session, parameters.grant, context.case_id, context.now)
    values = {
        "grant": grant.id,
        "institution": grant.institution_id,
        "business": grant.business_key,
        "unit": register.granting_unit(context.session, grant),
        "how": "direct",
        "person": parameters.person,
        "why": parameters.why,
    }
    start_later(
        context.session,
        FLOW,
        values,
        by=Actor(context.acted_by) if context.acted_by else SYSTEM,
        dedup_key=f"{context.case_id}:next",
        now=context.now,
        sender=context.case_id,
    )


class StateParameters(GrantParameters):
    """reason: in words; kept in the case, not in the register."""

    reason: str | None = None


@service_task(
    "business_grant.suspend", title="暂停授权", parameters=StateParameters, errors=REFUSALS, in_transaction=True
)
def suspend(parameters: StateParameters, context: TransactionContext) -> None:
    """Holders stay, what they may use is gone at once."""
    with refusals():
        register.suspend(context.session, parameters.grant, by=actor(context), why="unit", now=context.now)
    tell_holders("business_grant.suspended", parameters.grant, parameters.reason, context)


@service_task(
    "business_grant.resume", title="恢复授权", parameters=StateParameters, errors=REFUSALS, in_transaction=True
)
def resume(parameters: StateParameters, context: TransactionContext) -> None:
    with refusals():
        register.resume(context.session, parameters.grant, by=actor(context), why="unit", now=context.now)
    tell_holders("business_grant.resumed", parameters.grant, parameters.reason, context)


def _code_facts(grant_id: str, context: TransactionContext) -> CodeFacts:
    live = grant_code.live_code(context.session, grant_id)
    if live is None:
        raise Refused("grant.no_open_code", grant=grant_id)
    grant = register.find_grant(context.session, grant_id)
    notice = timedelta(days=find_business(context.session, grant.business_key).code_notice_days)
    remind_at = live.expires_at - notice
    if remind_at <= context.now:  # issued or extended for less than the notice: nobody needs to be reminded
        remind_at = live.expires_at + NEVER
    return CodeFacts(expires_at=live.expires_at, remind_at=remind_at)
