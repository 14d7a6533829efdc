"""JSON of grants as units see them. People are masked unless the caller asks to see them, which is recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from domain.accounts.account import display_names
from domain.grants.grant import GrantState, changes_of
from domain.grants.holder import GrantHolder, HolderRole, auxiliaries_of, holders_of
from domain.grants.rows import GrantRow
from domain.grants.tenure import reserved_person
from domain.institutions import labels
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.persons.person import find_person, person_phone, read_identity
from domain.persons.privacy import mask_document_number, mask_name, mask_phone
from storage.vault import KeyDestroyed

STATE_LABELS: dict[GrantState, str] = {
    GrantState.NONE: "未生成",
    GrantState.ISSUED: "已生成未激活",
    GrantState.ACTIVE: "已授权",
    GrantState.SUSPENDED: "已暂停",
    GrantState.STOPPED: "已停用",
}
ROLE_LABELS = {HolderRole.MANAGER: "管理人", HolderRole.AUXILIARY: "辅助管理员"}
WHY_LABELS = {
    "redeemed": "输入授权码并通过人脸核验",
    "confirmed": "输入授权码并由行政单位确认",
    "direct": "行政单位直接授权",
    "imported": "批量导入",
    "transfer": "原管理人转移",
    "takeover": "申请接管",
    "added": "管理人添加",
    "removed": "管理人移除",
    "left": "本人退出",
    "resigned": "辞任",
    "replaced": "行政单位解除（更换）",
    "stopped": "行政单位解除（停用）",
    "credential_ended": "实名认证失效",
    "code_issued": "生成授权码",
    "code_expired": "授权码过期",
    "expired": "授权码过期",
    "voided": "授权码作废",
    "not_begun": "未能开始",
    "unit": "行政单位",
}


class GrantQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    business: str = Field(max_length=40, description="业务代码")
    unit: str | None = Field(default=None, pattern=r"^[0-9]{6}$", description="层级树的节点；连同下级单位")
    name: str = Field(default="", max_length=300, description="机构名称的一部分，或机构编码的开头")
    state: GrantState | None = None
    category: Category | None = None
    page: int = Field(default=1, ge=1, le=100_000)
    size: int = Field(default=20, ge=1, le=100, description="每页条数")
    cursor: str | None = Field(default=None, max_length=80, description="上一页答复中的 next；给出时不看 page")


class PeopleQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reveal: bool = Field(default=False, description="姓名、证件号码和手机不打码；每次都有记录")


class GrantOut(BaseModel):
    id: str
    institution_id: str
    institution: str
    institution_code: str = Field(description=labels.CODE)
    confirmation_code: str | None = Field(description=labels.CONFIRMATION_CODE)
    supervising_unit: str
    supervising_unit_name: str
    category: str
    category_label: str
    state: GrantState
    state_label: str
    code: str | None = Field(description="授权码；仅已生成未激活时")
    code_expires_at: datetime | None
    is_redeeming: bool = Field(description="有人正在激活")


class GrantList(BaseModel):
    items: list[GrantOut]
    total: int
    page: int
    size: int
    next: str | None = Field(description="下一页的 cursor")


class HolderOut(BaseModel):
    person_id: str
    name: str | None = Field(description="打码；已删除的为 null")
    document_number: str | None
    phone: str | None
    role: HolderRole
    role_label: str
    since: datetime
    until: datetime | None
    why: str
    by: str
    ended_why: str | None
    ended_by: str | None


class ChangeOut(BaseModel):
    at: datetime
    became: GrantState
    became_label: str
    why: str
    by: str


class PersonFacts(BaseModel):
    person_id: str
    name: str | None = Field(description="打码；已删除的为 null")
    document_number: str | None
    phone: str | None


class RunningOut(BaseModel):
    element: str
    title: str = Field(description="如“待对方确认”“等待行政单位确认”")
    is_units_turn: bool = Field(description="等待行政单位办理")
    person: PersonFacts | None = Field(description="等待谁，或行政单位要确认的是谁")
    since: datetime
    due_at: datetime | None
    work_item_id: str


class GrantPageOut(GrantOut):
    business: str
    business_name: str
    tenure: int = Field(description="第几任")
    case_id: str | None
    may_change: bool = Field(description="该业务由我的单位授权")
    redeemer: PersonFacts | None = Field(description="正在激活的人")
    holders: list[HolderOut] = Field(description="现在和以往的管理人、辅助管理员，新的在前")
    changes: list[ChangeOut]
    running: list[RunningOut]
    is_masked: bool


def row_json(row: GrantRow) -> dict[str, Any]:
    """The JSON of a GrantOut."""
    return {
        "id": row.grant_id,
        "institution_id": row.institution_id,
        "institution": row.institution_name,
        "institution_code": row.institution_code,
        "confirmation_code": row.confirmation_code,
        "supervising_unit": row.supervising_unit,
        "supervising_unit_name": row.supervising_unit_name,
        "category": row.category,
        "category_label": CATEGORY_LABELS.get(Category(row.category), row.category),
        "state": row.state,
        "state_label": STATE_LABELS[row.state],
        "code": row.code,
        "code_expires_at": row.code_expires_at,
        "is_redeeming": row.is_reserved,
    }


def facts_json(session: Session, person_id: str, *, is_masked: bool) -> dict[str, str | None]:
    """The JSON of a PersonFacts."""
    return {"person_id": person_id, **person_json(session, person_id, is_masked=is_masked)}


def person_json(session: Session, person_id: str, *, is_masked: bool) -> dict[str, str | None]:
    """Name, document number and phone; all None for a person who was erased."""
    try:
        who = read_identity(session, person_id)
        phone = person_phone(session, person_id)
    except KeyDestroyed:
        find_person(session, person_id)
        return {"name": None, "document_number": None, "phone": None}
    if not is_masked:
        return {"name": who.name, "document_number": who.document_number, "phone": phone}
    return {
        "name": mask_name(who.name),
        "document_number": mask_document_number(who.document_number),
        "phone": mask_phone(phone) if phone else None,
    }


def holders_json(session: Session, grant_id: str, *, is_masked: bool) -> list[dict[str, Any]]:
    """The JSON of HolderOuts, newest first."""
    rows = holders_of(session, grant_id)
    names = actor_names(session, [each for row in rows for each in (row.given_by, row.ended_by or "")])
    return [_holder_json(session, row, names, is_masked=is_masked) for row in rows]


def _holder_json(session: Session, row: GrantHolder, names: dict[str, str], *, is_masked: bool) -> dict[str, Any]:
    return {
        "person_id": row.person_id,
        **person_json(session, row.person_id, is_masked=is_masked),
        "role": row.role,
        "role_label": ROLE_LABELS[HolderRole(row.role)],
        "since": row.from_at,
        "until": row.until_at,
        "why": WHY_LABELS.get(row.given_why, row.given_why),
        "by": names.get(row.given_by, "本人"),
        "ended_why": WHY_LABELS.get(row.ended_why, row.ended_why) if row.ended_why else None,
        "ended_by": names.get(row.ended_by, "本人") if row.ended_by else None,
    }


def changes_json(session: Session, grant_id: str) -> list[dict[str, Any]]:
    """The JSON of ChangeOuts, oldest first."""
    rows = changes_of(session, grant_id)
    names = actor_names(session, [row.by for row in rows])
    return [
        {
            "at": row.at,
            "became": row.became,
            "became_label": STATE_LABELS[GrantState(row.became)],
            "why": WHY_LABELS.get(row.why, row.why),
            "by": names.get(row.by, "本人"),
        }
        for row in rows
    ]


def people_of(session: Session, grant_id: str, manager: str | None) -> list[str]:
    """Persons a grant's page names now: the manager, auxiliaries and whoever redeems its code."""
    found = [manager, *auxiliaries_of(session, grant_id), reserved_person(session, grant_id)]
    return [person for person in found if person is not None]


def actor_names(session: Session, actors: list[str]) -> dict[str, str]:
    """Names of staff by account id, 系统 for `system`; persons who acted for themselves are left out."""
    return {**display_names(session, {actor for actor in actors if len(actor) == 26}), "system": "系统"}
