"""Why a case does not go on, in one Chinese sentence; and cases nobody would notice: the watchdog's finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from engine.deployment.deploy import Definition, find_definition
from engine.model.definition import DefinitionId
from engine.model.instance import CaseState
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import JobState, WaitKind, spelled
from engine.queries.pages import case_page
from engine.queries.story import Awaited, awaited_now
from engine.queries.views import CasePage, WaitView
from engine.queries.way_taken import STANDS_BESIDE

LATE = timedelta(minutes=10)  # beat fires timers every second and sends READY jobs every five
MOST_FOUND = 200


@dataclass(frozen=True, slots=True)
class Why:
    """sentence: leaves `{holder}` open for the name of `holder`, an account id, "" for nobody. is_stuck: nothing will move it."""

    sentence: str
    holder: str
    since: datetime
    due_at: datetime | None
    is_stuck: bool


@dataclass(frozen=True, slots=True)
class Find:
    """code: `case.waits_for_nothing`, `item.nobodys`, `timer.late`, `job.late`. element: "" for the whole case."""

    code: str
    case_id: str
    flow_key: str
    element: str
    since: datetime


def why(session: Session, case_id: str, now: datetime) -> Why:
    """Raises NotFound("case.unknown")."""
    page = case_page(session, case_id)
    summary = page.summary
    if summary.ended_at is not None:
        label = summary.outcome_label or ("已取消" if summary.state == CaseState.CANCELLED else "结束")
        return Why(f"案件已办结：{label}。", "", summary.ended_at, None, False)
    awaited = awaited_now(session, page, now)
    if summary.state == CaseState.SUSPENDED:
        return Why("案件已由管理员暂停，恢复之后才会继续。", "", _since(page), None, False)
    definition = find_definition(session, DefinitionId(summary.definition_id))
    beside = {element.id for element in definition.process.elements.values() if element.kind in STANDS_BESIDE}
    messages = [wait for wait in page.waits if wait.kind == WaitKind.MESSAGE and wait.closed_at is None]
    wanted = [wait for wait in messages if wait.element not in beside]
    # What somebody has to do, then what somebody has to send; a deadline beside either is not what the case waits for, nor
    # is what may be sent at any time.
    standing = [one for one in awaited if one.kind != WaitKind.TIMER or one.element not in beside]
    if any(one.kind != WaitKind.TIMER for one in standing):
        return _first_of(standing)
    if wanted:
        return _for_a_message(definition, wanted, awaited)
    if standing:
        return _first_of(standing)
    if messages:
        return _for_a_message(definition, messages, awaited)
    if awaited:
        return _first_of(awaited)
    return Why("案件没有在等待任何事情，不会自行继续，请管理员检查。", "", _since(page), None, True)


def watchdog_finds(session: Session, now: datetime) -> list[Find]:
    """Cases that wait for nothing, items whose group nobody can be in, timers and jobs nobody sees to. At most 200 of each."""
    return [
        *_waiting_for_nothing(session, now),
        *_nobodys_items(session),
        *_late(session, "timer.late", WaitKind.TIMER, now),
        *_late(session, "job.late", WaitKind.JOB, now),
    ]


def _for_a_message(definition: Definition, messages: list[WaitView], deadlines: list[Awaited]) -> Why:
    rules = definition.config.messages
    named = "、".join(
        dict.fromkeys(
            f"“{rules[wait.message].label}”" if wait.message in rules else f"消息“{wait.message}”" for wait in messages
        )
    )
    first = deadlines[0] if deadlines else None
    until = f"；{first.sentence}" if first else ""
    return Why(f"等待{named}{until}。", "", messages[0].created_at, first.due_at if first else None, False)


def _first_of(awaited: list[Awaited]) -> Why:
    first = awaited[0]
    more = f"（另有 {len(awaited) - 1} 项同时在等）" if len(awaited) > 1 else ""
    return Why(f"{first.sentence}{more}。", first.holder, first.since, first.due_at, False)


def _since(page: CasePage) -> datetime:
    return max((wait.closed_at or wait.created_at for wait in page.waits), default=page.summary.created_at)


def _waiting_for_nothing(session: Session, now: datetime) -> list[Find]:
    open_wait = exists().where(WAITING.c.case_id == CASE.c.id, WAITING.c.closed_at.is_(None))
    # A case that moved this minute may be in the middle of a restore or a repair.
    still = CASE.c.last_at < now - timedelta(minutes=1)
    lost = select(CASE.c.id, CASE.c.flow_key, CASE.c.last_at).where(CASE.c.ended_at.is_(None), still, ~open_wait)
    rows = session.execute(lost.order_by(CASE.c.id).limit(MOST_FOUND))
    return [Find("case.waits_for_nothing", row.id, row.flow_key, "", row.last_at) for row in rows]


def _nobodys_items(session: Session) -> list[Find]:
    nobodys = select(WAITING.c.case_id, WAITING.c.flow_key, WAITING.c.element, WAITING.c.created_at).where(
        spelled(WAITING.c.kind, WaitKind.WORK_ITEM),
        WAITING.c.closed_at.is_(None),
        WAITING.c.assignee.is_(None),
        WAITING.c.group_name.contains("{", autoescape=True),
    )
    rows = session.execute(nobodys.order_by(WAITING.c.id).limit(MOST_FOUND))
    return [Find("item.nobodys", row.case_id, row.flow_key, row.element, row.created_at) for row in rows]


def _late(session: Session, code: str, kind: WaitKind, now: datetime) -> list[Find]:
    due = WAITING.c.due_at if kind is WaitKind.TIMER else WAITING.c.next_at
    state = (
        (spelled(WAITING.c.kind, kind), WAITING.c.closed_at.is_(None))
        if kind is WaitKind.TIMER
        else (spelled(WAITING.c.state, JobState.READY),)
    )
    late = (
        select(WAITING.c.case_id, WAITING.c.flow_key, WAITING.c.element, due.label("due"))
        .join(CASE, CASE.c.id == WAITING.c.case_id)
        .where(*state, due < now - LATE, CASE.c.state == CaseState.RUNNING)
    )
    rows = session.execute(late.order_by(due).limit(MOST_FOUND))
    return [Find(code, row.case_id, row.flow_key, row.element, row.due) for row in rows]
