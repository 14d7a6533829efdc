"""Timers that begin cases: when the next one is due, what became of the last, and pausing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.request_session import now
from api.edge.roles import require_operator
from api.edge.transactions import decides, reads
from api.operators.operations import Reasoned
from engine.deployment.start_timers import pause_start_timer, resume_start_timer, start_timers

start_timers_api = APIBlueprint("start_timers", __name__, url_prefix="/api/v1", tag="运行管理")


class StartTimerOut(BaseModel):
    flow_key: str
    title: str = Field(description="业务名称")
    version: int
    element: str = Field(description="定时开始事件的 id")
    says: str = Field(description="流程图中写的时间，如 R/P1D")
    next_at: datetime | None = Field(description="下一次启动；已暂停或不再启动时为 null")
    left: int = Field(description="还会启动几次；-1 不限")
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    last_due_at: datetime | None = Field(description="最近一次到时")
    last_state: str | None = Field(description="STARTED 已启动；REFUSED 未能启动")
    last_case_id: str | None
    last_note: str | None = Field(description="未能启动的原因代码")


class StartTimerList(BaseModel):
    items: list[StartTimerOut]


@start_timers_api.get("/start-timers")
@reads(Audience.CONSOLE)
@start_timers_api.output(StartTimerList)
@start_timers_api.doc(summary="定时启动")
def list_start_timers(session: Session, caller: Caller) -> dict[str, Any]:
    """各业务当前版本的定时开始事件。"""
    require_operator(caller)
    found = start_timers(session)
    return {"items": [{name: getattr(each, name) for name in StartTimerOut.model_fields} for each in found]}


@start_timers_api.post("/start-timers/<flow_key>/<element>/pause")
@decides(Audience.CONSOLE)
@start_timers_api.input(Reasoned)
@start_timers_api.doc(summary="暂停定时启动", responses={204: "已暂停"})
def pause_timer_start(
    session: Session, caller: Caller, flow_key: str, element: str, json_data: Reasoned
) -> tuple[str, int]:
    """暂停期间到时的不再补启动；部署新版本不会解除暂停。"""
    require_operator(caller)
    pause_start_timer(session, flow_key, element, by=caller.actor, reason=json_data.why, now=now())
    return "", 204


@start_timers_api.post("/start-timers/<flow_key>/<element>/resume")
@decides(Audience.CONSOLE)
@start_timers_api.doc(summary="恢复定时启动", responses={204: "已恢复"})
def resume_timer_start(session: Session, caller: Caller, flow_key: str, element: str) -> tuple[str, int]:
    """从下一次到时起继续。"""
    require_operator(caller)
    resume_start_timer(session, flow_key, element, now=now())
    return "", 204
