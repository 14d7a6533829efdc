"""The inbox of one's groups: lists, counts, claiming the next one or several. Nothing in a list is personal."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, current_app, request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.concurrency import tag
from api.edge.idempotency import answer_belongs_to_case
from api.edge.limits import limiter
from api.edge.paging import PageQuery
from api.edge.request_session import now
from api.edge.transactions import decides, reads
from api.evidence.images import Image
from api.work_items.items import WorkItemList, WorkItemOut, held_by, item_images, items_json
from domain.credentials.attempts import LOCAL_TIME
from engine.inbox.claims import claim_items, claim_next_item
from engine.inbox.page import InboxFilter, InboxView, inbox_counts, inbox_page, inbox_steps
from engine.queries.pages import work_item_view

inbox_api = APIBlueprint("inbox", __name__, url_prefix="/api/v1", tag="工作台")

MOST_CLAIMED_AT_ONCE = 50


class Due(StrEnum):
    OVERDUE = "overdue"
    TODAY = "today"


class InboxNarrowing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str | None = Field(default=None, max_length=100, description="业务代码")
    element: str | None = Field(default=None, max_length=200, description="环节（流程图元素）")
    facet: str | None = Field(default=None, max_length=60, description="分类，如证件类型；可选值见 /inbox/steps")
    older_than_s: int | None = Field(default=None, ge=0, le=10**9, description="至少已等待的秒数")
    due: Due | None = Field(default=None, description="overdue 已超时、today 今天之内到期（含已超时）")

    def as_filter(self, view: InboxView, at: datetime) -> InboxFilter:
        due_before = {Due.OVERDUE: at, Due.TODAY: _begin_of_day(at) + timedelta(days=1)}
        return InboxFilter(
            view=view,
            flow=self.flow,
            element=self.element,
            facet=self.facet,
            created_before=None if self.older_than_s is None else at - timedelta(seconds=self.older_than_s),
            due_before=due_before[self.due] if self.due else None,
        )


class InboxSearch(InboxNarrowing, PageQuery):
    """Sent as a body: what is searched for names a person and must not stand in an address that servers log."""

    view: InboxView = Field(default=InboxView.ALL, description="同“岗位待办”")
    variable: str = Field(max_length=100, description="可检索的变量，如 document_number；各业务的 flow.toml 列明")
    value: str = Field(min_length=1, max_length=200, description="完整的值；空格与大小写不计")


class InboxQuery(InboxNarrowing, PageQuery):
    view: InboxView = Field(
        default=InboxView.ALL,
        description="all 岗位全部、groups 未领取、claimed 已有人领取、mine 本人已领取、done 本人已办（新的在前）",
    )


class InboxCountsOut(BaseModel):
    """件数不超过 1000：1000 表示“1000 或更多”。"""

    mine: int = Field(description="本人已领取")
    groups: int = Field(description="岗位中未领取")
    claimed: int = Field(description="岗位中已有人领取（含本人）")
    overdue: int = Field(description="岗位中已超时")
    done_today: int = Field(description="本人今天已办")


class FacetChoiceOut(BaseModel):
    value: str
    label: str


class InboxStepOut(BaseModel):
    flow: str
    flow_title: str
    element: str
    title: str
    facet_title: str = Field(description="分类的名称，如“证件类型”；没有分类时为空")
    facet_choices: list[FacetChoiceOut]


class InboxSteps(BaseModel):
    items: list[InboxStepOut]


class NextClaimed(BaseModel):
    item: WorkItemOut | None = Field(description="没有合适的待办时为 null")
    images: list[Image] = Field(description="这一件的影像，可预先加载；每次查看都有记录")


class ClaimSeveral(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ids: list[Annotated[str, Field(max_length=26)]] = Field(min_length=1, max_length=MOST_CLAIMED_AT_ONCE)


class ClaimResult(BaseModel):
    id: str
    claimed: bool
    code: str | None = Field(description="未领到的原因：work_item.claimed_by_other、work_item.gone、work_item.unknown")
    held_by: str | None = Field(description="已被谁领取")


class ClaimResults(BaseModel):
    items: list[ClaimResult]


@inbox_api.get("/inbox")
@reads(Audience.CONSOLE)
@inbox_api.input(InboxQuery, location="query")
@inbox_api.output(WorkItemList)
@inbox_api.doc(summary="岗位待办")
def list_inbox(session: Session, caller: Caller, query_data: InboxQuery) -> dict[str, Any]:
    """本人各岗位的待办：优先级高的在前，其次先到的在前；已办的新的在前。"""
    at = now()
    wanted = query_data.as_filter(query_data.view, at)
    page = inbox_page(session, caller.actor, wanted, cursor=query_data.cursor, limit=query_data.limit)
    return {"items": items_json(session, page.items, caller, at), "next": page.next}


@inbox_api.post("/inbox/search")
@limiter.limit("60 per minute")
@reads(Audience.CONSOLE)
@inbox_api.input(InboxSearch)
@inbox_api.output(WorkItemList)
@inbox_api.doc(summary="按内容查找待办")
def search_inbox(session: Session, caller: Caller, json_data: InboxSearch) -> dict[str, Any]:
    """在本人各岗位的待办中，按某一变量的完整值查找，如证件号码。"""
    at = now()
    wanted = replace(json_data.as_filter(json_data.view, at), search=(json_data.variable, json_data.value))
    page = inbox_page(session, caller.actor, wanted, cursor=json_data.cursor, limit=json_data.limit)
    return {"items": items_json(session, page.items, caller, at), "next": page.next}


@inbox_api.get("/inbox/counts")
@reads(Audience.CONSOLE, is_polled=True)
@inbox_api.output(InboxCountsOut)
@inbox_api.doc(summary="待办件数")
def count_inbox(session: Session, caller: Caller) -> Response | tuple[dict[str, Any], int, dict[str, str]]:
    """带 If-None-Match 轮询：待办没有变化时答复 304。"""
    at = now()
    counts = asdict(inbox_counts(session, caller.actor, now=at, today=_begin_of_day(at)))
    etag = tag(caller.account_id, *map(str, counts.values()))
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.if_none_match.contains(etag.strip('"')):
        return current_app.response_class(status=304, headers=headers)
    return counts, 200, headers


@inbox_api.get("/inbox/steps")
@reads(Audience.CONSOLE)
@inbox_api.output(InboxSteps)
@inbox_api.doc(summary="待办的环节")
def list_steps(session: Session, caller: Caller) -> dict[str, Any]:
    """本人各岗位可能办理的业务环节及其分类，用作筛选项。"""
    return {"items": [asdict(step) for step in inbox_steps(session, caller.actor)]}


@inbox_api.post("/inbox/claim-next")
@decides(Audience.CONSOLE)
@inbox_api.input(InboxNarrowing)
@inbox_api.output(NextClaimed)
@inbox_api.doc(summary="领取下一件")
def claim_next(session: Session, caller: Caller, json_data: InboxNarrowing) -> dict[str, Any]:
    """领取符合条件、尚未被领取的第一件：优先级高的在前，其次先到的在前。办理一件时再领一件，即可预先加载其影像。"""
    at = now()
    taken = claim_next_item(session, caller.actor, json_data.as_filter(InboxView.GROUPS, at), now=at)
    if taken is None:
        return {"item": None, "images": []}
    item = work_item_view(session, taken, caller.actor)
    answer_belongs_to_case(item.case_id)
    return {
        "item": items_json(session, [item], caller, at)[0],
        "images": item_images(session, item, caller, at),
    }


@inbox_api.post("/inbox/claim")
@decides(Audience.CONSOLE)
@inbox_api.input(ClaimSeveral)
@inbox_api.output(ClaimResults)
@inbox_api.doc(summary="领取多件")
def claim_several(session: Session, caller: Caller, json_data: ClaimSeveral) -> dict[str, Any]:
    """逐件领取；领不到的说明原因，其余照常领取。"""
    claims = claim_items(session, json_data.ids, by=caller.actor, now=now())
    holders = held_by(session, [claim.item_id for claim in claims if claim.refused == "work_item.claimed_by_other"])
    return {
        "items": [
            {
                "id": claim.item_id,
                "claimed": claim.refused is None,
                "code": claim.refused,
                "held_by": holders.get(claim.item_id),
            }
            for claim in claims
        ]
    }


def _begin_of_day(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(LOCAL_TIME).date(), time(), LOCAL_TIME)
