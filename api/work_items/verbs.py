"""Giving work items to others: assign, hand over, delegate and back, sign after one another, copy; dates and priority."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.idempotency import answer_belongs_to_case
from api.edge.request_session import now
from api.edge.transactions import decides, reads, writes
from api.work_items.items import WorkItemOut, items_json
from domain.accounts.account import AccountKind, display_names, find_account
from domain.acting import accounts_of_group, acting_groups
from domain.refused import Refused
from engine.actors import Actor
from engine.queries.pages import known_item_view, work_item_view
from engine.work_items.acts import refuse_signature
from engine.work_items.assignment import (
    assign_work_item,
    copy_to,
    delegate_work_item,
    follow_up,
    give_back,
    hand_over,
    set_due,
    set_priority,
)
from engine.work_items.events import LONGEST_WHY
from engine.work_items.returning import return_targets, return_work_item
from engine.work_items.signing import add_signer

work_item_verbs_api = APIBlueprint("work_item_verbs", __name__, url_prefix="/api/v1", tag="待办")


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    why: str = Field(default="", max_length=LONGEST_WHY, description="原因或意见，加密保存")


class ToColleague(Reason):
    to: str = Field(max_length=26, description="工作台账号")


class ToColleagues(Reason):
    to: list[str] = Field(min_length=1, max_length=50, description="工作台账号")


class Return(BaseModel):
    model_config = ConfigDict(extra="forbid")
    to: str = Field(max_length=200, description="退回到哪个用户任务")
    why: str = Field(min_length=1, max_length=LONGEST_WHY)


class ReturnTarget(BaseModel):
    element: str
    title: str


class ReturnTargets(BaseModel):
    items: list[ReturnTarget]


class FollowUp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    at: AwareDatetime | None = Field(description="null 取消")


class Priority(Reason):
    priority: int = Field(ge=0, le=100)


class DueDate(Reason):
    due_at: AwareDatetime | None = Field(description="null 取消")


class Colleague(BaseModel):
    account: str
    name: str


class Colleagues(BaseModel):
    items: list[Colleague]


@work_item_verbs_api.get("/work-items/<work_item_id>/colleagues")
@reads(Audience.CONSOLE)
@work_item_verbs_api.output(Colleagues)
@work_item_verbs_api.doc(summary="可以交给谁")
def list_colleagues(session: Session, caller: Caller, work_item_id: str) -> dict[str, Any]:
    """该待办所在岗位的其他工作台账号。"""
    item = work_item_view(session, work_item_id, caller.actor)
    accounts = accounts_of_group(session, item.group) if item.group else []
    names = display_names(session, accounts)
    listed = [
        {"account": each, "name": names[each]} for each in accounts if each != caller.account_id and names.get(each)
    ]
    return {"items": sorted(listed, key=lambda each: each["name"])}


@work_item_verbs_api.post("/work-items/<work_item_id>/assign")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(ToColleague)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="指派")
def assign(session: Session, caller: Caller, work_item_id: str, json_data: ToColleague) -> dict[str, Any]:
    """未领取的待办，岗位成员均可指派；他人已领取的，只有岗位负责人可以。"""
    return _given(session, caller, work_item_id, assign_work_item, json_data)


@work_item_verbs_api.post("/work-items/<work_item_id>/hand-over")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(ToColleague)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="转办")
def hand_item_over(session: Session, caller: Caller, work_item_id: str, json_data: ToColleague) -> dict[str, Any]:
    """本人领取的待办转给同岗位的人，草稿一并转交。"""
    return _given(session, caller, work_item_id, hand_over, json_data)


@work_item_verbs_api.post("/work-items/<work_item_id>/delegate")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(ToColleague)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="委派")
def delegate(session: Session, caller: Caller, work_item_id: str, json_data: ToColleague) -> dict[str, Any]:
    """请他人提出意见；交回后仍由本人决定。"""
    return _given(session, caller, work_item_id, delegate_work_item, json_data)


@work_item_verbs_api.post("/work-items/<work_item_id>/give-back")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(Reason)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="交回委派")
def give_item_back(session: Session, caller: Caller, work_item_id: str, json_data: Reason) -> dict[str, Any]:
    """受委派人交回意见，或委派人收回。"""
    item = work_item_view(session, work_item_id, caller.actor)
    give_back(session, work_item_id, by=caller.actor, now=now(), why=json_data.why)
    return _answer(session, caller, work_item_id, item.case_id)


@work_item_verbs_api.post("/work-items/<work_item_id>/signers")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(ToColleague)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="加签")
def sign_after_me(session: Session, caller: Caller, work_item_id: str, json_data: ToColleague) -> dict[str, Any]:
    """本人提交后由加签人签署，最后一人签署后案件继续。"""
    return _given(session, caller, work_item_id, add_signer, json_data)


@work_item_verbs_api.post("/work-items/<work_item_id>/refuse-signature")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(Reason)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="不同意签署")
def send_signature_back(session: Session, caller: Caller, work_item_id: str, json_data: Reason) -> dict[str, Any]:
    """退回上一签署人。"""
    item = work_item_view(session, work_item_id, caller.actor)
    refuse_signature(session, work_item_id, by=caller.actor, now=now(), why=json_data.why)
    return _answer(session, caller, work_item_id, item.case_id)


@work_item_verbs_api.get("/work-items/<work_item_id>/return-targets")
@reads(Audience.CONSOLE)
@work_item_verbs_api.output(ReturnTargets)
@work_item_verbs_api.doc(summary="可以退回到哪里")
def list_return_targets(session: Session, caller: Caller, work_item_id: str) -> dict[str, Any]:
    """本案此前办过的用户任务；并行分支中有的不能退回，退回时说明。"""
    targets = return_targets(session, work_item_id, by=caller.actor)
    return {"items": [{"element": target.element, "title": target.title} for target in targets]}


@work_item_verbs_api.post("/work-items/<work_item_id>/return")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(Return)
@work_item_verbs_api.output(WorkItemOut)
@work_item_verbs_api.doc(summary="退回")
def return_item(session: Session, caller: Caller, work_item_id: str, json_data: Return) -> dict[str, Any]:
    """退回到此前的用户任务，重新办理；已填的内容保留。退出并行部分时，其他分支一并撤销。"""
    item = work_item_view(session, work_item_id, caller.actor)
    return_work_item(session, work_item_id, to=json_data.to, by=caller.actor, now=now(), why=json_data.why)
    return _answer(session, caller, work_item_id, item.case_id)


@work_item_verbs_api.post("/work-items/<work_item_id>/copies")
@decides(Audience.CONSOLE)
@work_item_verbs_api.input(ToColleagues)
@work_item_verbs_api.doc(summary="抄送", responses={204: "已抄送"})
def send_copies(session: Session, caller: Caller, work_item_id: str, json_data: ToColleagues) -> tuple[str, int]:
    """被抄送人可以查看案件（打码），不能办理。"""
    to = [_colleague(session, account) for account in json_data.to]
    copy_to(session, work_item_id, to=to, by=caller.actor, now=now(), why=json_data.why)
    return "", 204


@work_item_verbs_api.put("/work-items/<work_item_id>/follow-up")
@writes(Audience.CONSOLE)
@work_item_verbs_api.input(FollowUp)
@work_item_verbs_api.doc(summary="跟进日期", responses={204: "已保存"})
def set_follow_up(session: Session, caller: Caller, work_item_id: str, json_data: FollowUp) -> tuple[str, int]:
    """提醒自己何时再看。"""
    follow_up(session, work_item_id, at=json_data.at, by=caller.actor, now=now())
    return "", 204


@work_item_verbs_api.put("/work-items/<work_item_id>/priority")
@writes(Audience.CONSOLE)
@work_item_verbs_api.input(Priority)
@work_item_verbs_api.doc(summary="优先级", responses={204: "已保存"})
def change_priority(session: Session, caller: Caller, work_item_id: str, json_data: Priority) -> tuple[str, int]:
    """岗位负责人使用；数大的在前。"""
    set_priority(session, work_item_id, priority=json_data.priority, by=caller.actor, now=now(), why=json_data.why)
    return "", 204


@work_item_verbs_api.put("/work-items/<work_item_id>/due")
@writes(Audience.CONSOLE)
@work_item_verbs_api.input(DueDate)
@work_item_verbs_api.doc(summary="应办时刻", responses={204: "已保存"})
def change_due(session: Session, caller: Caller, work_item_id: str, json_data: DueDate) -> tuple[str, int]:
    """岗位负责人使用；流程图中的定时不受影响。"""
    set_due(session, work_item_id, due=json_data.due_at, by=caller.actor, now=now(), why=json_data.why)
    return "", 204


def _given(
    session: Session, caller: Caller, work_item_id: str, verb: Callable[..., None], sent: ToColleague
) -> dict[str, Any]:
    """The item after one of the verbs that put it into somebody's hands."""
    item = work_item_view(session, work_item_id, caller.actor)
    to = _colleague(session, sent.to)
    verb(session, work_item_id, to=to, by=caller.actor, now=now(), why=sent.why)
    return _answer(session, caller, work_item_id, item.case_id)


def _answer(session: Session, caller: Caller, work_item_id: str, case_id: str) -> dict[str, Any]:
    answer_belongs_to_case(case_id)
    # Whoever gave an item away may not see it any more: this answer is still theirs.
    return items_json(session, [known_item_view(session, work_item_id)], caller, now())[0]


def _colleague(session: Session, account_id: str) -> Actor:
    """Raises Refused("account.unknown") for an account that is no member of staff, or was disabled."""
    account = find_account(session, account_id)
    if account.kind != AccountKind.CONSOLE or account.disabled_at is not None:
        raise Refused("account.unknown", account=account_id)
    return Actor(account_id, acting_groups(session, account_id))
