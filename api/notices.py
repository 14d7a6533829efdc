"""What the platform told the applicant about an application; in the sandbox also the text messages nobody received."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.auth import Caller, platform_settings
from api.transactions import reads
from domain.notice import Notice, read_notice
from engine.queries import my_case

notices_api = APIBlueprint("notices", __name__, url_prefix="/api/v1", tag="我的申请")


class NoticeOut(BaseModel):
    id: str
    title: str
    text: str
    at: datetime
    is_simulated_sms: bool = Field(description="仅沙箱：本应以短信发往原手机，未真正发送")


class NoticeList(BaseModel):
    items: list[NoticeOut]


@notices_api.get("/applications/<application_id>/notices")
@reads()
@notices_api.output(NoticeList)
@notices_api.doc(summary="申请的通知")
def list_notices(session: Session, caller: Caller, application_id: str) -> dict[str, Any]:
    """发给本人的通知，旧的在前。"""
    my_case(session, application_id, caller.actor)
    to_me = Notice.account_id == caller.account_id
    if platform_settings().sandbox:
        to_me |= Notice.account_id.is_(None) & Notice.group_key.is_(None)
    found = session.scalars(
        select(Notice).where(Notice.case_id == application_id, to_me).order_by(Notice.queued_at, Notice.id)
    )
    return {"items": [_notice_json(session, notice) for notice in found]}


def _notice_json(session: Session, notice: Notice) -> dict[str, Any]:
    said = read_notice(session, notice)
    simulated = notice.account_id is None
    return {
        "id": notice.id,
        "title": said.title,
        "text": said.text,
        "at": notice.queued_at,
        "is_simulated_sms": simulated,
    }
