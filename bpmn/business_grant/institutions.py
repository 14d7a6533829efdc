"""What an institution that is removed or merged away was granted is revoked, through the diagram of each tenure."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bpmn.business_grant.names import TenureMessage
from domain.grants.grant import BusinessGrant
from domain.institutions.institution import Institution
from domain.institutions.state import when_removed
from engine.cases.outbox import send_to_case

REASON = "机构已从机构库移除"


@when_removed
def revoke_tenures(session: Session, institution: Institution, now: datetime) -> None:
    """Its grants give nothing from this transaction on; the message ends the tenures, too, and stops the grants (停用)."""
    running = select(BusinessGrant.id, BusinessGrant.case_id).where(
        BusinessGrant.institution_id == institution.id, BusinessGrant.case_id.is_not(None)
    )
    for grant_id, case_id in session.execute(running.order_by(BusinessGrant.id)):
        assert case_id is not None, grant_id
        send_to_case(
            session,
            case_id,
            TenureMessage.REVOKE.value,
            {"stop": True, "reason": REASON},
            dedup_key=f"institution:{institution.id}:{institution.revision}:{grant_id}",
            now=now,
        )
