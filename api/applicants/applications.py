"""Applications: the applicant's view of cases. Others' do not exist here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import url_for
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.applicants.flows import Status, status_of
from api.edge.auth import Caller
from api.edge.concurrency import case_tag, refuse_stale, wants_match
from api.edge.idempotency import answer_belongs_to_case
from api.edge.paging import PageQuery
from api.edge.request_session import now
from api.edge.transactions import decides, reads
from engine.cases.start import start_case
from engine.deployment.deploy import Definition, find_definition
from engine.flow.flow import MessageRules
from engine.messages.send import send_message
from engine.model.definition import DefinitionId
from engine.queries.pages import my_case, my_cases
from engine.queries.views import OwnCase

applications_api = APIBlueprint("applications", __name__, url_prefix="/api/v1", tag="我的申请")


class NewApplication(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str = Field(max_length=100, description="业务代码，如 real_name")
    values: dict[str, Any] = Field(default_factory=dict, description="发起表单的内容")


class Message(BaseModel):
    name: str
    label: str
    form: dict[str, Any] | None = Field(description="要随操作填写的内容（JSON Schema，含 ui），没有则为 null")


class Application(BaseModel):
    id: str
    flow: str
    title: str
    status: Status
    outcome: str | None
    progress: list[str] = Field(description="当前所处步骤")
    public: dict[str, Any] = Field(description="流程向申请人公开的内容，如不通过的原因")
    work_items: list[str] = Field(description="等待本人办理的待办")
    messages: list[Message] = Field(description="现在可以进行的操作，如撤回")
    created_at: datetime
    ended_at: datetime | None


class ApplicationList(BaseModel):
    items: list[Application]
    next: str | None


class ApplicationQuery(PageQuery):
    flow: str | None = Field(default=None, max_length=100, description="只看这一业务")


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid")
    payload: dict[str, Any] = Field(default_factory=dict)


Answer = tuple[dict[str, Any], int, dict[str, str]]


@applications_api.post("/applications")
@decides()
@applications_api.input(NewApplication)
@applications_api.output(Application, status_code=201)
@applications_api.doc(summary="发起申请")
def start_application(session: Session, caller: Caller, json_data: NewApplication) -> Answer:
    """内容按业务的发起表单校验。"""
    case_id = start_case(session, json_data.flow, by=caller.actor, values=json_data.values, now=now())
    answer_belongs_to_case(case_id)
    own = my_case(session, case_id, caller.actor)
    location = url_for("applications.show_application", application_id=case_id)
    return application(session, own), 201, {"Location": location, "ETag": case_tag(own.summary)}


@applications_api.get("/applications")
@reads()
@applications_api.input(ApplicationQuery, location="query")
@applications_api.output(ApplicationList)
@applications_api.doc(summary="我的申请")
def list_applications(session: Session, caller: Caller, query_data: ApplicationQuery) -> dict[str, Any]:
    """新的在前。"""
    page = my_cases(session, caller.actor, flow=query_data.flow, cursor=query_data.cursor, limit=query_data.limit)
    return {"items": [application(session, own) for own in page.items], "next": page.next}


@applications_api.get("/applications/<application_id>")
@reads()
@applications_api.output(Application)
@applications_api.doc(summary="一件申请")
def show_application(session: Session, caller: Caller, application_id: str) -> Answer:
    """状态、进度、公开的内容和可进行的操作。"""
    own = my_case(session, application_id, caller.actor)
    return application(session, own), 200, {"ETag": case_tag(own.summary)}


@applications_api.post("/applications/<application_id>/messages/<message>")
@decides()
@applications_api.input(Payload)
@applications_api.output(Application)
@applications_api.doc(summary="对申请进行操作（如撤回）")
def send(session: Session, caller: Caller, application_id: str, message: str, json_data: Payload) -> Answer:
    """可用的操作列在申请的 messages 中。可带 If-Match。"""
    if wants_match():
        refuse_stale(case_tag(my_case(session, application_id, caller.actor).summary))
    send_message(session, application_id, message, by=caller.actor, payload=json_data.payload, now=now())
    answer_belongs_to_case(application_id)
    own = my_case(session, application_id, caller.actor)
    return application(session, own), 200, {"ETag": case_tag(own.summary)}


def messages_json(definition: Definition, messages: Mapping[str, MessageRules]) -> list[dict[str, Any]]:
    """The JSON of Messages."""
    forms = definition.forms
    return [
        {"name": name, "label": rules.label, "form": forms[rules.form].schema if rules.form else None}
        for name, rules in messages.items()
    ]


def application(session: Session, own: OwnCase) -> dict[str, Any]:
    """The JSON of an Application."""
    summary = own.summary
    definition = find_definition(session, DefinitionId(summary.definition_id))
    return {
        "id": summary.id,
        "flow": summary.flow_key,
        "title": summary.flow_title,
        "status": status_of(definition, own),
        "outcome": summary.outcome,
        "progress": list(summary.progress),
        "public": {name: value for name, value in own.variables.items() if value is not None},
        "work_items": list(own.work_items),
        "messages": messages_json(definition, own.messages),
        "created_at": summary.created_at,
        "ended_at": summary.ended_at,
    }
