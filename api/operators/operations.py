"""What operators do to one case: suspend, resume, cancel, edit, skip, move; why it waits; the watchdog's finds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.idempotency import answer_belongs_to_case
from api.edge.request_session import now
from api.edge.roles import is_operator, require_operator
from api.edge.transactions import decides, reads
from domain.accounts.account import display_names
from engine.errors import NotFound
from engine.operators.operations import OperatorAct, OperatorVerb, operate
from engine.queries.pages import case_page, is_case_visible
from engine.queries.why import watchdog_finds, why

operations_api = APIBlueprint("operations", __name__, url_prefix="/api/v1", tag="运行管理")


class Reasoned(BaseModel):
    model_config = ConfigDict(extra="forbid")
    why: str = Field(min_length=1, max_length=1_000, description="原因，记入流水")


class Edit(Reasoned):
    values: dict[str, Any] = Field(min_length=1, description="变量名 → 新值")
    place: str = Field(default="", max_length=500, description="被调用流程中的变量：该处的地址；案件自己的变量为空")


class Skip(Reasoned):
    values: dict[str, Any] = Field(default_factory=dict, description="代替该环节写入的变量")


class Move(Reasoned):
    to: str = Field(min_length=1, max_length=200, description="移到哪个元素")


class Operated(BaseModel):
    is_done: bool = Field(description="false：须由另一名管理员复核，已成为提议")
    proposal: str | None
    case_id: str
    state: str
    outcome: str | None


class WhyOut(BaseModel):
    sentence: str
    since: datetime
    due_at: datetime | None
    is_stuck: bool = Field(description="没有任何事情会使它继续")


class FindOut(BaseModel):
    code: str = Field(description="case.waits_for_nothing、item.nobodys、timer.late、job.late")
    case_id: str
    flow_key: str
    element: str
    since: datetime


class FindList(BaseModel):
    items: list[FindOut]


@operations_api.get("/cases/<case_id>/why")
@reads(Audience.CONSOLE)
@operations_api.output(WhyOut)
@operations_api.doc(summary="案件在等什么")
def say_why(session: Session, caller: Caller, case_id: str) -> dict[str, Any]:
    """一句话。"""
    if not (is_operator(caller) or is_case_visible(session, case_id, caller.actor)):
        raise NotFound("case.unknown", case=case_id)
    found = why(session, case_id, now())
    name = display_names(session, [found.holder]).get(found.holder) if found.holder else None
    sentence = found.sentence.replace("{holder}", name or "申请人")
    return {"sentence": sentence, "since": found.since, "due_at": found.due_at, "is_stuck": found.is_stuck}


@operations_api.post("/cases/<case_id>/suspend")
@decides(Audience.CONSOLE)
@operations_api.input(Reasoned)
@operations_api.output(Operated)
@operations_api.doc(summary="暂停案件")
def suspend_whole_case(session: Session, caller: Caller, case_id: str, json_data: Reasoned) -> dict[str, Any]:
    """暂停期间不接受办理，结果和消息等待，定时在恢复时触发。"""
    return operated(session, caller, OperatorAct(verb=OperatorVerb.SUSPEND, case_id=case_id, why=json_data.why))


@operations_api.post("/cases/<case_id>/resume")
@decides(Audience.CONSOLE)
@operations_api.input(Reasoned)
@operations_api.output(Operated)
@operations_api.doc(summary="恢复案件")
def resume_whole_case(session: Session, caller: Caller, case_id: str, json_data: Reasoned) -> dict[str, Any]:
    """从暂停的地方继续。"""
    return operated(session, caller, OperatorAct(verb=OperatorVerb.RESUME, case_id=case_id, why=json_data.why))


@operations_api.post("/cases/<case_id>/cancel")
@decides(Audience.CONSOLE)
@operations_api.input(Reasoned)
@operations_api.output(Operated)
@operations_api.doc(summary="取消案件")
def cancel(session: Session, caller: Caller, case_id: str, json_data: Reasoned) -> dict[str, Any]:
    """无论办到哪一步。"""
    return operated(session, caller, OperatorAct(verb=OperatorVerb.CANCEL, case_id=case_id, why=json_data.why))


@operations_api.post("/cases/<case_id>/variables")
@decides(Audience.CONSOLE)
@operations_api.input(Edit)
@operations_api.output(Operated)
@operations_api.doc(summary="修改变量")
def edit(session: Session, caller: Caller, case_id: str, json_data: Edit) -> dict[str, Any]:
    """已经打开的待办不变，之后的判断使用新值。"""
    sent = json_data
    act = OperatorAct(verb=OperatorVerb.EDIT, case_id=case_id, why=sent.why, values=sent.values, place=sent.place)
    return operated(session, caller, act)


@operations_api.post("/cases/<case_id>/waits/<wait_id>/skip")
@decides(Audience.CONSOLE)
@operations_api.input(Skip)
@operations_api.output(Operated)
@operations_api.doc(summary="跳过环节")
def skip(session: Session, caller: Caller, case_id: str, wait_id: str, json_data: Skip) -> dict[str, Any]:
    """视同已办，写入所给的变量。"""
    sent = json_data
    act = OperatorAct(verb=OperatorVerb.SKIP, case_id=case_id, why=sent.why, wait=wait_id, values=sent.values)
    return operated(session, caller, act)


@operations_api.post("/cases/<case_id>/waits/<wait_id>/move")
@decides(Audience.CONSOLE)
@operations_api.input(Move)
@operations_api.output(Operated)
@operations_api.doc(summary="移到另一环节")
def move(session: Session, caller: Caller, case_id: str, wait_id: str, json_data: Move) -> dict[str, Any]:
    """离开并行部分或子流程时，其中的其他环节一并撤销。"""
    act = OperatorAct(verb=OperatorVerb.MOVE, case_id=case_id, why=json_data.why, wait=wait_id, to=json_data.to)
    return operated(session, caller, act)


@operations_api.get("/watchdog")
@reads(Audience.CONSOLE)
@operations_api.output(FindList)
@operations_api.doc(summary="巡检")
def watch(session: Session, caller: Caller) -> dict[str, Any]:
    """没有在等待任何事情的案件、无人可办的待办、迟迟未触发的定时和作业。"""
    require_operator(caller)
    found = watchdog_finds(session, now())
    return {"items": [{name: getattr(each, name) for name in FindOut.model_fields} for each in found]}


def operated(session: Session, caller: Caller, act: OperatorAct) -> dict[str, Any]:
    """The JSON of an Operated, after the act was done or proposed."""
    require_operator(caller)
    proposal = operate(session, act, by=caller.actor, now=now())
    return operated_json(session, act.case_id, proposal)


def operated_json(session: Session, case_id: str, proposal: str | None) -> dict[str, Any]:
    """The JSON of an Operated. proposal: id of what was proposed, None for what was done."""
    answer_belongs_to_case(case_id)
    summary = case_page(session, case_id).summary
    facts = {"case_id": case_id, "state": summary.state, "outcome": summary.outcome}
    return {"is_done": proposal is None, "proposal": proposal, **facts}
