"""What people did around a work item, and the copies somebody was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.request_session import now
from api.edge.transactions import decides, reads
from domain.accounts.account import display_names
from engine.queries.pages import work_item_view
from engine.work_items.assignment import copies_for, mark_copy_read
from engine.work_items.events import events_of_item

work_item_records_api = APIBlueprint("work_item_records", __name__, url_prefix="/api/v1", tag="待办")


class ItemEventOut(BaseModel):
    id: str
    at: datetime
    actor: str
    actor_name: str | None
    verb: str
    target: str | None = Field(description="账号，或设定的值")
    target_name: str | None
    why: str


class ItemEvents(BaseModel):
    items: list[ItemEventOut]


class CopyOut(BaseModel):
    work_item: str
    case_id: str
    by: str
    by_name: str | None
    at: datetime
    read_at: datetime | None


class Copies(BaseModel):
    items: list[CopyOut]


@work_item_records_api.get("/work-items/<work_item_id>/events")
@reads(Audience.CONSOLE)
@work_item_records_api.output(ItemEvents)
@work_item_records_api.doc(summary="待办记录")
def list_events(session: Session, caller: Caller, work_item_id: str) -> dict[str, Any]:
    """谁在何时领取、转办、委派、加签、抄送，以及原因。"""
    item = work_item_view(session, work_item_id, caller.actor)
    told = events_of_item(session, item.case_id, work_item_id)
    names = display_names(session, {each for event in told for each in (event.actor, event.target) if each})
    return {
        "items": [
            {
                "id": event.id,
                "at": event.at,
                "actor": event.actor,
                "actor_name": names.get(event.actor),
                "verb": event.verb,
                "target": event.target,
                "target_name": names.get(event.target or ""),
                "why": event.why,
            }
            for event in told
        ]
    }


@work_item_records_api.get("/copies")
@reads(Audience.CONSOLE)
@work_item_records_api.output(Copies)
@work_item_records_api.doc(summary="抄送给我的")
def list_copies(session: Session, caller: Caller) -> dict[str, Any]:
    """新的在前。"""
    copies = copies_for(session, caller.account_id)
    names = display_names(session, {copy.by for copy in copies})
    return {
        "items": [
            {
                "work_item": copy.item_id,
                "case_id": copy.case_id,
                "by": copy.by,
                "by_name": names.get(copy.by),
                "at": copy.at,
                "read_at": copy.read_at,
            }
            for copy in copies
        ]
    }


@work_item_records_api.post("/copies/<work_item_id>/read")
@decides(Audience.CONSOLE)
@work_item_records_api.doc(summary="抄送已阅", responses={204: "已记录"})
def read_copy(session: Session, caller: Caller, work_item_id: str) -> tuple[str, int]:
    """只对抄送给本人的。"""
    mark_copy_read(session, work_item_id, caller.account_id, now=now())
    return "", 204
