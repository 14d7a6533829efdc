"""The service task by which 业务授权 tells people: who it is about, for which institution and business, in words."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel

from bpmn.notices import wording_of
from domain.grants.business import find_business
from domain.grants.grant import find_grant, granting_unit
from domain.grants.holder import auxiliaries_of
from domain.institutions.institution import Institution
from domain.notice import queue_notice
from domain.persons.person import read_identity
from domain.persons.privacy import mask_name
from domain.units.unit import unit_group
from engine.services.registry import NOTICE, TransactionContext, service_task

UNIT = "unit"


class TellParameters(BaseModel):
    """to: `person:<id>`, or `unit` for the unit that grants the business today.

    person: whom it is about, named masked. opinion: what somebody wrote.
    """

    grant: str
    template: Annotated[str, NOTICE]
    to: list[str]
    person: str | None = None
    opinion: str | None = None


@service_task("business_grant.tell", title="发送通知", parameters=TellParameters, in_transaction=True)
def tell(parameters: TellParameters, context: TransactionContext) -> None:
    """One notice for each group; names are looked up here, so that the case's variables hold none."""
    session = context.session
    grant = find_grant(session, parameters.grant)
    institution = session.get_one(Institution, grant.institution_id)
    facts = {
        "institution": institution.name,
        "business": find_business(session, grant.business_key).name,
        "who": mask_name(read_identity(session, parameters.person).name) if parameters.person else "",
        "opinion": parameters.opinion or "无",
    }
    unit = granting_unit(session, grant)
    groups = [(unit_group(unit) if unit else None) if to == UNIT else to for to in parameters.to]
    for group in dict.fromkeys(group for group in groups if group is not None):
        queue_notice(
            session,
            case_id=context.case_id,
            template=parameters.template,
            wording=wording_of(parameters.template, context.notice_texts),
            now=context.now,
            group_key=group,
            facts=facts,
        )


def tell_holders(template: str, grant_id: str, opinion: str | None, context: TransactionContext) -> None:
    """Tell the manager and every auxiliary."""
    grant = find_grant(context.session, grant_id)
    holders = [grant.manager_person_id, *auxiliaries_of(context.session, grant_id)]
    to = [f"person:{person}" for person in holders if person is not None]
    tell(TellParameters(grant=grant_id, template=template, to=to, opinion=opinion), context)
