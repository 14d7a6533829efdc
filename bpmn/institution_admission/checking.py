"""`institution.check`: an application against the library and against itself. Facts for next_step.dmn, sentences for people."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy.orm import Session

from bpmn.institution_admission.parameters import Need, RegistrationParameters, Relation
from bpmn.institution_admission.submitting import FIELD_LABELS
from domain.accounts.account import phone_of
from domain.admissions.record import has_own_rival, rivals
from domain.institutions import labels
from domain.institutions.checks import CheckFindings, Verdict, check_institution
from domain.institutions.credit_code import normalise_credit_code
from domain.institutions.institution import Institution, InstitutionState, checked_name
from domain.institutions.name import name_key
from domain.institutions.search import find_by_credit_code, find_by_name, near_duplicates
from domain.phones import normalise_phone
from domain.refused import Refused
from domain.units.unit import Unit
from engine.services.registry import TransactionContext, service_task

NEAR_SHOWN = 5
MALFORMED = frozenset({"credit_code", "licence_number"})  # findings that say a number cannot be one
STATE_WORDS = {
    InstitutionState.ADMITTED: "已收录",
    InstitutionState.SUSPENDED: "已停用",
    InstitutionState.REMOVED: "已移除，名称不再使用",
}


class NearFact(BaseModel):
    name: str
    similarity: float
    reason: str


class CheckResult(BaseModel):
    """problems: what the applicant must put right; taken: those of them that say who has the name already.

    missing: what their category has to give. near, same_credit_code: admitted ones that are like it.
    notes: what a reviewer should know: contradictions, and who else asks for this name. must_correct, is_incomplete,
    shares_credit_code, is_explained: what next_step.dmn decides by.
    """

    problems: list[str]
    taken: list[str]
    missing: list[str]
    near: list[NearFact]
    same_credit_code: list[str]
    notes: list[str]
    must_correct: bool
    is_incomplete: bool
    shares_credit_code: bool
    is_explained: bool


@service_task(
    "institution.check",
    title="核对机构",
    parameters=RegistrationParameters,
    result=CheckResult,
    in_transaction=True,
)
def check(parameters: RegistrationParameters, context: TransactionContext) -> CheckResult:
    return check_registration(context.session, parameters, account_id=context.started_by, case_id=context.case_id)


def check_registration(
    session: Session, registration: RegistrationParameters, *, account_id: str, case_id: str
) -> CheckResult:
    """Everything at once, so that nobody is sent back twice. account_id: who applies; case_id: their application."""
    library = _in_library(session, registration)
    findings = check_institution(
        supervising_unit=registration.supervising_unit,
        category=registration.category,
        credit_code=registration.numbers["credit_code"],
        licence_number=registration.numbers["licence_number"],
    )
    explained = registration.explanation
    taken = _name_problems(library)
    problems = [
        *taken,
        *_own_problems(session, registration, account_id, case_id),
        *(each.sentence for each in findings.findings if each.code in MALFORMED),
    ]
    if library.same_code is not None and explained is not None and explained.relation is Relation.DIFFERENT:
        problems.append("两家不同的机构不会有相同的统一社会信用代码，请核对代码")
    near = near_duplicates(session, registration.institution_name, NEAR_SHOWN)
    missing = _missing(registration)
    same_code = library.same_code
    return CheckResult(
        problems=problems,
        taken=taken,
        missing=missing,
        near=[NearFact(name=each.name, similarity=each.similarity, reason=each.reason) for each in near],
        same_credit_code=[f"统一社会信用代码与{_cited(session, same_code)}相同"] if same_code else [],
        notes=[*_contradictions(findings), *_rival_notes(session, registration, case_id)],
        must_correct=bool(problems),
        is_incomplete=bool(missing),
        shares_credit_code=same_code is not None,
        is_explained=explained is not None,
    )


def own_credit_code(session: Session, registration: RegistrationParameters) -> str | None:
    """The code to register: none for a branch that gave the code of the house it belongs to."""
    explained = registration.explanation
    if explained is not None and explained.relation is Relation.BRANCH and _in_library(session, registration).same_code:
        return None
    return registration.numbers["credit_code"]


@dataclass(frozen=True, slots=True)
class _Library:
    """Who has the name and the credit code already. name_problem: why the name can be nobody's."""

    same_name: Institution | None
    same_code: Institution | None
    cited: str
    name_problem: str


def _in_library(session: Session, registration: RegistrationParameters) -> _Library:
    name_problem = ""
    try:
        checked_name(registration.institution_name)
    except Refused:
        name_problem = "机构名称应为 2 至 100 个字的全称"
    same_name = None if name_problem else find_by_name(session, registration.institution_name)
    code = registration.numbers["credit_code"]
    try:
        same_code = find_by_credit_code(session, normalise_credit_code(code)) if code else None
    except Refused:  # malformed: check_institution() says so
        same_code = None
    if same_name is not None and same_code is not None and same_name.id == same_code.id:
        same_code = None  # one institution, said once
    return _Library(same_name, same_code, _cited(session, same_name) if same_name else "", name_problem)


def _cited(session: Session, institution: Institution) -> str:
    """Name, code, unit and state of an admitted institution, as a sentence cites it."""
    unit = session.get(Unit, institution.supervising_unit)
    supervised = f"{labels.SUPERVISING_UNIT}{unit.name}，" if unit else ""
    return (
        f"机构库中的“{institution.name}”（{supervised}机构编码 {institution.code}，{STATE_WORDS[institution.state]}）"
    )


def _name_problems(library: _Library) -> list[str]:
    if library.name_problem:
        return [library.name_problem]
    return [f"机构名称与{library.cited}相同，不能重复申请"] if library.cited else []


def _own_problems(session: Session, registration: RegistrationParameters, account_id: str, case_id: str) -> list[str]:
    """The unit, the proved phone, and another application of the same applicant."""
    problems = []
    if session.get(Unit, registration.supervising_unit) is None:
        problems.append("主管单位不存在，请从列表中选择")
    proved = phone_of(session, account_id)
    if proved is None:
        problems.append("尚未验证手机号码，请先用短信验证码验证手机，再提交")
    elif proved != normalise_phone(registration.applicant_phone):
        problems.append("申请人手机应为短信验证过的手机号码")
    if has_own_rival(session, name_key(registration.institution_name), account_id, besides=case_id):
        problems.append("您已有一件该机构的申请正在办理，请在原申请上继续，或先撤回")
    return problems


def _missing(registration: RegistrationParameters) -> list[str]:
    needs = {
        "credit_code": registration.needs_credit_code,
        "licence_number": registration.needs_licence,
        "filing_number": registration.needs_filing,
    }
    return [
        f"该类机构须填写{FIELD_LABELS[name]}"
        for name, need in needs.items()
        if need is Need.REQUIRED and not registration.numbers[name]
    ]


def _contradictions(findings: CheckFindings) -> list[str]:
    return [
        each.sentence for each in findings.findings if each.verdict is not Verdict.AGREES and each.code not in MALFORMED
    ]


def _rival_notes(session: Session, registration: RegistrationParameters, case_id: str) -> list[str]:
    others = rivals(session, name_key(registration.institution_name), besides=case_id)
    return [f"另有 {others} 件申请使用同一机构名称，正在办理"] if others else []
