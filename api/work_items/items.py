"""Work items: what waits for me, its form, and what I decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.applicants.applications import Application, application
from api.edge.auth import Caller
from api.edge.concurrency import refuse_stale, wants_match, work_item_tag
from api.edge.errors import Rejected
from api.edge.idempotency import answer_belongs_to_case
from api.edge.masking import masked_variables
from api.edge.paging import PageQuery
from api.edge.request_session import now
from api.edge.transactions import decides, reads, writes
from api.evidence.images import Image, images_in
from api.evidence.links import look_at_case
from domain.accounts.account import AccountKind, display_names
from engine.cases.stopped_clocks import StoppedClock, stopped_clocks
from engine.errors import Conflict
from engine.forms.form import prefilled_values
from engine.inbox.page import InboxFilter, InboxView, inbox_page
from engine.language.calendar import working_time_between
from engine.queries.pages import assignees_of, my_case, work_item, work_item_view
from engine.queries.views import WorkItemPage, WorkItemView
from engine.work_items.acts import claim_work_item, complete_work_item, load_draft, release_work_item, save_draft

work_items_api = APIBlueprint("work_items", __name__, url_prefix="/api/v1", tag="待办")


class PausedOut(BaseModel):
    element: str
    title: str
    since: datetime
    left_s: int = Field(description="还剩多少秒；is_working_time 时每个工作日计 24 小时")
    is_working_time: bool


class WorkItemOut(BaseModel):
    id: str
    case_id: str
    flow: str
    flow_title: str
    element: str
    title: str
    state: str = Field(description="OPEN、CLAIMED、COMPLETED、CANCELLED")
    group: str | None = Field(description="岗位；本人的申请步骤为 null")
    assignee: str | None
    assignee_name: str | None = Field(default=None, description="领取人的姓名；只对工作台账号显示")
    is_mine: bool
    delegated_by: str | None = Field(default=None, description="委派人；委派的待办须先交回")
    signers: list[str] = Field(
        default_factory=list, description="尚未签署的人（账号），第一个是现在的办理人；没有加签为空"
    )
    follow_up_at: datetime | None = Field(default=None, description="跟进日期")
    needs_claim: bool = Field(description="办理前须先领取；false 的待办谁先动手就由谁办理")
    priority: int
    facet: str | None = Field(default=None, description="分类，如证件类型")
    facet_label: str | None = None
    created_at: datetime
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None
    is_overdue: bool
    working_time_left_s: int | None = Field(
        default=None, description="离应办时刻的工作时间（每个工作日计 24 小时），超时为负；无时限或已办结为 null"
    )
    paused: PausedOut | None = Field(default=None, description="本案中已暂停的计时，如申请人补正期间；没有为 null")


class WorkItemList(BaseModel):
    items: list[WorkItemOut]
    next: str | None


class WorkItemForm(WorkItemOut):
    form: dict[str, Any] | None = Field(description="JSON Schema，含 ui")
    values: dict[str, Any] = Field(description="预填的内容")
    draft: dict[str, Any] | None = Field(description="上次保存而未提交的内容")
    shown: dict[str, Any] = Field(description="表单旁只读显示的内容（ui.shows）")
    images: list[Image] = Field(description="shown 和 values 中出现的影像")
    is_masked: bool = Field(description="尚未领取或已办结时，个人信息打码、影像不可看")


class Values(BaseModel):
    model_config = ConfigDict(extra="forbid")
    values: dict[str, Any] = Field(default_factory=dict, description="表单内容")


class Completed(BaseModel):
    id: str
    case_id: str
    state: str
    application: Application | None = Field(description="本人的申请办到哪一步；办理他人申请时为 null")


MINE = InboxFilter(view=InboxView.MINE)
Answer = tuple[dict[str, Any], int, dict[str, str]]


@work_items_api.get("/work-items")
@reads()
@work_items_api.input(PageQuery, location="query")
@work_items_api.output(WorkItemList)
@work_items_api.doc(summary="我的待办")
def list_my_items(session: Session, caller: Caller, query_data: PageQuery) -> dict[str, Any]:
    """等待本人办理的：自己申请的下一步，以及已领取的。"""
    page = inbox_page(session, caller.actor, MINE, cursor=query_data.cursor, limit=query_data.limit)
    return {"items": items_json(session, page.items, caller, now()), "next": page.next}


@work_items_api.get("/work-items/<work_item_id>")
@reads()
@work_items_api.output(WorkItemForm)
@work_items_api.doc(summary="一件待办")
def show_item(session: Session, caller: Caller, work_item_id: str) -> Answer:
    """表单、预填和参考内容。看到未打码的他人信息会留下记录。"""
    page = work_item(session, work_item_id, caller.actor)
    is_own = page.item.is_own(caller.actor)
    is_masked = not is_own and not _holds(page.item, caller)
    shown = _form_page(session, page, caller, is_masked=is_masked)
    if not is_own and not is_masked:
        look_at_case(caller, page.item.case_id)
    return shown, 200, {"ETag": work_item_tag(page.item)}


@work_items_api.post("/work-items/<work_item_id>/claim")
@decides()
@work_items_api.output(WorkItemOut)
@work_items_api.doc(summary="领取待办")
def claim(session: Session, caller: Caller, work_item_id: str) -> Answer:
    """先到先得。可带 If-Match。"""
    _refuse_changed(session, caller, work_item_id)
    try:
        claim_work_item(session, work_item_id, by=caller.actor, now=now())
    except Conflict as conflict:
        holder = held_by(session, [work_item_id]).get(work_item_id)
        if conflict.code != "work_item.claimed_by_other" or not holder:
            raise
        raise Rejected(conflict.code, detail=f"该待办正由{holder}办理，请选择其他待办。") from conflict
    return _item_answer(session, caller, work_item_id)


@work_items_api.post("/work-items/<work_item_id>/release")
@decides()
@work_items_api.output(WorkItemOut)
@work_items_api.doc(summary="放回待办")
def release(session: Session, caller: Caller, work_item_id: str) -> Answer:
    """放回岗位，由他人领取；草稿保留。可带 If-Match。"""
    _refuse_changed(session, caller, work_item_id)
    release_work_item(session, work_item_id, by=caller.actor, now=now())
    return _item_answer(session, caller, work_item_id)


@work_items_api.put("/work-items/<work_item_id>/draft")
@writes()
@work_items_api.input(Values)
@work_items_api.doc(summary="保存草稿", responses={204: "已保存"})
def keep_draft(session: Session, caller: Caller, work_item_id: str, json_data: Values) -> tuple[str, int]:
    """不校验；提交后自动清除。"""
    save_draft(session, work_item_id, by=caller.actor, values=json_data.values, now=now())
    return "", 204


@work_items_api.post("/work-items/<work_item_id>/complete")
@decides()
@work_items_api.input(Values)
@work_items_api.output(Completed)
@work_items_api.doc(summary="提交待办")
def complete(session: Session, caller: Caller, work_item_id: str, json_data: Values) -> dict[str, Any]:
    """内容按表单校验；已办、超时或不属于本人的不生效。可带 If-Match。"""
    _refuse_changed(session, caller, work_item_id)
    complete_work_item(session, work_item_id, by=caller.actor, values=json_data.values, now=now())
    item = work_item_view(session, work_item_id, caller.actor)
    answer_belongs_to_case(item.case_id)
    is_own = item.is_own(caller.actor)
    own = application(session, my_case(session, item.case_id, caller.actor)) if is_own else None
    return {"id": item.id, "case_id": item.case_id, "state": item.state, "application": own}


def items_json(session: Session, items: Sequence[WorkItemView], caller: Caller, at: datetime) -> list[dict[str, Any]]:
    """The JSON of WorkItemOuts; nothing in it is personal but account ids and, for staff, names of staff."""
    is_staff = caller.kind is AccountKind.CONSOLE
    names = display_names(session, {item.assignee for item in items if item.assignee}) if is_staff else {}
    stopped = stopped_clocks(session, {item.case_id for item in items if item.closed_at is None})
    return [
        {**_item_json(item, caller, at, names), "paused": _paused_json(item, stopped.get(item.case_id))}
        for item in items
    ]


def _paused_json(item: WorkItemView, clock: StoppedClock | None) -> dict[str, Any] | None:
    return asdict(clock) if clock is not None and item.closed_at is None else None


def _item_json(item: WorkItemView, caller: Caller, at: datetime, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": item.id,
        "case_id": item.case_id,
        "flow": item.flow_key,
        "flow_title": item.flow_title,
        "element": item.element,
        "title": item.title,
        "state": item.state,
        "group": item.group,
        "assignee": item.assignee,
        "assignee_name": names.get(item.assignee or ""),
        "is_mine": item.assignee == caller.account_id,
        "delegated_by": item.delegated_by,
        "signers": list(item.signers),
        "follow_up_at": item.follow_up_at,
        "needs_claim": item.assignee is None and not item.is_shared,
        "priority": item.priority,
        "facet": item.facet,
        "facet_label": item.facet_label,
        "created_at": item.created_at,
        "claimed_at": item.claimed_at,
        "closed_at": item.closed_at,
        "due_at": item.due_at,
        "is_overdue": item.closed_at is None and item.due_at is not None and item.due_at < at,
        "working_time_left_s": _working_time_left_s(item, at),
    }


def held_by(session: Session, item_ids: Sequence[str]) -> dict[str, str]:
    """Names of the staff who hold these items, by item id."""
    holders = assignees_of(session, item_ids)
    names = display_names(session, holders.values())
    return {item_id: names[holder] for item_id, holder in holders.items() if names.get(holder)}


def item_images(session: Session, item: WorkItemView, caller: Caller, at: datetime) -> list[dict[str, Any]]:
    """Links to the pictures the case speaks of now, for the item's holder."""
    variables = work_item(session, item.id, caller.actor).variables
    return images_in(session, item.case_id, dict(variables), caller, at)


