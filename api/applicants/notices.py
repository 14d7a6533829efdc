"""What the platform told somebody: about one application, or at all, to the account itself or to a group it acts for.

In the sandbox an application's notices also show the text messages nobody received.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from api.edge.auth import Caller, platform_settings
from api.edge.paging import PageQuery
from api.edge.transactions import reads
from domain.accounts.account import APPLICANT_GROUP, PHONE_APPLICANT_GROUP
from domain.notice import Notice, read_notice
from engine.queries.pages import my_case
from storage.vault import KeyDestroyed

EVERYBODY = frozenset({APPLICANT_GROUP, PHONE_APPLICANT_GROUP})

notices_api = APIBlueprint("notices", __name__, url_prefix="/api/v1", tag="我的申请")


class NoticeOut(BaseModel):
    id: str
    title: str
    text: str
    at: datetime
    case_id: str = Field(description="通知所说的案件")
    is_simulated_sms: bool = Field(description="仅沙箱：本应以短信发往原手机，未真正发送")


class NoticeList(BaseModel):
    items: list[NoticeOut]


class NoticePage(NoticeList):
    next: str | None


@notices_api.get("/applications/<application_id>/notices")
@reads()
@notices_api.output(NoticeList)
@notices_api.doc(summary="申请的通知")
def list_notices(session: Session, caller: Caller, application_id: str) -> dict[str, Any]:
    """发给本人的通知，旧的在前。"""
    my_case(session, application_id, caller.actor)
    to_me = _is_for(caller)
    if platform_settings().sandbox:
        to_me |= Notice.account_id.is_(None) & Notice.group_key.is_(None)
    found = session.scalars(
        select(Notice).where(Notice.case_id == application_id, to_me).order_by(Notice.queued_at, Notice.id)
    )
    return {"items": [_notice_json(session, notice) for notice in found]}


@notices_api.get("/notices")
@reads(is_polled=True)
@notices_api.input(PageQuery, location="query")
@notices_api.output(NoticePage)
@notices_api.doc(summary="我的通知")
def list_my_notices(session: Session, caller: Caller, query_data: PageQuery) -> dict[str, Any]:
    """发给本人和本人所在岗位（行政单位、业务）的通知，新的在前。"""
    wanted = select(Notice).where(_is_for(caller))
    if query_data.cursor is not None:
        wanted = wanted.where(Notice.id < query_data.cursor)
    found = list(session.scalars(wanted.order_by(Notice.id.desc()).limit(query_data.limit + 1)))
    page = found[: query_data.limit]
    shown = [_notice_unless_erased(session, notice) for notice in page]
    items = [each for each in shown if each is not None]
    return {"items": items, "next": page[-1].id if len(found) > query_data.limit else None}


def _is_for(caller: Caller) -> ColumnElement[bool]:
    """Notices to the caller and to the groups it is in now; those to everybody's group are nobody's."""
    return (Notice.account_id == caller.account_id) | Notice.group_key.in_(sorted(caller.groups - EVERYBODY))


def _notice_unless_erased(session: Session, notice: Notice) -> dict[str, Any] | None:
    try:
        return _notice_json(session, notice)
    except KeyDestroyed:
        return None


def _notice_json(session: Session, notice: Notice) -> dict[str, Any]:
    said = read_notice(session, notice)
    simulated = notice.account_id is None and notice.group_key is None
    return {
        "id": notice.id,
        "title": said.title,
        "text": said.text,
        "at": notice.queued_at,
        "case_id": notice.case_id,
        "is_simulated_sms": simulated,
    }
