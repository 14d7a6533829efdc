"""What form fields of the kinds `unit` and `institution` choose from."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.limits import address, limiter
from api.edge.request_session import request_session
from api.edge.transactions import reads
from domain.institutions import labels
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.name import name_key
from domain.units.unit import Unit, UnitLevel

lookups_api = APIBlueprint("lookups", __name__, url_prefix="/api/v1", tag="业务")

MOST = 20


class UnitChoice(BaseModel):
    code: str = Field(description="填入表单字段的值：6 位区划代码")
    name: str
    level: UnitLevel
    parent_code: str | None


class UnitChoices(BaseModel):
    items: list[UnitChoice] = Field(description="按代码排列；parent_code 构成树")


class InstitutionSought(BaseModel):
    model_config = ConfigDict(extra="forbid")
    q: str = Field(min_length=2, max_length=100, description="机构名称的一部分，或完整的机构编码")


class InstitutionChoice(BaseModel):
    id: str = Field(description="填入表单字段的值")
    name: str
    code: str = Field(description=labels.CODE)
    unit: str = Field(description=labels.SUPERVISING_UNIT)


class InstitutionChoices(BaseModel):
    items: list[InstitutionChoice] = Field(description="至多 20 家")


@lookups_api.get("/lookups/units")
@limiter.limit("60 per minute", key_func=address)
@lookups_api.output(UnitChoices)
@lookups_api.doc(summary="可选的行政单位")
def list_unit_choices() -> dict[str, Any]:
    """全省的行政单位，供查询和填表时选择；无需登录。"""
    units = request_session().scalars(select(Unit).order_by(Unit.code))
    return {
        "items": [
            {"code": unit.code, "name": unit.name, "level": unit.level, "parent_code": unit.parent_code}
            for unit in units
        ]
    }


@lookups_api.get("/lookups/institutions")
@limiter.limit("120 per minute")
@reads()
@lookups_api.input(InstitutionSought, location="query")
@lookups_api.output(InstitutionChoices)
@lookups_api.doc(summary="可选的机构")
def list_institution_choices(session: Session, caller: Caller, query_data: InstitutionSought) -> dict[str, Any]:
    """已收录、未停用的机构，按名称排列。"""
    key = name_key(query_data.q)
    is_sought = (Institution.code == query_data.q.strip()) | Institution.name_key.contains(key, autoescape=True)
    wanted = (
        select(Institution.id, Institution.name, Institution.code, Unit.name.label("unit"))
        .join(Unit, Unit.code == Institution.supervising_unit)
        .where(Institution.state == InstitutionState.ADMITTED, is_sought)
        .order_by(Institution.name_key.asc(), Institution.id)
        .limit(MOST)
    )
    rows = session.execute(wanted).all() if key else []
    return {"items": [{"id": row.id, "name": row.name, "code": row.code, "unit": row.unit} for row in rows]}
