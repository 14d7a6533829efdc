"""Before and beside an application of 机构补增: is the institution known already, how far are mine, the form to stamp.

Applying itself is POST /api/v1/applications with the flow `institution_admission`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request, send_file
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller, identify, token_of
from api.edge.errors import Rejected
from api.edge.limits import address, limiter
from api.edge.request_session import now, request_session
from api.edge.transactions import reads
from bpmn.institution_admission.submitting import PRINTED_LABELS
from domain.admissions.form import TITLE, blank_form_pdf
from domain.admissions.record import STATE_LABELS, ApplicationRecord, read_opinion
from domain.admissions.search import (
    APPLICATION,
    FoundInstitution,
    FoundPage,
    OwnPage,
    Place,
    accounts_of_same_phone,
    applications_among,
    applications_of,
    search_admissions,
)
from domain.institutions import labels
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.units.unit import Unit
from engine.errors import NotFound
from engine.queries.pages import case_page, my_case

admissions_api = APIBlueprint("admissions", __name__, url_prefix="/api/v1", tag="机构补增")

FLOW = "institution_admission"
ONLY_FOR_THE_APPLICANT = "仅申请人可见"


class OwnAdmissionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    page: int = Field(default=1, ge=1, le=10_000)
    size: int = Field(default=10, ge=1, le=100, description="每页条数")
    cursor: str | None = Field(default=None, max_length=26, description="上一页答复中的 next；给出时不看 page")

    @property
    def place(self) -> Place:
        return Place(self.cursor) if self.cursor else Place(offset=(self.page - 1) * self.size)


class AdmissionQuery(OwnAdmissionQuery):
    unit: str | None = Field(default=None, pattern="^[0-9]{6}$", description="主管单位；连同其下级单位主管的")
    name: str = Field(default="", max_length=100, description="机构名称的一部分，不论全半角、空格、括号、繁简")


class AdmissionOut(BaseModel):
    name: str
    unit: str = Field(description=labels.SUPERVISING_UNIT)
    category: Category
    category_label: str
    state: str = Field(description="机构库：ADMITTED、SUSPENDED、REMOVED；申请：PENDING、RETURNED、REJECTED 等")
    state_label: str = Field(description="待审核、待补正、拒绝、已收录、已撤回……")
    opinion: str | None = Field(description="审核意见：申请人看到原文，他人看到“仅申请人可见”；没有意见为 null")
    is_mine: bool = Field(description="本人（或同一手机）提交的申请")
    application_id: str | None = Field(description="本人的申请；他人的和机构库中的为 null")
    since: datetime


class AdmissionList(BaseModel):
    items: list[AdmissionOut]
    total: int
    page: int
    size: int
    next: str | None = Field(description="下一页的 cursor")


@admissions_api.get("/admissions")
@limiter.limit("60 per minute", key_func=address)
@admissions_api.input(AdmissionQuery, location="query")
@admissions_api.output(AdmissionList)
@admissions_api.doc(summary="查询机构")
def search(query_data: AdmissionQuery) -> dict[str, Any]:
    """申请前先查询：机构库中的机构，以及待审核、待补正、被拒绝的申请，新的在前。无需登录；不含申请人和手机号码。"""
    session = request_session()
    found = search_admissions(
        session, unit=query_data.unit, name=query_data.name, place=query_data.place, size=query_data.size
    )
    caller = _caller_if_any(session)
    own = _own_records(session, caller, found.items)
    opinions = _with_opinion(session, found.items)
    items = [_line_json(session, line, own.get(line.id), has_opinion=line.id in opinions) for line in found.items]
    return _page_json(items, found, query_data)


@admissions_api.get("/admissions/mine")
@reads()
@admissions_api.input(OwnAdmissionQuery, location="query")
@admissions_api.output(AdmissionList)
@admissions_api.doc(summary="按手机查询本人的申请")
def list_mine(session: Session, caller: Caller, query_data: OwnAdmissionQuery) -> dict[str, Any]:
    """以短信验证码登录后，该手机提交的全部申请及审核意见，新的在前。他人的手机查不到。"""
    accounts = accounts_of_same_phone(session, caller.account_id)
    found = applications_of(session, accounts, place=query_data.place, size=query_data.size)
    names = {unit.code: unit.name for unit in session.scalars(select(Unit))}
    items = [_record_json(session, record, names[record.supervising_unit]) for record in found.items]
    return _page_json(items, found, query_data)


@admissions_api.get("/admissions/blank-form")
@limiter.limit("20 per minute", key_func=address)
@admissions_api.doc(summary="下载空白申请表", responses={200: "PDF"})
def print_blank_form() -> Response:
    """单位用户注册申请表，供手填；无需登录。"""
    return _pdf({})


@admissions_api.get("/admissions/<application_id>/blank-form")
@limiter.limit("20 per minute")
@reads()
@admissions_api.doc(summary="下载已填好的申请表", responses={200: "PDF，已填入本申请登记的内容，供盖章"})
def print_own_form(session: Session, caller: Caller, application_id: str) -> Response:
    """只有申请人能下载；还没有登记的项目留空。"""
    own = my_case(session, application_id, caller.actor)
    if own.summary.flow_key != FLOW:
        raise NotFound("case.unknown", case=application_id)
    typed = {
        name: value for name, value in case_page(session, application_id).variables.items() if name in PRINTED_LABELS
    }
    unit = session.get(Unit, typed.get("supervising_unit", ""))
    category = typed.get("category")
    typed["supervising_unit"] = unit.name if unit else None
    typed["category"] = CATEGORY_LABELS[Category(category)] if category else None
    return _pdf({name: value for name, value in typed.items() if isinstance(value, str)})


def _pdf(values: Mapping[str, str]) -> Response:
    # send_file writes the Chinese name as RFC 5987 does: gunicorn refuses a header that holds it as it is
    page = BytesIO(blank_form_pdf(values, PRINTED_LABELS))
    return send_file(page, "application/pdf", as_attachment=True, download_name=f"{TITLE}.pdf")


def _caller_if_any(session: Session) -> Caller | None:
    """Whoever is signed in; the search answers everybody else, too."""
    try:
        return identify(session, token_of(request), Audience.SIGNED_IN, now())
    except Rejected:
        return None


def _own_records(
    session: Session, caller: Caller | None, lines: tuple[FoundInstitution, ...]
) -> dict[str, ApplicationRecord]:
    if caller is None:
        return {}
    cases = [line.id for line in lines if line.kind == APPLICATION]
    accounts = accounts_of_same_phone(session, caller.account_id)
    return {record.case_id: record for record in applications_among(session, cases, accounts)}


def _with_opinion(session: Session, lines: tuple[FoundInstitution, ...]) -> frozenset[str]:
    """Ids of the applications a reviewer has written an opinion on."""
    cases = [line.id for line in lines if line.kind == APPLICATION]
    written = select(ApplicationRecord.case_id).where(
        ApplicationRecord.case_id.in_(cases), ApplicationRecord.opinion_sealed.is_not(None)
    )
    return frozenset(session.scalars(written)) if cases else frozenset()


def _page_json(items: list[dict[str, Any]], found: FoundPage | OwnPage, asked: OwnAdmissionQuery) -> dict[str, Any]:
    return {"items": items, "total": found.total, "page": asked.page, "size": asked.size, "next": found.next}


def _line_json(
    session: Session, line: FoundInstitution, own: ApplicationRecord | None, *, has_opinion: bool
) -> dict[str, Any]:
    if own is not None:
        return _record_json(session, own, line.unit)
    return {
        "name": line.name,
        "unit": line.unit,
        "category": line.category,
        "category_label": CATEGORY_LABELS[line.category],
        "state": line.state,
        "state_label": line.state_label,
        "opinion": ONLY_FOR_THE_APPLICANT if has_opinion else None,
        "is_mine": False,
        "application_id": None,
        "since": line.since,
    }


def _record_json(session: Session, record: ApplicationRecord, unit: str) -> dict[str, Any]:
    return {
        "name": record.name,
        "unit": unit,
        "category": record.category,
        "category_label": CATEGORY_LABELS[Category(record.category)],
        "state": record.state,
        "state_label": STATE_LABELS[record.state],
        "opinion": read_opinion(session, record),
        "is_mine": True,
        "application_id": record.case_id,
        "since": record.changed_at,
    }
