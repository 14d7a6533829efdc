"""The inbox of one's groups. Nothing in a list is personal."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy.orm import Session

from api.auth import Audience, Caller
from api.paging import PageQuery
from api.request_session import now
from api.transactions import reads
from api.work_items import WorkItemList, item_json
from engine.model.waiting import WorkItemState
from engine.queries import inbox_page

inbox_api = APIBlueprint("inbox", __name__, url_prefix="/api/v1", tag="工作台")


class OpenState(StrEnum):
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"


class InboxQuery(PageQuery):
    flow: str | None = Field(default=None, max_length=100, description="业务代码")
    element: str | None = Field(default=None, max_length=200, description="环节（流程图元素）")
    state: OpenState | None = Field(default=None, description="OPEN 未领取、CLAIMED 已领取")
    older_than_s: int | None = Field(default=None, ge=0, description="至少已等待的秒数")


@inbox_api.get("/inbox")
@reads(Audience.CONSOLE)
@inbox_api.input(InboxQuery, location="query")
@inbox_api.output(WorkItemList)
@inbox_api.doc(summary="岗位待办")
def list_inbox(session: Session, caller: Caller, query_data: InboxQuery) -> dict[str, Any]:
    """本人各岗位的待办：优先级高的在前，其次先到的在前。"""
    at = now()
    page = inbox_page(
        session,
        caller.actor,
        flow=query_data.flow,
        element=query_data.element,
        state=WorkItemState(query_data.state) if query_data.state else None,
        created_before=at - timedelta(seconds=query_data.older_than_s) if query_data.older_than_s is not None else None,
        cursor=query_data.cursor,
        limit=query_data.limit,
    )
    return {"items": [item_json(item, caller, at) for item in page.items], "next": page.next}