def _working_time_left_s(item: WorkItemView, at: datetime) -> int | None:
    if item.due_at is None or item.closed_at is not None:
        return None
    return int(working_time_between(at, item.due_at).total_seconds())


def _form_page(session: Session, page: WorkItemPage, caller: Caller, *, is_masked: bool) -> dict[str, Any]:
    item, form = page.item, page.form
    shown: dict[str, Any] = {name: page.variables.get(name) for name in form.shows} if form else {}
    values = prefilled_values(form, page.variables) if form else {}
    draft = load_draft(session, item.id, by=caller.actor) if _holds(item, caller) else None
    if is_masked:
        shown, values = masked_variables(shown, [form] if form else []), {}
    seen = [shown, values, draft]
    return {
        **items_json(session, [item], caller, now())[0],
        "form": form.schema if form else None,
        "values": values,
        "draft": draft,
        "shown": shown,
        "images": [] if is_masked else images_in(session, item.case_id, seen, caller, now()),
        "is_masked": is_masked,
    }


def _holds(item: WorkItemView, caller: Caller) -> bool:
    """Until the item is closed: what somebody has decided is masked for them again."""
    return item.is_held_by(caller.actor)


def _refuse_changed(session: Session, caller: Caller, work_item_id: str) -> None:
    if wants_match():
        refuse_stale(work_item_tag(work_item_view(session, work_item_id, caller.actor)))


def _item_answer(session: Session, caller: Caller, work_item_id: str) -> Answer:
    item = work_item_view(session, work_item_id, caller.actor)
    answer_belongs_to_case(item.case_id)
    return items_json(session, [item], caller, now())[0], 200, {"ETag": work_item_tag(item)}
