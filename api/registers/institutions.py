"""Institutions as a unit keeps them: looked up, edited, suspended, removed, merged. Every query is held to the caller's scope."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.transactions import decides, reads
from api.registers.institution_shapes import (
    EditIn,
    History,
    InstitutionCheckOut,
    InstitutionFindingOut,
    InstitutionList,
    InstitutionPageOut,
    InstitutionQuery,
    MergeIn,
    NearNameOut,
    NewState,
    Proposal,
    Why,
)
from api.registers.units import scope_of
from domain.accounts.account import display_names
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.institutions.editing import EditCheck, Editor, InstitutionEdit, check_edit, edit_institution
from domain.institutions.history import HistoryLine, InstitutionChangeKind, history_of
from domain.institutions.institution import Contact, Institution, InstitutionState, read_contact
from domain.institutions.list import InstitutionFilter, find_in_scope, list_institutions
from domain.institutions.state import (
    merge_institution,
    remove_institution,
    restore_institution,
    resume_institution,
    suspend_institution,
)
from domain.units.unit import subtree

institutions_api = APIBlueprint("institutions", __name__, url_prefix="/api/v1", tag="机构")

STATE_LABELS = {
    InstitutionState.ADMITTED: "已收录",
    InstitutionState.SUSPENDED: "已停用",
    InstitutionState.REMOVED: "已移除",
}
CHANGE_LABELS = {
    InstitutionChangeKind.ADMITTED: "收录",
    InstitutionChangeKind.EDITED: "编辑",
    InstitutionChangeKind.SUSPENDED: "停用",
    InstitutionChangeKind.RESUMED: "恢复",
    InstitutionChangeKind.REMOVED: "移除",
    InstitutionChangeKind.MERGED: "合并",
}
VERBS = {
    InstitutionState.ADMITTED: resume_institution,
    InstitutionState.SUSPENDED: suspend_institution,
    InstitutionState.REMOVED: remove_institution,
}


@institutions_api.get("/institutions")
@reads()
@institutions_api.input(InstitutionQuery, location="query")
@institutions_api.output(InstitutionList)
@institutions_api.doc(summary="机构")
def institutions(session: Session, caller: Caller, query_data: InstitutionQuery) -> dict[str, Any]:
    """本单位和下级单位主管的机构，按机构编码排列。"""
    units = scope_of(caller)
    if query_data.unit is not None:
        if query_data.unit not in units:
            raise Rejected("unit.outside_scope")
        units &= subtree(session, query_data.unit)
    wanted = InstitutionFilter(
        units=units, name=query_data.q or "", category=query_data.category, state=query_data.state
    )
    page, size = query_data.page, query_data.size
    found = list_institutions(session, wanted, page=page, size=size, cursor=query_data.cursor)
    items = [_institution_json(each) for each in found.items]
    return {"items": items, "total": found.total, "page": page, "size": size, "next": found.next}


@institutions_api.get("/institutions/<institution_id>")
@reads()
@institutions_api.output(InstitutionPageOut)
@institutions_api.doc(summary="一家机构")
def show_institution(session: Session, caller: Caller, institution_id: str) -> dict[str, Any]:
    """连同申请人的姓名和手机，只对其主管单位和上级单位。"""
    return _page_json(session, find_in_scope(session, institution_id, scope_of(caller)))


@institutions_api.get("/institutions/<institution_id>/history")
@reads()
@institutions_api.output(History)
@institutions_api.doc(summary="机构的变更记录")
def show_history(session: Session, caller: Caller, institution_id: str) -> dict[str, Any]:
    """新的在前，至多 100 条。"""
    found = find_in_scope(session, institution_id, scope_of(caller))
    lines = history_of(session, found.id)
    names = display_names(session, {line.change.by for line in lines if line.change.by})
    return {"items": [_line_json(line, names) for line in lines]}


@institutions_api.get("/institutions/<institution_id>/check")
@reads()
@institutions_api.input(Proposal, location="query")
@institutions_api.output(InstitutionCheckOut)
@institutions_api.doc(summary="核对拟作的修改")
def check_proposal(session: Session, caller: Caller, institution_id: str, query_data: Proposal) -> dict[str, Any]:
    """新名称与机构库比较，证照互相核对；什么也不改变。"""
    found = find_in_scope(session, institution_id, scope_of(caller))
    return _check_json(check_edit(session, found, InstitutionEdit(**query_data.model_dump())))


@institutions_api.post("/institutions/<institution_id>/changes")
@decides()
@institutions_api.input(EditIn)
@institutions_api.output(InstitutionPageOut)
@institutions_api.doc(summary="编辑机构")
def change_institution(session: Session, caller: Caller, institution_id: str, json_data: EditIn) -> dict[str, Any]:
    """只改给出的字段。新名称、新信用代码须先核对：有相近机构或矛盾时，须 accepts_check。机构编码不变。"""
    scope = scope_of(caller)
    if json_data.supervising_unit is not None and json_data.supervising_unit not in scope:
        raise Rejected("unit.outside_scope")
    found = find_in_scope(session, institution_id, scope, for_update=True)
    typed = json_data.model_dump(exclude={"reason", "revision", "accepts_check", "contact"})
    contact = Contact(json_data.contact.name, json_data.contact.phone) if json_data.contact else None
    editor = _editor(caller, json_data, accepts_check=json_data.accepts_check)
    edited = edit_institution(session, found.id, InstitutionEdit(**typed, contact=contact), editor, now())
    return _page_json(session, edited)


@institutions_api.post("/institutions/<institution_id>/state")
@decides()
@institutions_api.input(NewState)
@institutions_api.output(InstitutionPageOut)
@institutions_api.doc(summary="停用、移除、恢复机构")
def change_state(session: Session, caller: Caller, institution_id: str, json_data: NewState) -> dict[str, Any]:
    """SUSPENDED 停用；REMOVED 移除，其授权随之失效，名称仍被占用；ADMITTED 恢复停用或移除的。"""
    found = find_in_scope(session, institution_id, scope_of(caller), for_update=True)
    become = VERBS[json_data.to]
    if json_data.to is InstitutionState.ADMITTED and found.state == InstitutionState.REMOVED:
        become = restore_institution
    return _page_json(session, become(session, found.id, _editor(caller, json_data), now()))


@institutions_api.post("/institutions/<institution_id>/merge")
@decides()
@institutions_api.input(MergeIn)
@institutions_api.output(InstitutionPageOut)
@institutions_api.doc(summary="合并机构")
def merge(session: Session, caller: Caller, institution_id: str, json_data: MergeIn) -> dict[str, Any]:
    """并入另一机构：本机构移除，答复是留下的那一家。合并后的名称和信用代码重新核对。"""
    scope = scope_of(caller)
    gone, stays = (find_in_scope(session, each, scope) for each in (institution_id, json_data.into))
    edit = InstitutionEdit(name=json_data.name, credit_code=json_data.credit_code)
    editor = _editor(caller, json_data, accepts_check=json_data.accepts_check)
    is_edited = json_data.name is not None or json_data.credit_code is not None
    merged = merge_institution(session, gone.id, stays.id, editor, now(), edit=edit if is_edited else None)
    return _page_json(session, merged)


def _editor(caller: Caller, why: Why, *, accepts_check: bool = False) -> Editor:
    return Editor(by=caller.account_id, reason=why.reason, revision=why.revision, accepts_check=accepts_check)


def _institution_json(institution: Institution) -> dict[str, Any]:
    plain = ("id", "name", "code", "confirmation_code", "supervising_unit", "category", "state", "credit_code")
    return {
        **{name: getattr(institution, name) for name in (*plain, "admitted_at", "revision")},
        "category_label": CATEGORY_LABELS[Category(institution.category)],
        "state_label": STATE_LABELS[InstitutionState(institution.state)],
        "is_unit": institution.unit_code is not None,
    }


def _page_json(session: Session, institution: Institution) -> dict[str, Any]:
    contact = read_contact(session, institution)
    plain = ("address", "licence_number", "filing_number", "case_id", "merged_into", "changed_at")
    return {
        **_institution_json(institution),
        **{name: getattr(institution, name) for name in plain},
        "contact_name": contact.name if contact else None,
        "contact_phone": contact.phone if contact else None,
    }


def _line_json(line: HistoryLine, names: dict[str, str]) -> dict[str, Any]:
    by = line.change.by
    return {
        "kind": line.kind,
        "label": CHANGE_LABELS[InstitutionChangeKind(line.kind)],
        "at": line.at,
        "who": names.get(by, "工作人员") if by else "系统",
        "reason": line.change.reason,
        "fields": {name: list(pair) for name, pair in line.change.fields.items()},
    }


def _check_json(check: EditCheck) -> dict[str, Any]:
    near = [{name: getattr(each, name) for name in NearNameOut.model_fields} for each in check.near]
    findings = [
        {name: getattr(each, name) for name in InstitutionFindingOut.model_fields} for each in check.findings.findings
    ]
    return {"near": near, "findings": findings, "is_plain": check.is_plain}
