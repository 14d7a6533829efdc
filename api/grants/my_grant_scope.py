"""Which grants are a caller's own, as manager, as auxiliary, or because something of them waits for the caller."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from domain.credentials.credential import valid_resident_credential
from domain.grants.grant import BusinessGrant, grant_of
from domain.grants.holder import HeldGrant, HolderRole, grants_held
from domain.institutions.institution import Institution
from domain.refused import Refused


def verified_person(session: Session, caller: Caller) -> str:
    """The caller's person. Raises Rejected("grant.verify_first") unless verified by resident ID."""
    if caller.person_id is None or valid_resident_credential(session, caller.person_id) is None:
        raise Rejected("grant.verify_first")
    return caller.person_id


def held_grant(session: Session, caller: Caller, grant_id: str) -> HeldGrant:
    """Raises Rejected("grant.verify_first"), Rejected("grant.unknown") for one the caller does not hold."""
    person = verified_person(session, caller)
    found = next((held for held in grants_held(session, person) if held.grant.id == grant_id), None)
    if found is None:
        raise Rejected("grant.unknown")
    return found


def managed_grant(session: Session, caller: Caller, grant_id: str) -> BusinessGrant:
    """As held_grant(); Rejected("grant.manager_only") for an auxiliary, who hands nothing on."""
    held = held_grant(session, caller, grant_id)
    if held.role != HolderRole.MANAGER:
        raise Rejected("grant.manager_only")
    return held.grant


def grant_to_take_over(session: Session, institution: str, business_key: str) -> BusinessGrant:
    """institution: id or 机构编码. Raises Refused("grant.not_active") for what nobody manages, or does not exist: all alike."""
    found = session.scalar(
        select(Institution.id).where(or_(Institution.id == institution, Institution.code == institution))
    )
    grant = grant_of(session, found, business_key) if found is not None else None
    if grant is None or grant.manager_person_id is None:
        raise Refused("grant.not_active")
    return grant
