"""A person who is not verified by resident ID any more loses their grants, through the diagram of each tenure."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bpmn.business_grant.names import TenureMessage
from domain.credentials.credential import Credential, valid_resident_credential, when_ended
from domain.grants.holder import HolderRole, grants_held
from engine.cases.outbox import send_to_case

MESSAGES = {
    HolderRole.MANAGER: TenureMessage.MANAGER_LOST,
    HolderRole.AUXILIARY: TenureMessage.AUXILIARY_LOST,
}


@when_ended
def tell_tenures(session: Session, credential: Credential, now: datetime) -> None:
    """Tell each tenure of a person who holds no other valid resident credential: a renewal or a rebinding ends nothing."""
    if valid_resident_credential(session, credential.person_id) is not None:
        return
    for held in grants_held(session, credential.person_id):
        if held.grant.case_id is None:  # handed over a moment ago: the next tenure's case is on its way
            continue
        payload = {"person": credential.person_id} if held.role is HolderRole.AUXILIARY else {}
        send_to_case(
            session,
            held.grant.case_id,
            MESSAGES[held.role].value,
            payload,
            dedup_key=f"credential:{credential.id}:{held.grant.id}",
            now=now,
        )
