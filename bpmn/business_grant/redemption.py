"""Entering a grant code: what it opens, or one more wrong code counted. The answer tells nothing of codes that do not work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bpmn.notices import wording_in_case
from domain.grants.attempts import FailureKind, count_failure, refuse_locked
from domain.grants.business import find_business
from domain.grants.code import find_redeemable, institution_of_code
from domain.grants.grant import BusinessGrant, find_grant, granting_unit
from domain.institutions.institution import find_institution
from domain.notice import queue_notice
from domain.refused import Refused
from domain.units.unit import unit_group

CODE_LOCKED = "business_grant.code_locked"


def redeemable_grant(session: Session, person_id: str, code: str, now: datetime) -> BusinessGrant | Refused:
    """The grant this code opens for this person, or Refused("grant.code_not_valid"), *returned*: the count is to be committed.

    Raises Refused("grant.attempts_locked") while the person is locked, or the institution of a code that would work: to
    somebody who guesses, a locked institution's dead codes answer like any other.
    """
    refuse_locked(session, person_id, None, now)
    # A step locks its case before the register's rows. Looking the code up locks the grant; giving the savepoint back
    # gives the lock back, so that two redemptions and a step of the tenure do not wait for each other in a circle.
    lookup = session.begin_nested()
    try:
        grant_id = find_redeemable(session, code, now, person_id=person_id).id
    except Refused as no:
        lookup.rollback()
        _count_wrong_code(session, person_id, institution_of_code(session, code), now)
        return no
    lookup.rollback()
    grant = find_grant(session, grant_id)
    refuse_locked(session, person_id, grant.institution_id, now)
    return grant


def _count_wrong_code(session: Session, person_id: str, institution_id: str | None, now: datetime) -> None:
    counted = count_failure(session, person_id, institution_id, FailureKind.WRONG_CODE, now)
    if institution_id is None or not counted.institution_locked:
        return
    carried = BusinessGrant.institution_id == institution_id, BusinessGrant.case_id.is_not(None)
    told: set[str] = set()
    for grant in session.scalars(select(BusinessGrant).where(*carried).order_by(BusinessGrant.id)):
        unit = granting_unit(session, grant)
        if unit is not None and unit not in told and grant.case_id is not None:
            told.add(unit)
            queue_notice(
                session,
                case_id=grant.case_id,
                template=CODE_LOCKED,
                wording=wording_in_case(session, grant.case_id, CODE_LOCKED),
                now=now,
                group_key=unit_group(unit),
                facts={
                    "institution": find_institution(session, institution_id).name,
                    "business": find_business(session, grant.business_key).name,
                },
            )
