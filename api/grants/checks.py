"""Whether a person may work in a business for an institution now: what other systems ask before they let somebody in."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.roles import require_sender
from api.edge.transactions import reads
from domain.grants.grant import grant_of
from domain.grants.rows import read_grant_row
from domain.grants.tenure import check_grant
from domain.units.unit import unit_scope

grant_checks_api = APIBlueprint("grant_checks", __name__, url_prefix="/api/v1", tag="业务授权（其他系统）")


class GrantCheckQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    business: str = Field(max_length=40, description="业务代码")
    institution: str = Field(max_length=26, description="机构 id")
    person: str = Field(max_length=26, description="人员 id")


class GrantCheckOut(BaseModel):
    is_granted: bool = Field(description="此人现在可以为该机构办理该业务；不存在的机构、业务和人员均为 false")


@grant_checks_api.get("/grants/check")
@reads()
@grant_checks_api.input(GrantCheckQuery, location="query")
@grant_checks_api.output(GrantCheckOut)
@grant_checks_api.doc(summary="查询授权")
def check(session: Session, caller: Caller, query_data: GrantCheckQuery) -> dict[str, Any]:
    """供其他系统在办理前查询；暂停、解除立即反映。本人可查自己，行政单位可查所辖机构。"""
    if not _may_ask(session, caller, query_data):
        raise Rejected("grant.may_not_check")
    granted = check_grant(session, query_data.business, query_data.institution, query_data.person, now())
    return {"is_granted": granted}


def _may_ask(session: Session, caller: Caller, asked: GrantCheckQuery) -> bool:
    if caller.person_id == asked.person:
        return True
    units = unit_scope(caller.groups)
    grant = grant_of(session, asked.institution, asked.business) if units else None
    if grant is not None and read_grant_row(session, units, grant.id) is not None:
        return True
    try:
        require_sender(caller)
    except Rejected:
        return False
    return True
