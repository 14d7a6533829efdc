"""Service tasks of 机构补增 once a reviewer has decided: admitting, forwarding, the state that the portal's search shows."""

from __future__ import annotations

from pydantic import BaseModel, RootModel

from bpmn.institution_admission.checking import own_credit_code
from bpmn.institution_admission.parameters import RegistrationParameters
from domain.admissions.record import ApplicationState, record_state, record_unit
from domain.institutions.institution import Contact, NewInstitution, admit_institution
from domain.refused import Refused
from domain.units.unit import Unit, find_unit, parent_of
from engine.errors import BusinessError
from engine.services.registry import TransactionContext, service_task

TAKEN = frozenset({"institution.name_taken", "institution.credit_code_taken"})


class AdmitParameters(RegistrationParameters):
    confirmation_code: str | None = None


class Admitted(BaseModel):
    """code: 机构编码. unit, contact: whom to ask for a grant code."""

    id: str
    name: str
    code: str
    unit: str
    contact: str


@service_task(
    "institution.admit",
    title="收录机构",
    parameters=AdmitParameters,
    result=Admitted,
    errors=("institution.name_taken", "institution.credit_code_taken", "institution.not_admissible"),
    in_transaction=True,
)
def admit(parameters: AdmitParameters, context: TransactionContext) -> Admitted:
    """The institution is in the library when the case ends, or neither: one transaction."""
    session = context.session
    new = NewInstitution(
        name=parameters.institution_name,
        supervising_unit=parameters.supervising_unit,
        category=parameters.category,
        address=parameters.address,
        credit_code=own_credit_code(session, parameters),
        licence_number=parameters.numbers["licence_number"],
        filing_number=parameters.numbers["filing_number"],
        confirmation_code=parameters.confirmation_code,
        contact=Contact(parameters.applicant_name, parameters.applicant_phone),
    )
    try:
        institution = admit_institution(session, new, case_id=context.case_id, by=context.acted_by, now=context.now)
    except Refused as no:
        raise BusinessError(no.code if no.code in TAKEN else "institution.not_admissible") from no
    record_state(session, context.case_id, ApplicationState.ADMITTED, context.now)
    unit = find_unit(session, institution.supervising_unit)
    return Admitted(
        id=institution.id, name=institution.name, code=institution.code, unit=unit.name, contact=contact_of(unit)
    )


def contact_of(unit: Unit) -> str:
    """Name and phone of the unit's office, as far as they are known."""
    known = " ".join(part for part in (unit.contact_name, unit.contact_phone) if part)
    return known or "业务部门负责人"


class ForwardParameters(BaseModel):
    """unit: who reviews it now."""

    unit: str
    forward_to: str


class UnitCode(RootModel[str]):
    """The division code of a unit."""


@service_task(
    "institution_admission.forward",
    title="转交其他单位",
    parameters=ForwardParameters,
    result=UnitCode,
    errors=("unit.unknown", "institution_admission.same_unit"),
    in_transaction=True,
)
def forward(parameters: ForwardParameters, context: TransactionContext) -> UnitCode:
    if parameters.forward_to == parameters.unit:
        raise BusinessError("institution_admission.same_unit")
    try:
        unit = find_unit(context.session, parameters.forward_to)
    except Refused as no:
        raise BusinessError(no.code) from no
    record_unit(context.session, context.case_id, unit.code, context.now)
    return UnitCode(unit.code)


class ParentParameters(BaseModel):
    unit: str


@service_task(
    "institution_admission.find_parent",
    title="查找上级单位",
    parameters=ParentParameters,
    result=UnitCode,
    in_transaction=True,
)
def find_parent(parameters: ParentParameters, context: TransactionContext) -> UnitCode:
    """The province has none above it: there it stays with the province, with a higher priority."""
    parent = parent_of(context.session, parameters.unit)
    return UnitCode(parent.code if parent else parameters.unit)


class StateParameters(BaseModel):
    state: ApplicationState
    opinion: str | None = None


@service_task(
    "institution_admission.record_decision", title="登记办理状态", parameters=StateParameters, in_transaction=True
)
def record_decision(parameters: StateParameters, context: TransactionContext) -> None:
    record_state(context.session, context.case_id, parameters.state, context.now, opinion=parameters.opinion)
