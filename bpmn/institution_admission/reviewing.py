"""What a reviewer of 机构补增 reads before deciding: the registration in lines, what changed, what to look at."""

from __future__ import annotations

from pydantic import BaseModel

from bpmn.institution_admission.checking import CheckResult, check_registration
from bpmn.institution_admission.parameters import RegistrationParameters, Relation
from bpmn.institution_admission.submitting import HandedIn, labelled
from domain.units.unit import Unit
from engine.services.registry import TransactionContext, service_task

RELATION_WORDS = {Relation.BRANCH: "是其分院、院区或分支机构", Relation.DIFFERENT: "是另一家机构，只是名称相近"}


class StampFacts(BaseModel):
    """What this flow uses of the result of `document.read_stamped_form`."""

    seal_text: str | None = None
    findings: list[str] = []
    pictures: list[str] = []


class BriefParameters(RegistrationParameters):
    """laid_out_for: the unit that got the last brief. forward_to, opinion: of a forwarding just decided."""

    submission: HandedIn
    stamp: StampFacts
    stamp_remark: str
    documents_note: str
    laid_out_for: str | None = None
    forward_to: str | None = None
    opinion: str | None = None


class Brief(BaseModel):
    """number: of the application handed in, unit: code of who reviews it. pictures: pages of a form sent as PDF.

    The other lists: sentences, as the reviewer reads them.
    """

    number: int
    unit: str
    pictures: list[str]
    registration: list[str]
    changes: list[str]
    remarks: list[str]


@service_task(
    "institution_admission.prepare_review",
    title="整理审核材料",
    parameters=BriefParameters,
    result=Brief,
    in_transaction=True,
)
def prepare_review(parameters: BriefParameters, context: TransactionContext) -> Brief:
    """Checked anew: since the application was handed in, another may have been admitted under its name."""
    now_known = check_registration(context.session, parameters, account_id=context.started_by, case_id=context.case_id)
    return Brief(
        number=parameters.submission.number,
        unit=parameters.supervising_unit,
        pictures=parameters.stamp.pictures,
        registration=labelled(parameters.submission.values),
        changes=parameters.submission.changes,
        remarks=[
            *_forwarding(parameters, context),
            *now_known.taken,
            *_likeness(now_known),
            *_explanation(parameters, now_known),
            *now_known.notes,
            parameters.stamp_remark,
            *_seal(parameters.stamp),
            f"所需证照：{parameters.documents_note}",
        ],
    )


def _forwarding(parameters: BriefParameters, context: TransactionContext) -> list[str]:
    """Where a forwarding came from, or why there was none."""
    if parameters.forward_to is None:
        return []
    if context.session.get(Unit, parameters.forward_to) is None:
        return ["没有转交：所选单位不存在，请重新选择"]
    before = context.session.get(Unit, parameters.laid_out_for) if parameters.laid_out_for else None
    if before is None or before.code == parameters.supervising_unit:
        return ["没有转交：所选单位就是现在的主管单位"]
    return [f"由{before.name}转交，意见：{parameters.opinion or '无'}"]


def _likeness(known: CheckResult) -> list[str]:
    return [*known.same_credit_code, *(f"与已收录的“{each.name}”相近：{each.reason}" for each in known.near)]


def _explanation(parameters: BriefParameters, known: CheckResult) -> list[str]:
    said = parameters.explanation
    if said is None:
        return []
    lines = [f"申请人说明（{RELATION_WORDS[said.relation]}）：{said.explanation}"]
    if said.relation is Relation.BRANCH and known.shares_credit_code:
        lines.append("与总院共用统一社会信用代码，收录时不登记该代码")
    return lines


def _seal(stamp: StampFacts) -> list[str]:
    """What the program found on the form; the seal's text too, unless a finding quotes it."""
    is_quoted = not stamp.seal_text or any(stamp.seal_text in finding for finding in stamp.findings)
    return [*([] if is_quoted else [f"印文：{stamp.seal_text}"]), *stamp.findings]
