"""From a code or a direct grant to the end of a manager's time: the verbs that touch state, code and holders together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_
from sqlalchemy.orm import Session

from domain.grants.business import Business, business_group
from domain.grants.code import CodeState, end_live_code, live_code
from domain.grants.grant import (
    BusinessGrant,
    GrantState,
    change_state,
    find_grant,
    lock_grant,
    refuse_inactive,
    refuse_ungrantable,
)
from domain.grants.holder import (
    GrantHolder,
    HolderRole,
    auxiliaries_of,
    business_groups,
    give,
    held_now,
    refuse_unverified,
    take,
)
from domain.refused import Refused


@dataclass(frozen=True, slots=True)
class Impact:
    """What ending a tenure touches. group: whose open work items nobody could do any more (the caller counts them).

    case_id: the tenure's case, whose open transfers and invitations end with it.
    """

    manager_person_id: str | None
    auxiliary_person_ids: tuple[str, ...]
    has_open_code: bool
    group: str
    case_id: str | None


def activate(session: Session, grant_id: str, person_id: str, *, by: str, why: str, now: datetime) -> BusinessGrant:
    """The person is manager, NONE or ISSUED → ACTIVE. A code reserved by this very person is used, any other live one void.

    why: `redeemed`, `confirmed` (by the unit), `direct`, `takeover`, `imported`. Raises Refused("grant.no_tenure" |
    "grant.already_active" | "grant.stopped" | "grant.person_not_verified" | "grant.institution_not_admitted").
    """
    grant = lock_grant(session, grant_id)
    refuse_ungrantable(session, grant)
    refuse_unverified(session, person_id)
    _settle_code(session, grant_id, person_id, now)
    grant.manager_person_id = person_id
    change_state(session, grant, GrantState.ACTIVE, by=by, why=why, now=now)
    give(session, grant, person_id, HolderRole.MANAGER, by=by, why=why, now=now)
    return grant


def transfer(
    session: Session, grant_id: str, to_person_id: str, *, keep_auxiliaries: bool, by: str, why: str, now: datetime
) -> BusinessGrant:
    """Another person is manager of the ACTIVE grant; an auxiliary who becomes manager is no auxiliary any more.

    Raises Refused("grant.not_active" | "grant.own_number" | "grant.person_not_verified").
    """
    grant = lock_grant(session, grant_id)
    refuse_inactive(grant)
    if grant.manager_person_id == to_person_id:
        raise Refused("grant.own_number", grant=grant_id)
    refuse_unverified(session, to_person_id)
    leaving = held_now(grant_id)
    if keep_auxiliaries:
        leaving = leaving.where(or_(GrantHolder.role == HolderRole.MANAGER, GrantHolder.person_id == to_person_id))
    take(session, leaving, by=by, why=why, now=now)
    grant.manager_person_id, grant.changed_at = to_person_id, now
    give(session, grant, to_person_id, HolderRole.MANAGER, by=by, why=why, now=now)
    return grant


def end_tenure(
    session: Session, grant_id: str, *, why: str, by: str, now: datetime, stop: bool = False
) -> BusinessGrant:
    """解除授权: holders' times end, a live code is void, no case carries the grant; → NONE, or with `stop` → STOPPED.

    why: `replaced`, `stopped`, `resigned`, `credential_ended`, `expired`, …. A grant with nothing running can be stopped too.
    Raises Refused("grant.no_tenure") where there is nothing to end, Refused("grant.stopped") for a stopped one.
    """
    grant = lock_grant(session, grant_id)
    if grant.state == GrantState.STOPPED:
        raise Refused("grant.stopped", grant=grant_id)
    if grant.case_id is None and grant.state == GrantState.NONE and not stop:
        raise Refused("grant.no_tenure", grant=grant_id)
    end_live_code(session, grant_id, CodeState.VOID, now)
    take(session, held_now(grant_id), by=by, why=why, now=now)
    grant.manager_person_id, grant.case_id = None, None
    became = GrantState.STOPPED if stop else GrantState.NONE
    if grant.state != became:
        change_state(session, grant, became, by=by, why=why, now=now)
    session.flush()
    return grant


def impact(session: Session, grant_id: str) -> Impact:
    """What `end_tenure` would touch, for the question before it. Raises Refused("grant.unknown")."""
    grant = find_grant(session, grant_id)
    return Impact(
        manager_person_id=grant.manager_person_id,
        auxiliary_person_ids=auxiliaries_of(session, grant_id),
        has_open_code=live_code(session, grant_id) is not None,
        group=business_group(grant.business_key, grant.institution_id),
        case_id=grant.case_id,
    )


def check_grant(session: Session, business_key: str, institution_id: str, person_id: str, now: datetime) -> bool:
    """Whether this person may work in this business for this institution now; unknown ids are a plain no.

    Yes: the grant is ACTIVE, the person its manager or auxiliary, the business open, the institution not removed.
    """
    business = session.get(Business, business_key)
    if business is None or not business.is_open(now):
        return False
    return business_group(business_key, institution_id) in business_groups(session, person_id)


def reserved_person(session: Session, grant_id: str) -> str | None:
    """Who is redeeming the grant's code right now."""
    live = live_code(session, grant_id)
    return live.reserved_by if live is not None else None


def _settle_code(session: Session, grant_id: str, person_id: str, now: datetime) -> None:
    """The live code ends with an activation: used by whoever had reserved it, void if the unit granted directly."""
    live = live_code(session, grant_id)
    if live is not None and live.reserved_by == person_id:
        end_live_code(session, grant_id, CodeState.USED, now, used_by=person_id)
    else:
        end_live_code(session, grant_id, CodeState.VOID, now)
