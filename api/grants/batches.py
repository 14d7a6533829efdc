"""A selection of rows of the unit's table: the same act for each, with a result a row. One that is refused leaves the others."""

from __future__ import annotations

from typing import Any, Literal

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.problem_texts import KNOWN
from api.edge.request_session import now
from api.edge.transactions import decides
from api.grants.scope import changeable_grant, grant_in_scope
from api.grants.shapes import GrantOut, row_json
from api.registers.units import scope_of
from bpmn.business_grant.names import TenureMessage
from bpmn.business_grant.tenures import begin_tenure, tell_tenure
from domain.refused import Refused
from engine.errors import EngineError

grant_batches_api = APIBlueprint("grant_batches", __name__, url_prefix="/api/v1", tag="业务授权（行政单位）")

MOST_ROWS = 100


class BatchIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    act: Literal["generate", "extend", "revoke"] = Field(description="生成授权码、延长授权码、解除授权（更换）")
    grants: list[str] = Field(min_length=1, max_length=MOST_ROWS, description="授权的 id")
    reason: str | None = Field(default=None, max_length=200, description="解除的原因")


class BatchResult(BaseModel):
    id: str
    done: bool
    code: str | None = Field(description="没有办成的原因代码")
    text: str | None = Field(description="没有办成的原因")
    grant: GrantOut | None


class BatchOut(BaseModel):
    items: list[BatchResult] = Field(description="与所选的顺序相同")
    done: int
    refused: int


@grant_batches_api.post("/grants/batch")
@decides()
@grant_batches_api.input(BatchIn)
@grant_batches_api.output(BatchOut)
@grant_batches_api.doc(summary="批量办理")
def act_on_selection(session: Session, caller: Caller, json_data: BatchIn) -> dict[str, Any]:
    """每一行单独成败，办不成的说明原因，不影响其他行。"""
    scope_of(caller)
    items = [_one(session, caller, json_data, grant_id) for grant_id in dict.fromkeys(json_data.grants)]
    done = sum(item["done"] for item in items)
    return {"items": items, "done": done, "refused": len(items) - done}


def _one(session: Session, caller: Caller, asked: BatchIn, grant_id: str) -> dict[str, Any]:
    try:
        with session.begin_nested():
            _act(session, caller, asked, grant_id)
    except (Refused, Rejected, EngineError) as no:
        session.expire_all()
        text = KNOWN.get(no.code)
        return {"id": grant_id, "done": False, "code": no.code, "text": text.title if text else None, "grant": None}
    session.expire_all()
    row = row_json(grant_in_scope(session, caller, grant_id))
    return {"id": grant_id, "done": True, "code": None, "text": None, "grant": row}


def _act(session: Session, caller: Caller, asked: BatchIn, grant_id: str) -> None:
    grant = changeable_grant(session, caller, grant_id)
    if asked.act == "generate":
        begin_tenure(session, caller.actor, grant, now=now())
    elif asked.act == "extend":
        tell_tenure(session, caller.actor, grant, TenureMessage.EXTEND, now=now())
    else:
        payload: dict[str, Any] = {"stop": False}
        if asked.reason:
            payload["reason"] = asked.reason
        tell_tenure(session, caller.actor, grant, TenureMessage.REVOKE, payload, now=now())
