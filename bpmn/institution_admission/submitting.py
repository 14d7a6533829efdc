"""Service tasks of 机构补增 for the applicant: agreeing, explaining, handing in, and what changed since the last review."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, RootModel
from sqlalchemy.orm import Session

from bpmn.institution_admission.parameters import Explained, RegistrationParameters, Relation
from domain.accounts.account import phone_of
from domain.admissions.record import ApplicationState, Submission, record_state, record_submission
from domain.credentials.consent import Purpose, give_consent
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.institutions.name import name_key, tidy_name
from domain.units.unit import Unit
from engine.forms.form import load_form
from engine.services.registry import TransactionContext, service_task

INFORMATION = load_form((Path(__file__).parent / "forms" / "information.json").read_bytes())
# Fields of the form 信息登记 as people read them, in its order.
FIELD_LABELS = {name: field.title for name, field in INFORMATION.fields.items()}
# The stamped form puts who the institution is first and calls two numbers otherwise; a further field of the form comes last.
_PRINTED_FIRST = ("institution_name", "credit_code", "licence_number", "filing_number", "address", "supervising_unit")
_PRINTED_AS = {"licence_number": "医疗机构执业许可证号", "filing_number": "诊所备案证号"}
PRINTED_LABELS = {name: _PRINTED_AS.get(name, FIELD_LABELS[name]) for name in (*_PRINTED_FIRST, *FIELD_LABELS)}
NOT_GIVEN = "（未填）"


class AgreementParameters(BaseModel):
    version: str


class Applicant(BaseModel):
    """phone: the account's proved one, None where no phone was proved."""

    phone: str | None


@service_task(
    "institution_admission.record_agreement",
    title="登记同意",
    parameters=AgreementParameters,
    result=Applicant,
    in_transaction=True,
)
def record_agreement(parameters: AgreementParameters, context: TransactionContext) -> Applicant:
    give_consent(
        context.session,
        context.started_by,
        Purpose.ADMIT_INSTITUTION,
        parameters.version,
        context.now,
        case_id=context.case_id,
    )
    return Applicant(phone=phone_of(context.session, context.started_by))


class ExplanationParameters(BaseModel):
    institution_name: str
    relation: Relation
    explanation: str


@service_task(
    "institution_admission.note_explanation",
    title="登记说明",
    parameters=ExplanationParameters,
    result=Explained,
    in_transaction=True,
)
def note_explanation(parameters: ExplanationParameters, context: TransactionContext) -> Explained:
    return Explained(**parameters.model_dump())


class HandedIn(BaseModel):
    """What a reviewer gets to see. number: 1 for the first. values: by field, as people read them.

    before: the values of the one a reviewer saw last, None when none was seen. changes: sentences against that.
    """

    number: int
    values: dict[str, str]
    attachments: list[str]
    before: HandedIn | None = None
    changes: list[str] = []


class SubmitParameters(RegistrationParameters):
    """previous: the application as it was handed in before. reviewed: number of the one a reviewer saw last."""

    stamped_form: str
    supporting: list[str] | None = None
    previous: HandedIn | None = None
    reviewed: int | None = None


@service_task(
    "institution_admission.submit",
    title="提交补增申请",
    parameters=SubmitParameters,
    result=HandedIn,
    in_transaction=True,
)
def submit(parameters: SubmitParameters, context: TransactionContext) -> HandedIn:
    """The application is 待审核 from now on, in the portal's search too."""
    name = tidy_name(parameters.institution_name)
    submitted = Submission(name, name_key(name), parameters.supervising_unit, parameters.category)
    record_submission(context.session, context.case_id, context.started_by, submitted, context.now)
    last = parameters.previous
    seen = last if last is None or last.number == parameters.reviewed else last.before
    handed_in = HandedIn(
        number=last.number + 1 if last else 1,
        values=readable_values(context.session, parameters),
        attachments=[parameters.stamped_form, *(parameters.supporting or [])],
    )
    if seen is not None:
        handed_in.before = seen.model_copy(update={"before": None, "changes": []})
        handed_in.changes = list(_changes(seen, handed_in))
    return handed_in


def readable_values(session: Session, registration: RegistrationParameters) -> dict[str, str]:
    """The registration by field as people read it: the unit's and the category's name, numbers that do not apply left out."""
    typed = registration.model_dump(mode="json", include=set(FIELD_LABELS)) | registration.numbers
    unit = session.get(Unit, registration.supervising_unit)
    typed["category"] = CATEGORY_LABELS[Category(registration.category)]
    typed["supervising_unit"] = unit.name if unit else registration.supervising_unit
    return {name: str(typed[name]) for name in FIELD_LABELS if typed[name]}


def _changes(before: HandedIn, after: HandedIn) -> list[str]:
    said = [
        f"{label}：原为“{before.values.get(name, NOT_GIVEN)}”，改为“{after.values.get(name, NOT_GIVEN)}”"
        for name, label in FIELD_LABELS.items()
        if before.values.get(name) != after.values.get(name)
    ]
    if before.attachments[:1] != after.attachments[:1]:
        said.append("重新上传了盖章申请表")
    if before.attachments[1:] != after.attachments[1:]:
        said.append("更换或补充了其他证明材料")
    return said or ["申请人没有改动内容，原样重新提交"]


class FormProblem(RootModel[str]):
    """A sentence for the applicant."""


class NothingMore(BaseModel):
    """No parameters."""


@service_task(
    "institution_admission.note_unreadable",
    title="登记无法打开的申请表",
    parameters=NothingMore,
    result=FormProblem,
    in_transaction=True,
)
def note_unreadable(parameters: NothingMore, context: TransactionContext) -> FormProblem:
    """The application is the applicant's again: nobody can review what cannot be opened."""
    problem = "上传的盖章申请表无法打开，请重新拍照或扫描后上传。"
    record_state(context.session, context.case_id, ApplicationState.RETURNED, context.now, opinion=problem)
    return FormProblem(problem)


def labelled(values: Mapping[str, str]) -> list[str]:
    """`机构名称：江汉区仁爱医院`, a line a field."""
    return [f"{FIELD_LABELS[name]}：{value}" for name, value in values.items()]
