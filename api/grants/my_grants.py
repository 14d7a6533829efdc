"""本人业务账号管理: the grants a verified person holds, redeeming a code, and what a manager does with a grant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import problem
from api.edge.limits import limiter
from api.edge.request_session import now
from api.edge.transactions import decides, reads
from api.grants.my_grant_scope import grant_to_take_over, held_grant, managed_grant, verified_person
from api.grants.scope import person_by_number
from api.grants.shapes import ROLE_LABELS, STATE_LABELS, person_json
from bpmn.business_grant.names import TenureMessage
from bpmn.business_grant.redemption import redeemable_grant
from bpmn.business_grant.running_changes import RunningChange, asked_of, running_changes
from bpmn.business_grant.tenures import tell_tenure
from domain.grants.business import find_business
from domain.grants.grant import BusinessGrant, GrantState, grant_of_case
from domain.grants.holder import HolderRole, auxiliaries_of, grants_held
from domain.institutions.institution import find_institution
from domain.refused import Refused

my_grants_api = APIBlueprint("my_grants", __name__, url_prefix="/api/v1/my", tag="业务授权（本人）")


class GrantCodeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=40, description="授权码；大小写、空格、全半角不限")


class TargetIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    document_number: str = Field(min_length=15, max_length=20, description="对方的身份证号；对方须已用身份证实名认证")


class TransferIn(TargetIn):
    keep_auxiliaries: bool = Field(default=True, description="保留辅助管理员")


class TakeoverIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    institution: str = Field(max_length=26, description="机构编码，或机构 id")
    business: str = Field(max_length=40)


class TargetOut(BaseModel):
    name: str | None = Field(description="打码，供确认是否此人")


class PersonRef(BaseModel):
    person_id: str
    name: str | None = Field(description="打码")


class PendingChange(BaseModel):
    work_item_id: str
    title: str
    form: str
    is_mine: bool = Field(description="等待我办理")
    name: str | None = Field(description="等待谁，打码；等待行政单位时为 null")
    since: datetime
    due_at: datetime | None


class MyGrant(BaseModel):
    id: str
    institution_id: str
    institution: str
    business: str
    business_name: str
    state: GrantState
    state_label: str
    role: HolderRole | None = Field(description="正在激活或被邀请、尚未担任时为 null")
    role_label: str
    auxiliaries: list[PersonRef] = Field(description="只对管理人给出")
    pending: list[PendingChange]


class MyGrants(BaseModel):
    items: list[MyGrant] = Field(description="我管理或协助管理的")
    asked: list[MyGrant] = Field(description="等待我核验或确认的")


@my_grants_api.get("/grants")
@reads()
@my_grants_api.output(MyGrants)
@my_grants_api.doc(summary="我的业务授权")
def my_grants(session: Session, caller: Caller) -> dict[str, Any]:
    """持有的授权、正在进行的变更，和等待本人办理的事项。"""
    person = verified_person(session, caller)
    held = grants_held(session, person)
    waiting = asked_of(session, person)
    asked = {grant.id: grant for grant in (grant_of_case(session, change.case_id) for change in waiting) if grant}
    mine = {each.grant.id for each in held}
    return {
        "items": [_mine(session, each.grant, each.role, person) for each in held],
        "asked": [_mine(session, grant, None, person) for key, grant in asked.items() if key not in mine],
    }


@my_grants_api.post("/grants/redeem")
@limiter.limit("10 per minute")
@decides()
@my_grants_api.input(GrantCodeIn)
@my_grants_api.output(MyGrant)
@my_grants_api.doc(summary="输入授权码")
def redeem(session: Session, caller: Caller, json_data: GrantCodeIn) -> dict[str, Any] | Response:
    """之后按 pending 中的待办核验本人。不存在、已使用、已过期的授权码答复相同；一天输错五次即锁定一天。"""
    person = verified_person(session, caller)
    grant = redeemable_grant(session, person, json_data.code, now())
    if isinstance(grant, Refused):
        return problem(grant.code)  # not raised: the count of wrong codes is committed
    tell_tenure(
        session, caller.actor, grant, TenureMessage.REDEEM, {"person": person, "account": caller.account_id}, now=now()
    )
    return _mine(session, grant, None, person)


@my_grants_api.post("/grants/<grant_id>/target")
@limiter.limit("30 per hour")
@decides()
@my_grants_api.input(TargetIn)
@my_grants_api.output(TargetOut)
@my_grants_api.doc(summary="核对对方")
def look_up_target(session: Session, caller: Caller, grant_id: str, json_data: TargetIn) -> dict[str, Any]:
    """转移或添加之前，按身份证号给出打码的姓名供确认。"""
    managed_grant(session, caller, grant_id)
    target = _other(session, caller, json_data.document_number)
    return {"name": person_json(session, target, is_masked=True)["name"]}


@my_grants_api.post("/grants/<grant_id>/transfer")
@limiter.limit("30 per hour")
@decides()
@my_grants_api.input(TransferIn)
@my_grants_api.output(MyGrant)
@my_grants_api.doc(summary="转移管理人")
def transfer(session: Session, caller: Caller, grant_id: str, json_data: TransferIn) -> dict[str, Any]:
    """之后核验管理人本人，再由对方在 7 天内确认。"""
    grant = managed_grant(session, caller, grant_id)
    target = _other(session, caller, json_data.document_number)
    keep = json_data.keep_auxiliaries
    return _told(
        session, caller, grant, TenureMessage.TRANSFER, target=target, account=caller.account_id, keep_auxiliaries=keep
    )


@my_grants_api.post("/grants/<grant_id>/transfer/cancel")
@decides()
@my_grants_api.output(MyGrant)
@my_grants_api.doc(summary="撤回转移")
def cancel_transfer(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """对方确认之前。"""
    return _told(session, caller, managed_grant(session, caller, grant_id), TenureMessage.CANCEL_TRANSFER)


@my_grants_api.post("/grants/<grant_id>/auxiliaries")
@limiter.limit("30 per hour")
@decides()
@my_grants_api.input(TargetIn)
@my_grants_api.output(MyGrant)
@my_grants_api.doc(summary="添加辅助管理员")
def add_auxiliary(session: Session, caller: Caller, grant_id: str, json_data: TargetIn) -> dict[str, Any]:
    """之后核验管理人本人，再由对方在 7 天内确认。"""
    grant = managed_grant(session, caller, grant_id)
    target = _other(session, caller, json_data.document_number)
    return _told(session, caller, grant, TenureMessage.ADD_AUXILIARY, target=target, account=caller.account_id)


@my_grants_api.post("/grants/<grant_id>/auxiliaries/<person_id>/remove")
@decides()
@my_grants_api.output(MyGrant)
@my_grants_api.doc(summary="移除辅助管理员，或撤回邀请")
def remove_auxiliary(session: Session, caller: Caller, grant_id: str, person_id: str) -> dict[str, Any]:
    """立即生效；尚未确认的邀请随之撤回。"""
    grant = managed_grant(session, caller, grant_id)
    if person_id in auxiliaries_of(session, grant_id):
        return _told(session, caller, grant, TenureMessage.REMOVE_AUXILIARY, person=person_id, why="removed")
    tell_tenure(session, caller.actor, grant, TenureMessage.CANCEL_AUXILIARY, correlation=person_id, now=now())
    return _mine(session, grant, HolderRole.MANAGER, verified_person(session, caller))


@my_grants_api.post("/grants/<grant_id>/resign")
@decides()
@my_grants_api.doc(summary="辞任或退出", responses={204: "已办理"})
def resign(session: Session, caller: Caller, grant_id: str) -> tuple[str, int]:
    """管理人辞任后授权回到未生成，辅助管理员随之结束；辅助管理员退出只结束本人。"""
    person = verified_person(session, caller)
    held = held_grant(session, caller, grant_id)
    if held.role == HolderRole.MANAGER:
        tell_tenure(session, caller.actor, held.grant, TenureMessage.RESIGN, now=now())
    else:
        tell_tenure(
            session,
            caller.actor,
            held.grant,
            TenureMessage.REMOVE_AUXILIARY,
            {"person": person, "why": "left"},
            now=now(),
        )
    return "", 204


@my_grants_api.post("/grants/takeover")
@limiter.limit("10 per hour")
@decides()
@my_grants_api.input(TakeoverIn)
@my_grants_api.doc(summary="申请接管", responses={202: "已提交，等待行政单位决定"})
def take_over(session: Session, caller: Caller, json_data: TakeoverIn) -> tuple[str, int]:
    """原管理人离岗而没有转移时。由授权单位决定，原管理人会得到通知。"""
    person = verified_person(session, caller)
    grant = grant_to_take_over(session, json_data.institution, json_data.business)
    tell_tenure(session, caller.actor, grant, TenureMessage.TAKEOVER, {"person": person}, now=now())
    return "", 202


def _told(
    session: Session, caller: Caller, grant: BusinessGrant, message: TenureMessage, **payload: Any
) -> dict[str, Any]:
    tell_tenure(session, caller.actor, grant, message, payload, now=now())
    return _mine(session, grant, HolderRole.MANAGER, verified_person(session, caller))


def _other(session: Session, caller: Caller, document_number: str) -> str:
    """Raises Refused("grant.own_number") beside what person_by_number() does."""
    target = person_by_number(session, document_number)
    if target == caller.person_id:
        raise Refused("grant.own_number")
    return target


def _mine(session: Session, grant: BusinessGrant, role: HolderRole | None, person: str) -> dict[str, Any]:
    is_manager = role == HolderRole.MANAGER
    changes = running_changes(session, grant.case_id)
    shown = [each for each in changes if is_manager or each.person_id == person]
    auxiliaries = auxiliaries_of(session, grant.id) if is_manager else ()
    return {
        "id": grant.id,
        "institution_id": grant.institution_id,
        "institution": find_institution(session, grant.institution_id).name,
        "business": grant.business_key,
        "business_name": find_business(session, grant.business_key).name,
        "state": grant.state,
        "state_label": STATE_LABELS[GrantState(grant.state)],
        "role": role,
        "role_label": ROLE_LABELS[role] if role else "",
        "auxiliaries": [_ref(session, each) for each in auxiliaries],
        "pending": [_pending(session, each, person) for each in shown],
    }


def _ref(session: Session, person_id: str) -> dict[str, Any]:
    return {"person_id": person_id, "name": person_json(session, person_id, is_masked=True)["name"]}


def _pending(session: Session, change: RunningChange, person: str) -> dict[str, Any]:
    return {
        "work_item_id": change.work_item_id,
        "title": change.title,
        "form": change.form,
        "is_mine": change.person_id == person,
        "name": _ref(session, change.person_id)["name"] if change.person_id else None,
        "since": change.since,
        "due_at": change.due_at,
    }
