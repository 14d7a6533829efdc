"""What the self-check found, for who runs the platform."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.roles import require_operator
from api.edge.transactions import reads
from engine.replay.evidence.journal_root import newest_root
from engine.replay.evidence.self_check import open_findings

journal_api = APIBlueprint("journal", __name__, url_prefix="/api/v1", tag="流水")


class FindingOut(BaseModel):
    id: str
    case_id: str | None
    kind: str = Field(description="chain 哈希链、snapshot 状态、waits 等待、head 与根所记不同、root 根本身")
    seq: int | None = Field(description="从第几条流水起不同；无法确定时为 null")
    element: str | None
    note: str
    found_at: datetime
    seen_at: datetime


class FindingList(BaseModel):
    items: list[FindingOut]
    root_day: date | None = Field(description="最近一个根的日期；没有时为 null")
    root: str | None = Field(description="最近一个根（十六进制），可抄存到别处")


@journal_api.get("/journal/findings")
@reads(Audience.CONSOLE)
@journal_api.output(FindingList)
@journal_api.doc(summary="流水核对的发现")
def list_findings(session: Session, caller: Caller) -> dict[str, Any]:
    """每夜抽查和 verify-journal 发现、此后尚未核对无误的不符之处，新的在前。"""
    require_operator(caller)
    root = newest_root(session)
    return {
        "items": [{name: getattr(one, name) for name in FindingOut.model_fields} for one in open_findings(session)],
        "root_day": root[0] if root else None,
        "root": root[1].hex() if root else None,
    }
