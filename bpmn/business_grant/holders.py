"""Service tasks of 业务授权 that change who holds the grant: redeeming, binding, handing over, auxiliaries."""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from bpmn.business_grant.refusals import REFUSALS, actor, refusals
from domain.grants import code as grant_code
from domain.grants import grant as register
from domain.grants import holder as grant_holder
from domain.grants import tenure as grant_tenure
from domain.grants.attempts import forget_failures, refuse_locked
from domain.grants.business import find_business
from domain.refused import Refused
from engine.services.registry import TransactionContext, service_task


class HolderParameters(BaseModel):
    """grant, person: ids."""

    grant: str
    person: str


class PersonId(RootModel[str]):
    """A person's id as a variable of its own, so that groups and messages can name it."""


@service_task(
    "business_grant.reserve", title="占用授权码", parameters=HolderParameters, errors=REFUSALS, in_transaction=True
)
def reserve(parameters: HolderParameters, context: TransactionContext) -> None:
    """Nobody else can redeem the code while this person proves who they are."""
    with refusals():
        grant = register.lock_grant(context.session, parameters.grant)
        refuse_locked(context.session, parameters.person, grant.institution_id, context.now)
        grant_holder.refuse_unverified(context.session, parameters.person)
        grant_code.reserve_code(context.session, parameters.grant, parameters.person, context.now)


class ActivateParameters(HolderParameters):
    """proof: `face`, or `unit` where the unit confirmed."""

    proof: str


@service_task(
    "business_grant.activate",
    title="激活授权",
    parameters=ActivateParameters,
    result=PersonId,
    errors=REFUSALS,
    in_transaction=True,
)
def activate(parameters: ActivateParameters, context: TransactionContext) -> PersonId:
    """Whoever redeemed the code is manager."""
    why, by = (
        ("confirmed", actor(context)) if parameters.proof == "unit" else ("redeemed", f"person:{parameters.person}")
    )
    with refusals():
        grant = grant_tenure.activate(
            context.session, parameters.grant, parameters.person, by=by, why=why, now=context.now
        )
    forget_failures(context.session, parameters.person, grant.institution_id, context.now)
    return PersonId(parameters.person)


class SeatParameters(HolderParameters):
    """why: `direct`, `imported`, or `successor` for one whom a transfer or takeover has made manager already."""

    why: str | None = None


@service_task(
    "business_grant.seat",
    title="登记管理人",
    parameters=SeatParameters,
    result=PersonId,
    errors=REFUSALS,
    in_transaction=True,
)
def seat(parameters: SeatParameters, context: TransactionContext) -> PersonId:
    """直接授权: the person is manager without a code; a code that is out is void."""
    with refusals():
        grant = register.lock_grant(context.session, parameters.grant)
        if grant.manager_person_id == parameters.person:
            grant_holder.refuse_unverified(context.session, parameters.person)  # they may have lost it since
        else:
            why = parameters.why or "direct"
            grant_tenure.activate(
                context.session, grant.id, parameters.person, by=actor(context), why=why, now=context.now
            )
    return PersonId(parameters.person)


@service_task(
    "business_grant.check_successor",
    title="核对新管理人",
    parameters=HolderParameters,
    errors=REFUSALS,
    in_transaction=True,
)
def check_successor(parameters: HolderParameters, context: TransactionContext) -> None:
    """Before anybody is asked: not oneself, verified by resident ID, and the grant is in use."""
    with refusals():
        grant = register.find_grant(context.session, parameters.grant)
        register.refuse_inactive(grant)
        if grant.manager_person_id == parameters.person:
            raise Refused("grant.own_number", grant=grant.id)
        grant_holder.refuse_unverified(context.session, parameters.person)
        if grant.manager_person_id is not None:
            refuse_locked(context.session, grant.manager_person_id, None, context.now)


@service_task(
    "business_grant.check_auxiliary",
    title="核对辅助管理员",
    parameters=HolderParameters,
    errors=REFUSALS,
    in_transaction=True,
)
def check_auxiliary(parameters: HolderParameters, context: TransactionContext) -> None:
    """As check_successor; and not one already, and there is room for one more."""
    check_successor(parameters, context)
    with refusals():
        grant = register.find_grant(context.session, parameters.grant)
        auxiliaries = grant_holder.auxiliaries_of(context.session, grant.id)
        if parameters.person in auxiliaries:
            raise Refused("grant.is_auxiliary", grant=grant.id)
        if len(auxiliaries) >= find_business(context.session, grant.business_key).max_auxiliaries:
            raise Refused("grant.too_many_auxiliaries", grant=grant.id)


class HandOverParameters(HolderParameters):
    keep_auxiliaries: bool = True
    why: str


@service_task(
    "business_grant.hand_over",
    title="登记新管理人",
    parameters=HandOverParameters,
    result=PersonId,
    errors=REFUSALS,
    in_transaction=True,
)
def hand_over(parameters: HandOverParameters, context: TransactionContext) -> PersonId:
    """The person is manager from now on; their own tenure begins with the next case."""
    with refusals():
        grant_tenure.transfer(
            context.session,
            parameters.grant,
            parameters.person,
            keep_auxiliaries=parameters.keep_auxiliaries,
            by=actor(context),
            why=parameters.why,
            now=context.now,
        )
    return PersonId(parameters.person)


@service_task(
    "business_grant.add_auxiliary",
    title="登记辅助管理员",
    parameters=HolderParameters,
    result=PersonId,
    errors=REFUSALS,
    in_transaction=True,
)
def add_auxiliary(parameters: HolderParameters, context: TransactionContext) -> PersonId:
    with refusals():
        grant_holder.add_auxiliary(
            context.session,
            parameters.grant,
            parameters.person,
            by=actor(context),
            why="added",
            now=context.now,
        )
    return PersonId(parameters.person)


class RemovalParameters(HolderParameters):
    """why: `removed` by the manager, `left` by themselves, `credential_ended`."""

    why: str


@service_task(
    "business_grant.remove_auxiliary",
    title="移除辅助管理员",
    parameters=RemovalParameters,
    errors=REFUSALS,
    in_transaction=True,
)
def remove_auxiliary(parameters: RemovalParameters, context: TransactionContext) -> None:
    with refusals():
        grant_holder.remove_auxiliary(
            context.session,
            parameters.grant,
            parameters.person,
            by=actor(context),
            why=parameters.why,
            now=context.now,
        )
