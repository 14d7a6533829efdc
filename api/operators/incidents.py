"""Incidents: the list, one tried again, and many: the first one, then, if that helped, the rest."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.paging import PageQuery
from api.edge.request_session import now
from api.edge.roles import require_operator
from api.edge.transactions import decides, in_one_transaction, reads
from api.operators.operations import Operated, Reasoned, operated
from engine.errors import Conflict, NotFound
from engine.operators.incidents import IncidentFilter, case_of_incident, incident_ids, list_incidents, rest_of
from engine.operators.operations import OperatorAct, OperatorVerb, operate

incidents_api = APIBlueprint("incidents", __name__, url_prefix="/api/v1", tag="运行管理")

MOST_RETRIED = 500


class IncidentAttemptOut(BaseModel):
    at: datetime
    code: str
    note: str
    retried_at: datetime | None
    retried_by: str = Field(description="重试的账号；未重试为空")


class IncidentOut(BaseModel):
    id: str = Field(description="重试后再次失败仍是同一个异常")
    case_id: str
    flow_key: str
    element: str
    title: str
    code: str
    note: str
    since: datetime
    state: str = Field(description="OPEN；RETRYING 已重试、结果未定")
    retries: int = Field(description="此前重试过几次")
    history: list[IncidentAttemptOut] = Field(description="每次失败，先发生的在前")


class IncidentList(BaseModel):
    items: list[IncidentOut]
    next: str | None


class IncidentNarrowing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    flow: str | None = Field(default=None, max_length=100)
    element: str | None = Field(default=None, max_length=200)
    code: str | None = Field(default=None, max_length=100)

    def as_filter(self) -> IncidentFilter:
        return IncidentFilter(flow=self.flow, element=self.element, code=self.code)


class IncidentQuery(IncidentNarrowing, PageQuery):
    pass


class Retry(Reasoned):
    variables: dict[str, Any] = Field(default_factory=dict, description="重试前写入的变量")


class RetryRest(Reasoned):
    first: str = Field(max_length=26, description="先试的那一个；它确已解决，同一业务同一环节的其余才会重试")
    code: str | None = Field(default=None, max_length=100, description="只重试这种代码的")


class RetriedRest(BaseModel):
    retried: int
    proposed: int = Field(description="须另一名管理员复核的")
    left: int = Field(description="重试时已不再是异常的")


@incidents_api.get("/incidents")
@reads(Audience.CONSOLE)
@incidents_api.input(IncidentQuery, location="query")
@incidents_api.output(IncidentList)
@incidents_api.doc(summary="异常")
def show_incidents(session: Session, caller: Caller, query_data: IncidentQuery) -> dict[str, Any]:
    """早的在前。重试后结果未定的也在其中。"""
    require_operator(caller)
    page = list_incidents(session, query_data.as_filter(), cursor=query_data.cursor, limit=query_data.limit)
    return {"items": [asdict(each) for each in page.items], "next": page.next}


@incidents_api.post("/incidents/<incident_id>/retry")
@decides(Audience.CONSOLE)
@incidents_api.input(Retry)
@incidents_api.output(Operated)
@incidents_api.doc(summary="重试异常")
def retry(session: Session, caller: Caller, incident_id: str, json_data: Retry) -> dict[str, Any]:
    """让该环节再执行一次；是否成功看异常列表。"""
    require_operator(caller)
    return operated(
        session,
        caller,
        OperatorAct(
            verb=OperatorVerb.RETRY,
            case_id=case_of_incident(session, incident_id),
            why=json_data.why,
            wait=incident_id,
            values=json_data.variables,
        ),
    )


@incidents_api.post("/incidents/retry-rest")
@reads(Audience.CONSOLE)
@incidents_api.input(RetryRest)
@incidents_api.output(RetriedRest)
@incidents_api.doc(summary="重试其余异常")
def retry_rest(session: Session, caller: Caller, json_data: RetryRest) -> dict[str, Any]:
    """先重试一个，确已解决后用它重试同类的其余异常。逐案执行，一案失败不影响其余；可以重复提交。"""
    require_operator(caller)
    wanted = rest_of(session, json_data.first, json_data.code)
    counted = {"retried": 0, "proposed": 0, "left": 0}
    for incident_id in incident_ids(session, wanted, limit=MOST_RETRIED):
        counted[_retry_one(caller, incident_id, json_data.why)] += 1
    return counted


def _retry_one(caller: Caller, incident_id: str, why: str) -> str:
    """In a transaction of its own: one case is locked at a time."""

    def once(session: Session) -> str:
        case_id = case_of_incident(session, incident_id)
        act = OperatorAct(verb=OperatorVerb.RETRY, case_id=case_id, why=why, wait=incident_id)
        return "retried" if operate(session, act, by=caller.actor, now=now()) is None else "proposed"

    try:
        return in_one_transaction(once)
    except (Conflict, NotFound):
        return "left"
