"""The case page: everything a reviewer needs, masked unless the reviewer has claimed one of the case's items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.applicants.applications import Message, Payload, messages_json
from api.edge.auth import Audience, Caller
from api.edge.concurrency import case_tag, refuse_stale, wants_match
from api.edge.idempotency import answer_belongs_to_case
from api.edge.masking import masked_variables
from api.edge.request_session import now
from api.edge.roles import is_operator
from api.edge.transactions import decides, reads
from api.evidence.links import evidence_link, look_at_case
from domain.accounts.account import display_names
from engine.deployment.deploy import find_definition
from engine.errors import NotFound
from engine.messages.send import send_message
from engine.model.definition import DefinitionId
from engine.model.waiting_row import WaitKind
from engine.queries.pages import case_page, history, is_case_visible, messages_of
from engine.queries.story import awaited_now
from engine.queries.views import ActivityView, CasePage, CaseSummary, WaitView

cases_api = APIBlueprint("cases", __name__, url_prefix="/api/v1", tag="案件")


class WaitOut(BaseModel):
    id: str
    kind: str = Field(description="WORK_ITEM、JOB、TIMER、MESSAGE、INCIDENT")
    element: str
    title: str
    state: str
    group: str | None
    assignee: str | None
    created_at: datetime
    due_at: datetime | None
    left_s: int | None = Field(
        description="计时已暂停的定时：还剩多少秒（clock 为 working 时是工作时间）；未暂停为 null"
    )
    clock: str | None = Field(description="plain、working")
    closed_at: datetime | None
    closed_by: str | None
    code: str | None
    note: str | None


class EvidenceOut(BaseModel):
    id: str
    kind: str
    media_type: str
    created_at: datetime
    url: str | None = Field(description="5 分钟内有效的查看链接；打码时为 null")


class ActivityOut(BaseModel):
    element: str
    title: str
    kind: str
    entered_at: datetime
    left_at: datetime | None
    how: str


class AwaitedOut(BaseModel):
    kind: str
    element: str
    sentence: str = Field(description="为什么停在这里，如“等待审核员领取‘人工审核’，应在 … 前办完”")
    since: datetime
    due_at: datetime | None


class CaseOut(BaseModel):
    id: str
    flow: str
    flow_title: str
    version: int
    state: str
    outcome: str | None
    outcome_label: str
    progress: list[str]
    revision: int
    started_by: str
    created_at: datetime
    ended_at: datetime | None
    is_erased: bool
    is_masked: bool = Field(description="未领取本案待办时，个人信息打码")
    variables: dict[str, Any]
    messages: list[Message] = Field(description="本人现在可以对案件进行的操作")
    awaits: list[AwaitedOut] = Field(description="案件现在等待什么，最要紧的在前")
    waits: list[WaitOut]
    attachments: list[EvidenceOut]
    activities: list[ActivityOut]


class CaseMoved(BaseModel):
    id: str
    state: str
    outcome: str | None
    messages: list[Message] = Field(description="本人现在可以对案件进行的操作")


@cases_api.post("/cases/<case_id>/messages/<message>")
@decides(Audience.CONSOLE)
@cases_api.input(Payload)
@cases_api.output(CaseMoved)
@cases_api.doc(summary="对案件进行操作（如停用授权）")
def send_to_case(
    session: Session, caller: Caller, case_id: str, message: str, json_data: Payload
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """可用的操作列在案件的 messages 中，内容按操作的表单校验。可带 If-Match。"""
    if wants_match():
        refuse_stale(case_tag(case_as_seen(session, case_id, caller)[0].summary))
    send_message(session, case_id, message, by=caller.actor, payload=json_data.payload, now=now())
    answer_belongs_to_case(case_id)
    summary = case_page(session, case_id).summary
    moved = {
        "id": case_id,
        "state": summary.state,
        "outcome": summary.outcome,
        "messages": _messages_json(session, summary, caller),
    }
    return moved, 200, {"ETag": case_tag(summary)}


@cases_api.get("/cases/<case_id>")
@reads(Audience.CONSOLE)
@cases_api.output(CaseOut)
@cases_api.doc(summary="案件页")
def show_case(session: Session, caller: Caller, case_id: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """领取了本案待办的人看到全部内容，每次查看都有记录；同岗位的其他人看到打码的内容。"""
    page, is_masked = case_as_seen(session, case_id, caller)
    shown = _case_json(session, page, caller, is_masked=is_masked)
    if not is_masked:
        look_at_case(caller, case_id)
    return shown, 200, {"ETag": case_tag(page.summary)}


def case_as_seen(session: Session, case_id: str, caller: Caller) -> tuple[CasePage, bool]:
    """The case, and whether it is to be masked for the caller (who runs the platform may see any, masked).

    Raises NotFound where it does not exist for them.
    """
    if not (is_operator(caller) or is_case_visible(session, case_id, caller.actor)):
        raise NotFound("case.unknown", case=case_id)
    page = case_page(session, case_id)
    return page, not _holds_claim(page, caller)


def _holds_claim(page: CasePage, caller: Caller) -> bool:
    return any(
        wait.kind == WaitKind.WORK_ITEM and wait.closed_at is None and wait.assignee == caller.account_id
        for wait in page.waits
    )


def _case_json(session: Session, page: CasePage, caller: Caller, *, is_masked: bool) -> dict[str, Any]:
    summary = page.summary
    forms = find_definition(session, DefinitionId(summary.definition_id)).forms.values()
    at = now()
    return {
        "id": summary.id,
        "flow": summary.flow_key,
        "flow_title": summary.flow_title,
        "version": summary.version,
        "state": summary.state,
        "outcome": summary.outcome,
        "outcome_label": summary.outcome_label,
        "progress": list(summary.progress),
        "revision": summary.revision,
        "started_by": summary.started_by,
        "created_at": summary.created_at,
        "ended_at": summary.ended_at,
        "is_erased": summary.is_erased,
        "is_masked": is_masked,
        "variables": masked_variables(page.variables, forms) if is_masked else dict(page.variables),
        "messages": _messages_json(session, summary, caller),
        "awaits": _awaits_json(session, page, at),
        "waits": [_wait_json(wait) for wait in page.waits],
        "attachments": [
            {
                "id": each.id,
                "kind": each.kind,
                "media_type": each.media_type,
                "created_at": each.created_at,
                "url": None if is_masked else evidence_link(caller, each.id, at),
            }
            for each in page.attachments
        ],
        "activities": [_activity_json(each) for each in history(session, summary.id).activities],
    }


def _messages_json(session: Session, summary: CaseSummary, caller: Caller) -> list[dict[str, Any]]:
    definition = find_definition(session, DefinitionId(summary.definition_id))
    return messages_json(definition, messages_of(session, summary.id, caller.actor))


def _awaits_json(session: Session, page: CasePage, at: datetime) -> list[dict[str, Any]]:
    awaited = awaited_now(session, page, at)
    names = display_names(session, {each.holder for each in awaited if each.holder})
    return [
        {
            "kind": each.kind,
            "element": each.element,
            "sentence": each.sentence.replace("{holder}", names.get(each.holder) or "申请人"),
            "since": each.since,
            "due_at": each.due_at,
        }
        for each in awaited
    ]


def _wait_json(wait: WaitView) -> dict[str, Any]:
    return {name: getattr(wait, name) for name in WaitOut.model_fields}


def _activity_json(activity: ActivityView) -> dict[str, Any]:
    return {name: getattr(activity, name) for name in ActivityOut.model_fields}
