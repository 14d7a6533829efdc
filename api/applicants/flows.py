"""The business flows one may start."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.transactions import reads
from engine.cases.start import startable_flows
from engine.deployment.deploy import Definition
from engine.errors import NotFound
from engine.queries.pages import my_cases
from engine.queries.views import OwnCase

flows_api = APIBlueprint("flows", __name__, url_prefix="/api/v1", tag="业务")


class Status(BaseModel):
    code: str = Field(description="none 未办理、running 办理中、success、failure、neutral 已办结")
    label: str = Field(description="显示给申请人的状态，如 未认证、待认证、认证成功")


class FlowOut(BaseModel):
    key: str
    title: str
    version: int
    start_form: dict[str, Any] | None = Field(description="发起时填写的表单（JSON Schema），没有则为 null")
    status: Status
    latest_application: str | None = Field(description="本人最近一次申请")
    may_start_now: bool


class FlowList(BaseModel):
    items: list[FlowOut]


def status_of(definition: Definition, case: OwnCase | None) -> dict[str, str]:
    """What the starter reads: the words are flow.toml's."""
    if case is None:
        return {"code": "none", "label": definition.config.status.none}
    if case.summary.ended_at is None:
        return {"code": "running", "label": definition.config.status.running}
    label = case.summary.outcome_label or "已办结"
    return {"code": case.summary.outcome_state or "neutral", "label": label}


@flows_api.get("/flows")
@reads()
@flows_api.output(FlowList)
@flows_api.doc(summary="可办理的业务")
def list_flows(session: Session, caller: Caller) -> dict[str, Any]:
    """含发起表单和本人在该业务的当前状态。"""
    return {"items": [_flow(session, caller, each) for each in startable_flows(session, caller.actor)]}


@flows_api.get("/flows/<key>")
@reads()
@flows_api.output(FlowOut)
@flows_api.doc(summary="一项业务")
def show_flow(session: Session, caller: Caller, key: str) -> dict[str, Any]:
    """不能由本人发起的业务显示为没有找到。"""
    for each in startable_flows(session, caller.actor):
        if each.flow_key == key:
            return _flow(session, caller, each)
    raise NotFound("flow.unknown", flow=key)


def _flow(session: Session, caller: Caller, definition: Definition) -> dict[str, Any]:
    form = definition.forms.get(definition.config.start.form)
    latest = next(iter(my_cases(session, caller.actor, flow=definition.flow_key, limit=1).items), None)
    is_running = latest is not None and latest.summary.ended_at is None
    return {
        "key": definition.flow_key,
        "title": definition.config.title,
        "version": definition.version,
        "start_form": form.schema if form else None,
        "status": status_of(definition, latest),
        "latest_application": latest.summary.id if latest else None,
        "may_start_now": not (is_running and definition.config.start.one_running_per_starter),
    }
