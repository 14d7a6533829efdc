"""A second person's agreement: rules that ask for it, proposals that wait for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.request_session import now
from api.edge.roles import require_operator
from api.edge.transactions import decides, reads, writes
from api.operators.operations import Operated, operated_json
from domain.accounts.account import display_names
from engine.operators.operations import (
    Proposal,
    confirm_proposal,
    lift_second_person,
    open_proposals,
    reject_proposal,
    require_second_person,
    second_person_rules,
)

second_persons_api = APIBlueprint("second_persons", __name__, url_prefix="/api/v1", tag="运行管理")


class ProposalOut(BaseModel):
    id: str
    case_id: str
    verb: str = Field(description="suspend、resume、cancel、retry、edit、skip、move")
    why: str | None = Field(description="案件内容已删除时为 null")
    wait: str | None
    to: str | None
    variables: list[str] = Field(description="要改的变量名；值在复核时不显示")
    proposed_by: str
    proposed_by_name: str | None
    proposed_at: datetime


class ProposalList(BaseModel):
    items: list[ProposalOut]


class RuleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str = Field(max_length=100, description="业务代码；* 表示所有业务")
    verb: str = Field(pattern=r"^(\*|suspend|resume|cancel|retry|edit|skip|move)$")


class RuleOut(BaseModel):
    flow: str
    verb: str
    set_by: str
    set_at: datetime


class RuleList(BaseModel):
    items: list[RuleOut]


@second_persons_api.get("/proposals")
@reads(Audience.CONSOLE)
@second_persons_api.output(ProposalList)
@second_persons_api.doc(summary="等待复核的操作")
def list_proposals(session: Session, caller: Caller) -> dict[str, Any]:
    """早的在前。"""
    require_operator(caller)
    found = open_proposals(session)
    names = display_names(session, {each.proposed_by for each in found})
    return {"items": [_proposal_json(each, names.get(each.proposed_by)) for each in found]}


@second_persons_api.post("/proposals/<proposal_id>/confirm")
@decides(Audience.CONSOLE)
@second_persons_api.output(Operated)
@second_persons_api.doc(summary="复核并执行")
def confirm(session: Session, caller: Caller, proposal_id: str) -> dict[str, Any]:
    """须由提议人以外的管理员复核。"""
    require_operator(caller)
    act = confirm_proposal(session, proposal_id, by=caller.actor, now=now())
    return operated_json(session, act.case_id, None)


@second_persons_api.post("/proposals/<proposal_id>/reject")
@decides(Audience.CONSOLE)
@second_persons_api.doc(summary="不同意", responses={204: "已否决"})
def reject(session: Session, caller: Caller, proposal_id: str) -> tuple[str, int]:
    """提议人也可以收回。"""
    require_operator(caller)
    reject_proposal(session, proposal_id, by=caller.actor, now=now())
    return "", 204


@second_persons_api.get("/second-person-rules")
@reads(Audience.CONSOLE)
@second_persons_api.output(RuleList)
@second_persons_api.doc(summary="哪些操作须双人复核")
def list_rules(session: Session, caller: Caller) -> dict[str, Any]:
    """按业务和操作。"""
    require_operator(caller)
    rules = second_person_rules(session)
    shown = [{"flow": r.flow_key, "verb": r.verb, "set_by": r.set_by, "set_at": r.set_at} for r in rules]
    return {"items": shown}


@second_persons_api.put("/second-person-rules")
@writes(Audience.CONSOLE)
@second_persons_api.input(RuleIn)
@second_persons_api.doc(summary="要求双人复核", responses={204: "已保存"})
def set_rule(session: Session, caller: Caller, json_data: RuleIn) -> tuple[str, int]:
    """即时生效，与流程图的版本无关。"""
    require_operator(caller)
    require_second_person(session, json_data.flow, json_data.verb, by=caller.actor, now=now())
    return "", 204


@second_persons_api.delete("/second-person-rules/<flow>/<verb>")
@writes(Audience.CONSOLE)
@second_persons_api.doc(summary="不再要求双人复核", responses={204: "已删除"})
def drop_rule(session: Session, caller: Caller, flow: str, verb: str) -> tuple[str, int]:
    """已有的提议仍须复核。"""
    require_operator(caller)
    lift_second_person(session, flow, verb)
    return "", 204


def _proposal_json(each: Proposal, name: str | None) -> dict[str, Any]:
    act = each.act
    return {
        "id": each.id,
        "case_id": each.case_id,
        "verb": each.verb,
        "why": act.why if act else None,
        "wait": act.wait or None if act else None,
        "to": act.to or None if act else None,
        "variables": sorted(act.values) if act else [],
        "proposed_by": each.proposed_by,
        "proposed_by_name": name,
        "proposed_at": each.proposed_at,
    }
