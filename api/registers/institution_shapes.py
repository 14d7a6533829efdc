"""What the institutions' endpoints take and give."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.institutions import labels
from domain.institutions.category import Category
from domain.institutions.checks import Verdict
from domain.institutions.history import InstitutionChangeKind
from domain.institutions.institution import InstitutionState


class InstitutionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    unit: str | None = Field(default=None, pattern="^[0-9]{6}$", description="只看这一单位及其下级主管的机构")
    q: str | None = Field(default=None, max_length=100, description="机构名称的一部分")
    category: Category | None = None
    state: InstitutionState | None = Field(default=None, description="不给出时列出未移除的")
    page: int = Field(default=1, ge=1, le=10_000)
    size: int = Field(default=20, ge=1, le=100, description="每页条数")
    cursor: str | None = Field(default=None, max_length=12, description="上一页答复中的 next；给出时不看 page")


class InstitutionOut(BaseModel):
    id: str
    name: str
    code: str = Field(description=labels.CODE)
    confirmation_code: str | None = Field(description=labels.CONFIRMATION_CODE)
    supervising_unit: str
    category: Category
    category_label: str
    state: InstitutionState
    state_label: str
    credit_code: str | None
    is_unit: bool = Field(description="行政单位自身的机构")
    admitted_at: datetime
    revision: int


class InstitutionList(BaseModel):
    items: list[InstitutionOut]
    total: int
    page: int
    size: int
    next: str | None = Field(description="下一页的 cursor")


class ContactIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=8, max_length=20, description="大陆手机号")


class InstitutionPageOut(InstitutionOut):
    address: str
    licence_number: str | None
    filing_number: str | None
    contact_name: str | None
    contact_phone: str | None
    case_id: str | None = Field(description="收录它的申请")
    merged_into: str | None
    changed_at: datetime


class HistoryLineOut(BaseModel):
    kind: InstitutionChangeKind
    label: str
    at: datetime
    who: str
    reason: str
    fields: dict[str, list[str | None]] = Field(description="字段 → [原值, 新值]")


class History(BaseModel):
    items: list[HistoryLineOut]


class Proposal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str | None = Field(default=None, min_length=1, max_length=300)
    credit_code: str | None = Field(default=None, max_length=40, description="空字符串表示没有")
    licence_number: str | None = Field(default=None, max_length=40)
    category: Category | None = None
    supervising_unit: str | None = Field(default=None, pattern="^[0-9]{6}$")


class NearNameOut(BaseModel):
    institution_id: str
    name: str
    similarity: float
    reason: str
    is_branch: bool


class InstitutionFindingOut(BaseModel):
    code: str
    verdict: Verdict
    sentence: str


class InstitutionCheckOut(BaseModel):
    near: list[NearNameOut] = Field(description="名称相近的机构")
    findings: list[InstitutionFindingOut] = Field(description="证照之间的核对")
    is_plain: bool = Field(description="没有相近的机构，也没有矛盾")


class Why(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500, description="原因，记入变更记录")
    revision: int | None = Field(default=None, description="所见内容的 revision；已被他人修改时拒绝")


class EditIn(Proposal, Why):
    filing_number: str | None = Field(default=None, max_length=60, description="诊所备案编号")
    address: str | None = Field(default=None, max_length=300)
    confirmation_code: str | None = Field(default=None, max_length=60)
    contact: ContactIn | None = None
    accepts_check: bool = Field(default=False, description="已看过核对结果（GET …/check），仍要修改")


class NewState(Why):
    to: InstitutionState


class MergeIn(Why):
    into: str = Field(min_length=26, max_length=26, description="并入哪一机构")
    name: str | None = Field(default=None, min_length=1, max_length=300, description="合并后的名称")
    credit_code: str | None = Field(default=None, max_length=40, description="合并后的信用代码")
    accepts_check: bool = False
