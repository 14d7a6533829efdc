"""The diagram of a case with its token, and its history in sentences."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.cases.cases import case_as_seen
from api.edge.auth import Audience, Caller
from api.edge.transactions import reads
from api.evidence.links import look_at_case
from domain.accounts.account import display_names
from engine.queries.pages import history
from engine.queries.story import StoryLine, case_story
from engine.queries.way_taken import way_taken

case_diagram_api = APIBlueprint("case_diagram", __name__, url_prefix="/api/v1", tag="案件")

APPLICANT, PLATFORM, STAFF = "申请人", "系统", "工作人员"


class TokenOut(BaseModel):
    element: str
    kind: str = Field(description="WORK_ITEM、JOB、TIMER、MESSAGE、INCIDENT")
    since: datetime


class ElementOut(BaseModel):
    element: str
    times: int = Field(description="到达过几次")
    how: str = Field(
        description="entered 进行中、completed 完成、cancelled 取消、failed 出错、skipped 跳过、compensated 已补偿"
    )


class InterventionOut(BaseModel):
    seq: int
    at: datetime
    who: str = Field(description="工作人员的姓名，或“系统”")
    verb: str = Field(description="retry、suspend、resume、cancel、edit、skip、move、return、migrate")
    element: str = Field(description="在哪个元素；对整个案件的为空")
    to: str = Field(description="移到或退回到的元素；没有时为空")
    sentence: str = Field(description="做了什么，为什么")


class CaseDiagram(BaseModel):
    xml: str = Field(description="本案所用版本的 BPMN 2.0")
    tokens: list[TokenOut] = Field(description="案件现在停在哪里")
    elements: list[ElementOut] = Field(description="走过的元素")
    lines: list[str] = Field(description="走过的连线（sequenceFlow 的 id）")
    interventions: list[InterventionOut] = Field(description="管理员的干预和退回，先发生的在前")


class DetailOut(BaseModel):
    title: str
    value: str


class StoryLineOut(BaseModel):
    seq: int
    at: datetime
    who: str = Field(description="申请人、工作人员的姓名，或“系统”")
    is_mine: bool
    element: str = Field(description="流程图元素；没有时为空")
    sentence: str
    details: list[DetailOut]
    is_routine: bool = Field(description="系统的日常步骤，可以折叠")


class CaseHistory(BaseModel):
    is_masked: bool = Field(description="打码时，自由填写的内容不显示")
    items: list[StoryLineOut]


@case_diagram_api.get("/cases/<case_id>/diagram")
@reads(Audience.CONSOLE)
@case_diagram_api.output(CaseDiagram)
@case_diagram_api.doc(summary="案件的流程图")
def show_case_diagram(session: Session, caller: Caller, case_id: str) -> dict[str, Any]:
    """本案版本的流程图、现在的位置、走过的路和次数、人工干预。"""
    page, _ = case_as_seen(session, case_id, caller)
    way = way_taken(session, page)
    names = display_names(session, {mark.actor for mark in way.interventions if mark.actor})
    marks = [{**asdict(mark), "who": _who(mark.actor, page.summary.started_by, names)} for mark in way.interventions]
    return {**asdict(way), "interventions": marks}


@case_diagram_api.get("/cases/<case_id>/history")
@reads(Audience.CONSOLE)
@case_diagram_api.output(CaseHistory)
@case_diagram_api.doc(summary="案件的经过")
def show_case_history(session: Session, caller: Caller, case_id: str) -> dict[str, Any]:
    """一行一句，先发生的在前。"""
    page, is_masked = case_as_seen(session, case_id, caller)
    lines = case_story(session, page, history(session, case_id))
    names = display_names(session, {line.actor for line in lines if line.actor})
    started_by = page.summary.started_by
    items = [_line_json(line, caller, names, started_by, is_masked=is_masked) for line in lines]
    if not is_masked:
        look_at_case(caller, case_id, "history")
    return {"is_masked": is_masked, "items": items}


def _line_json(
    line: StoryLine, caller: Caller, names: dict[str, str], started_by: str, *, is_masked: bool
) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "at": line.at,
        "who": _who(line.actor, started_by, names),
        "is_mine": line.actor == caller.account_id,
        "element": line.element,
        "sentence": line.sentence,
        "details": [
            {"title": each.title, "value": each.value} for each in line.details if not (is_masked and each.is_personal)
        ],
        "is_routine": line.is_routine,
    }


def _who(actor: str, started_by: str, names: dict[str, str]) -> str:
    if actor == started_by:
        return APPLICANT
    return names.get(actor, STAFF) if actor else PLATFORM
