"""A case as it was after any of its inputs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.cases.cases import ActivityOut, case_as_seen
from api.cases.diagram import ElementOut, TokenOut
from api.edge.auth import Audience, Caller
from api.edge.masking import masked_variables
from api.edge.transactions import reads
from api.evidence.links import look_at_case
from engine.cases.sync import KINDS
from engine.replay.time_travel import CaseAt, case_at
from engine.waits import Wait

case_past_api = APIBlueprint("case_past", __name__, url_prefix="/api/v1", tag="案件")


class PastWait(BaseModel):
    address: str
    kind: str = Field(description="WORK_ITEM、JOB、TIMER、MESSAGE、INCIDENT")
    element: str
    title: str
    due_at: datetime | None


class CaseAtOut(BaseModel):
    id: str
    seq: int = Field(description="第几条流水之后")
    of: int = Field(description="共有几条流水")
    at: datetime
    kind: str = Field(description="这条输入的种类，如 WorkItemCompleted")
    element: str = Field(description="这条输入所在的元素；没有时为空")
    version: int = Field(description="当时所用的流程版本")
    is_ended: bool
    outcome: str | None
    is_masked: bool
    variables: dict[str, Any]
    waits: list[PastWait]
    activities: list[ActivityOut]
    xml: str = Field(description="当时所用版本的 BPMN 2.0")
    tokens: list[TokenOut]
    elements: list[ElementOut]
    lines: list[str]


@case_past_api.get("/cases/<case_id>/at/<int:seq>")
@reads(Audience.CONSOLE)
@case_past_api.output(CaseAtOut)
@case_past_api.doc(summary="案件在某条流水之后的样子")
def show_case_at(session: Session, caller: Caller, case_id: str, seq: int) -> dict[str, Any]:
    """由流水重演得出。谁能看、打码与否同案件页；不打码的查看有记录。"""
    _, is_masked = case_as_seen(session, case_id, caller)
    past = case_at(session, case_id, seq)
    if not is_masked:
        look_at_case(caller, case_id, "case_at")
    return past_json(past, is_masked=is_masked)


def past_json(past: CaseAt, *, is_masked: bool) -> dict[str, Any]:
    """CaseAtOut; `actor` is left to the history."""
    same = ("seq", "of", "at", "kind", "element", "is_ended", "outcome")
    forms = past.definition.forms.values()
    return {name: getattr(past, name) for name in same} | {
        "id": past.case_id,
        "version": past.definition.version,
        "is_masked": is_masked,
        "variables": masked_variables(past.variables, forms) if is_masked else dict(past.variables),
        "waits": [_wait_json(past, wait) for wait in past.waits.values()],
        "activities": [{name: getattr(each, name) for name in ActivityOut.model_fields} for each in past.activities],
        "xml": past.definition.flow.bpmn.decode(),
        "tokens": [asdict(token) for token in past.tokens],
        "elements": [asdict(element) for element in past.elements],
        "lines": list(past.lines),
    }


def _wait_json(past: CaseAt, wait: Wait) -> dict[str, Any]:
    known = past.definition.process.elements.get(wait.element)
    return {
        "address": wait.address,
        "kind": KINDS[type(wait)].value,
        "element": wait.element,
        "title": known.name or wait.element if known else wait.element,
        "due_at": getattr(wait, "due", None),
    }
