"""Moving running cases to another version: looked at first, each case in a savepoint of its own. For who runs the platform."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.request_session import now
from api.edge.roles import require_operator
from api.edge.transactions import decides, reads
from engine.errors import Conflict
from engine.replay.migration.migrate import (
    cases_to_migrate,
    find_version,
    migrate_case,
    plan_migration,
    revert_migration,
)
from engine.replay.migration.plan import MigrationPlan

migrations_api = APIBlueprint("migrations", __name__, url_prefix="/api/v1", tag="流水")

MOST_CASES = 100  # in one request; more go by the command line
WHY = {
    "input.no_place": "已有的输入在新版本中找不到位置",
    "job.no_result": "事务内任务缺少结果",
    "element.fails": "在新版本中会出现异常",
    "case.would_end": "在新版本中已经结束",
    "case.ended": "案件已经结束",
    "case.erased": "案件已销毁",
    "case.suspended": "案件已暂停",
    "case.broken": "流水无法读取",
}


class MigrationQuestion(BaseModel):
    """Cases by id, or the running ones of a version or at an element."""

    model_config = ConfigDict(extra="forbid")
    flow: str = Field(max_length=100)
    to_version: int
    cases: list[str] = Field(default=[], max_length=MOST_CASES, description="案件编号；不给出时按下面的条件选")
    from_version: int | None = Field(default=None, description="在这个版本上的案件")
    standing_at: str | None = Field(default=None, max_length=200, description="停在这个元素上的案件")
    elements: dict[str, str] = Field(default={}, max_length=200, description="改了名的元素：旧 id → 新 id")


class MigrationOrder(MigrationQuestion):
    reason: str = Field(min_length=1, max_length=500)


class RevertOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500)


class MisfitOut(BaseModel):
    code: str
    why: str
    element: str
    seq: int | None = Field(description="第几条流水")
    kind: str


class WaitMoveOut(BaseModel):
    how: str = Field(description="kept 保留、changed 保留并更新、closed 关闭、opened 新开")
    kind: str
    address: str
    element_before: str
    element_after: str
    changes: dict[str, list[Any]] = Field(description="字段 → [之前, 之后]")


class PlanOut(BaseModel):
    case: str
    from_version: int
    to_version: int
    fits: bool
    misfits: list[MisfitOut]
    moves: list[WaitMoveOut]
    skipped_firings: list[int] = Field(description="新版本没有其定时器的到时记录")


class PlanList(BaseModel):
    items: list[PlanOut]


class MigratedOut(PlanOut):
    migrated: bool


class MigratedList(BaseModel):
    items: list[MigratedOut]


@migrations_api.post("/migrations/preview")
@reads(Audience.CONSOLE)
@migrations_api.input(MigrationQuestion)
@migrations_api.output(PlanList)
@migrations_api.doc(summary="预览迁移")
def preview(session: Session, caller: Caller, json_data: MigrationQuestion) -> dict[str, Any]:
    """逐案：是否适合及原因，每个等待保留、更新、关闭还是新开。不写入。最多 100 案。"""
    require_operator(caller)
    to = find_version(session, json_data.flow, json_data.to_version)
    plans = [
        plan_migration(session, case_id, to, by=caller.actor, now=now(), elements=json_data.elements)
        for case_id in _chosen(session, json_data)
    ]
    return {"items": [plan_json(plan) for plan in plans]}


@migrations_api.post("/migrations")
@decides(Audience.CONSOLE)
@migrations_api.input(MigrationOrder)
@migrations_api.output(MigratedList)
@migrations_api.doc(summary="迁移案件")
def migrate(session: Session, caller: Caller, json_data: MigrationOrder) -> dict[str, Any]:
    """适合的案件迁移；不适合的留在原版本，列出原因。"""
    require_operator(caller)
    to = find_version(session, json_data.flow, json_data.to_version)
    done = []
    for case_id in _chosen(session, json_data):
        plan = plan_migration(session, case_id, to, by=caller.actor, now=now(), elements=json_data.elements)
        done.append(plan_json(plan) | {"migrated": plan.fits and _moved(session, caller, case_id, to, json_data)})
    return {"items": done}


@migrations_api.post("/cases/<case_id>/revert-migration")
@decides(Audience.CONSOLE)
@migrations_api.input(RevertOrder)
@migrations_api.output(PlanOut)
@migrations_api.doc(summary="撤回案件的最近一次迁移")
def revert(session: Session, caller: Caller, case_id: str, json_data: RevertOrder) -> dict[str, Any]:
    """迁移之后没有新输入时，案件与迁移前完全相同。"""
    require_operator(caller)
    return plan_json(revert_migration(session, case_id, by=caller.actor, reason=json_data.reason, now=now()))


def plan_json(plan: MigrationPlan) -> dict[str, Any]:
    """PlanOut; instants in ISO 8601."""
    return {
        "case": plan.case_id,
        "from_version": plan.from_version,
        "to_version": plan.to_version,
        "fits": plan.fits,
        "misfits": [asdict(misfit) | {"why": WHY.get(misfit.code, misfit.code)} for misfit in plan.misfits],
        "moves": [
            {
                "how": move.how,
                "kind": move.kind,
                "address": move.address,
                "element_before": move.element_before,
                "element_after": move.element_after,
                "changes": {name: [_plain(value) for value in pair] for name, pair in move.changes.items()},
            }
            for move in plan.moves
        ],
        "skipped_firings": list(plan.skipped),
    }


def _moved(session: Session, caller: Caller, case_id: str, to: Any, order: MigrationOrder) -> bool:
    try:
        with session.begin_nested():
            migrate_case(session, case_id, to, by=caller.actor, reason=order.reason, now=now(), elements=order.elements)
    except Conflict as conflict:
        if conflict.code != "case.does_not_fit":
            raise
        return False  # it moved on since it was planned
    return True


def _chosen(session: Session, question: MigrationQuestion) -> list[str]:
    if question.cases:
        return question.cases
    to = find_version(session, question.flow, question.to_version)
    return cases_to_migrate(
        session,
        question.flow,
        to,
        from_version=question.from_version,
        standing_at=question.standing_at,
        limit=MOST_CASES,
    )


def _plain(value: Any) -> Any:  # Any: of a wait's field
    return value.isoformat() if isinstance(value, datetime) else value
