"""Messages from outside systems to whichever case waits for them, and what operators do with those nobody took."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.paging import PageQuery
from api.edge.request_session import now
from api.edge.roles import require_operator, require_sender
from api.edge.transactions import decides, reads
from engine.cases.outbox import message_with, send_message_to
from engine.messages.undelivered import dismiss_message, send_again, undelivered_messages

messages_api = APIBlueprint("messages", __name__, url_prefix="/api/v1", tag="运行管理")


class NewMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")
    message: str = Field(min_length=1, max_length=200, description="流程图中的消息名")
    correlation: str = Field(default="", max_length=200, description="找到等待它的案件，如订单号")
    payload: dict[str, Any] = Field(default_factory=dict)
    dedup_key: str = Field(min_length=1, max_length=80, description="同一消息重发时不变；同值只生效一次")


class Taken(BaseModel):
    id: str
    is_new: bool = Field(description="false：此前已用同一 dedup_key 收到过")


class UndeliveredOut(BaseModel):
    id: str
    kind: str = Field(description="CASE、MESSAGE、SIGNAL、START")
    message: str | None
    flow_key: str | None
    sender: str | None = Field(description="发出它的案件")
    receiver: str | None = Field(description="要送达的案件")
    by: str
    note: str | None = Field(description="没有送达的原因代码")
    created_at: datetime
    closed_at: datetime


class UndeliveredList(BaseModel):
    items: list[UndeliveredOut]
    next: str | None


@messages_api.post("/messages")
@decides(Audience.CONSOLE)
@messages_api.input(NewMessage)
@messages_api.output(Taken, status_code=202)
@messages_api.doc(summary="发来一条消息")
def take_message(session: Session, caller: Caller, json_data: NewMessage) -> dict[str, Any]:
    """供外部系统使用。收下后随即送给等待它的案件；暂时没有案件等待时保存到期限，到期仍无人接收则由管理员处理。"""
    require_sender(caller)
    # Two systems may choose the same key without knowing of each other.
    key = f"{caller.account_id}:{json_data.dedup_key}"
    sent = send_message_to(
        session,
        json_data.message,
        json_data.correlation,
        json_data.payload,
        dedup_key=key,
        now=now(),
        by=caller.actor,
    )
    return {"id": sent or message_with(session, key), "is_new": sent is not None}


@messages_api.get("/undelivered-messages")
@reads(Audience.CONSOLE)
@messages_api.input(PageQuery, location="query")
@messages_api.output(UndeliveredList)
@messages_api.doc(summary="没有送达的消息")
def list_undelivered(session: Session, caller: Caller, query_data: PageQuery) -> dict[str, Any]:
    """早的在前。"""
    require_operator(caller)
    page = undelivered_messages(session, cursor=query_data.cursor, limit=query_data.limit)
    items = [{name: getattr(one, name) for name in UndeliveredOut.model_fields} for one in page.items]
    return {"items": items, "next": page.next}


@messages_api.post("/undelivered-messages/<message_id>/send-again")
@decides(Audience.CONSOLE)
@messages_api.doc(summary="再次发送", responses={204: "已重新发送"})
def send_message_again(session: Session, caller: Caller, message_id: str) -> tuple[str, int]:
    """再试一天。"""
    require_operator(caller)
    send_again(session, message_id, now=now())
    return "", 204


@messages_api.post("/undelivered-messages/<message_id>/dismiss")
@decides(Audience.CONSOLE)
@messages_api.doc(summary="不再需要", responses={204: "已处理"})
def dismiss(session: Session, caller: Caller, message_id: str) -> tuple[str, int]:
    """其内容随即销毁。"""
    require_operator(caller)
    dismiss_message(session, message_id, now=now())
    return "", 204
