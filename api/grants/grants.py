"""机构业务授权: what a unit does with the grants of its subtree. Each is a message to the tenure, or begins one."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.transactions import decides
from api.grants.scope import changeable_grant, grant_in_scope, person_by_number
from api.grants.shapes import GrantOut, row_json
from bpmn.business_grant.names import TenureMessage
from bpmn.business_grant.tenures import begin_tenure, tell_tenure
from domain.grants.grant import enable
from domain.grants.tenure import end_tenure

grants_api = APIBlueprint("grants", __name__, url_prefix="/api/v1", tag="业务授权（行政单位）")


class GrantReason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str | None = Field(default=None, max_length=200)


class ManagerNumber(BaseModel):
    model_config = ConfigDict(extra="forbid")
    document_number: str = Field(min_length=15, max_length=20, description="以身份证实名认证过的人的身份证号")


class RevokeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    how: str = Field(
        pattern="^(replace|stop)$", description="replace 更换：回到未生成；stop 停用：重新启用前不能再生成"
    )
    reason: str | None = Field(default=None, max_length=200)
    next_document_number: str | None = Field(
        default=None, min_length=15, max_length=20, description="更换时立即绑定的下一任"
    )


@grants_api.post("/grants/<grant_id>/code")
@decides()
@grants_api.output(GrantOut)
@grants_api.doc(summary="生成授权码")
def generate(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """未生成的机构；授权码显示到激活为止。"""
    begin_tenure(session, caller.actor, changeable_grant(session, caller, grant_id), now=now())
    return _row(session, caller, grant_id)


@grants_api.post("/grants/<grant_id>/code/replace")
@decides()
@grants_api.output(GrantOut)
@grants_api.doc(summary="更换授权码")
def replace_code(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """原授权码立即失效，正在激活的人须用新码重来。"""
    return _told(session, caller, grant_id, TenureMessage.REPLACE_CODE)


@grants_api.post("/grants/<grant_id>/code/extend")
@decides()
@grants_api.output(GrantOut)
@grants_api.doc(summary="延长授权码")
def extend_code(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """有效期从现在重新计算。"""
    return _told(session, caller, grant_id, TenureMessage.EXTEND)


@grants_api.post("/grants/<grant_id>/bind")
@decides()
@grants_api.input(ManagerNumber)
@grants_api.output(GrantOut)
@grants_api.doc(summary="直接授权")
def bind(session: Session, caller: Caller, grant_id: str, json_data: ManagerNumber) -> dict[str, Any]:
    """绑定一位以身份证实名认证的管理人；未激活的授权码作废。"""
    grant = changeable_grant(session, caller, grant_id)
    person = person_by_number(session, json_data.document_number)
    if grant.case_id is None:
        begin_tenure(session, caller.actor, grant, person=person, now=now())
        return _row(session, caller, grant_id)
    tell_tenure(session, caller.actor, grant, TenureMessage.BIND, {"person": person}, now=now())
    return _row(session, caller, grant_id)


@grants_api.post("/grants/<grant_id>/revoke")
@decides()
@grants_api.input(RevokeIn)
@grants_api.output(GrantOut)
@grants_api.doc(summary="解除授权")
def revoke(session: Session, caller: Caller, grant_id: str, json_data: RevokeIn) -> dict[str, Any]:
    """更换（可立即绑定下一任），或停用。未激活的授权码一并作废。"""
    grant = changeable_grant(session, caller, grant_id)
    stop = json_data.how == "stop"
    if stop and json_data.next_document_number is not None:
        raise Rejected("grant.stop_has_no_next")
    if stop and grant.case_id is None:  # nothing runs: there is no case to tell
        end_tenure(session, grant_id, why="stopped", by=caller.account_id, now=now(), stop=True)
        return _row(session, caller, grant_id)
    payload: dict[str, Any] = {"stop": stop}
    if json_data.reason:
        payload["reason"] = json_data.reason
    if json_data.next_document_number is not None:
        payload["next_person"] = person_by_number(session, json_data.next_document_number)
    tell_tenure(session, caller.actor, grant, TenureMessage.REVOKE, payload, now=now())
    return _row(session, caller, grant_id)


@grants_api.post("/grants/<grant_id>/suspend")
@decides()
@grants_api.input(GrantReason)
@grants_api.output(GrantOut)
@grants_api.doc(summary="暂停授权")
def suspend(session: Session, caller: Caller, grant_id: str, json_data: GrantReason) -> dict[str, Any]:
    """管理人和辅助管理员立即不能办理该业务，恢复后照旧。"""
    return _told(session, caller, grant_id, TenureMessage.SUSPEND, _reason(json_data))


@grants_api.post("/grants/<grant_id>/resume")
@decides()
@grants_api.input(GrantReason)
@grants_api.output(GrantOut)
@grants_api.doc(summary="恢复授权")
def resume(session: Session, caller: Caller, grant_id: str, json_data: GrantReason) -> dict[str, Any]:
    """恢复暂停的授权。"""
    return _told(session, caller, grant_id, TenureMessage.RESUME, _reason(json_data))


@grants_api.post("/grants/<grant_id>/enable")
@decides()
@grants_api.output(GrantOut)
@grants_api.doc(summary="重新启用")
def enable_grant(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """停用的授权回到未生成。"""
    changeable_grant(session, caller, grant_id)
    enable(session, grant_id, by=caller.account_id, why="unit", now=now())
    return _row(session, caller, grant_id)


def _told(
    session: Session, caller: Caller, grant_id: str, message: TenureMessage, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    tell_tenure(session, caller.actor, changeable_grant(session, caller, grant_id), message, payload, now=now())
    return _row(session, caller, grant_id)


def _row(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    session.expire_all()
    return row_json(grant_in_scope(session, caller, grant_id))


def _reason(given: GrantReason) -> dict[str, Any]:
    return {"reason": given.reason} if given.reason else {}
