"""What-if on a page: ask for a run, watch it, read what came out. For who runs the platform."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.request_session import now
from api.edge.roles import require_operator
from api.edge.transactions import decides, reads
from engine.model.what_if import WhatIfRun
from engine.replay.what_if.runs import MOST_CASES, ask_what_if, report_json, what_if_run, what_if_runs

what_if_api = APIBlueprint("what_if", __name__, url_prefix="/api/v1", tag="流水")


class WhatIfQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str = Field(max_length=100)
    files: dict[str, str | None] = Field(
        default={}, max_length=200, description="相对当前版本改动的文件：路径 → 内容；null 表示去掉该文件"
    )
    elements: dict[str, str] = Field(default={}, max_length=200, description="改了名的元素：旧 id → 新 id")
    since: datetime | None = Field(default=None, description="只看此刻起开始的案件")
    limit: int = Field(default=10_000, ge=1, le=MOST_CASES, description="只看最新的这么多案件")


class WhatIfRunOut(BaseModel):
    id: str
    flow: str
    asked_by: str
    asked_at: datetime
    since: datetime | None
    limit: int
    state: str = Field(description="ASKED 排队、RUNNING 进行中、DONE 完成、FAILED 失败")
    done: int = Field(description="已重演的案件数")
    total: int
    finished_at: datetime | None
    note: str | None
    report: dict[str, Any] | None = Field(
        description="完成后：totals、matrix（原结果 → 新结果）、lacking、misfits、differences、reviewer_hours"
    )


class WhatIfRunList(BaseModel):
    items: list[WhatIfRunOut]


class WhatIfQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str = Field(max_length=100)


@what_if_api.post("/what-if")
@decides(Audience.CONSOLE)
@what_if_api.input(WhatIfQuestion)
@what_if_api.output(WhatIfRunOut, status_code=202)
@what_if_api.doc(summary="推演：用改动后的流程重演已有案件")
def ask(session: Session, caller: Caller, json_data: WhatIfQuestion) -> tuple[dict[str, Any], int]:
    """在后台重演；不写入案件、不调用服务、不发送消息。不能部署的改动被拒绝并列出问题。"""
    require_operator(caller)
    run_id = ask_what_if(
        session,
        json_data.flow,
        json_data.files,
        by=caller.actor,
        now=now(),
        since=json_data.since,
        limit=json_data.limit,
        elements=json_data.elements,
    )
    return _json(what_if_run(session, run_id)), 202


@what_if_api.get("/what-if")
@reads(Audience.CONSOLE)
@what_if_api.input(WhatIfQuery, location="query")
@what_if_api.output(WhatIfRunList)
@what_if_api.doc(summary="某业务最近的推演")
def list_runs(session: Session, caller: Caller, query_data: WhatIfQuery) -> dict[str, Any]:
    """新的在前，不含报告。"""
    require_operator(caller)
    return {"items": [_json(run) | {"report": None} for run in what_if_runs(session, query_data.flow)]}


@what_if_api.get("/what-if/<run_id>")
@reads(Audience.CONSOLE, is_polled=True)
@what_if_api.output(WhatIfRunOut)
@what_if_api.doc(summary="一次推演的进度和结果")
def show_run(session: Session, caller: Caller, run_id: str) -> dict[str, Any]:
    """完成前可每隔一两秒再问。"""
    require_operator(caller)
    return _json(what_if_run(session, run_id))


def _json(run: WhatIfRun) -> dict[str, Any]:
    same = ("id", "asked_by", "asked_at", "since", "state", "done", "total", "finished_at", "note")
    own = {name: getattr(run, name) for name in same}
    return own | {"flow": run.flow_key, "limit": run.case_limit, "report": report_json(run)}
