"""Keeping rows in step with the machine: what it waits for now ⇄ rows of `waiting`; activities; search hashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

import vault
from database import new_id
from engine.deploy import Definition
from engine.flows import STARTER
from engine.group_patterns import filled_group
from engine.inputs import (
    CaseCancelled,
    CaseMigrated,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    Json,
    MessageReceived,
    Started,
    TimerFired,
    Variables,
    WorkItemCompleted,
)
from engine.journal import actor_of
from engine.machine import ActivityEvent
from engine.model.instance import Activity, SearchVariable
from engine.model.waiting import JobState, Waiting, WaitKind, WaitState, WorkItemState
from engine.outbox import correlation_hash, hurry_awaited
from engine.service_tasks import declared_service_tasks
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait

WAITING = cast(Table, Waiting.__table__)
ACTIVITY = cast(Table, Activity.__table__)
SEARCH = cast(Table, SearchVariable.__table__)

Row = dict[str, Any]  # Any: column values
LONGEST_FACET = 60

KINDS: dict[type[Wait], WaitKind] = {
    UserTaskWait: WaitKind.WORK_ITEM,
    JobWait: WaitKind.JOB,
    TimerWait: WaitKind.TIMER,
    MessageWait: WaitKind.MESSAGE,
    IncidentWait: WaitKind.INCIDENT,
}
CLOSED_BY: dict[type[Input], str] = {
    WorkItemCompleted: WorkItemState.COMPLETED,
    JobSucceeded: JobState.DONE,
    JobFailed: JobState.FAILED,
    JobGivenUp: JobState.FAILED,
    TimerFired: WaitState.FIRED,
    MessageReceived: WaitState.RECEIVED,
    IncidentRetried: WaitState.RESOLVED,
}

_BLANK: Row = dict.fromkeys(column.name for column in WAITING.columns)
_OPEN = insert(WAITING)
_CLOSE = (
    update(WAITING)
    .where(
        WAITING.c.case_id == bindparam("in_case"),
        WAITING.c.address == bindparam("at_address"),
        WAITING.c.closed_at.is_(None),
    )
    .values(state=bindparam("new_state"), closed_at=bindparam("now"), closed_by=bindparam("actor"), draft=None)
)


def _upsert(dialect: Any, table: Table, *changed: str) -> Any:  # Any: the two dialects' insert() share no base
    statement = dialect.insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in changed}
    )


_ACTIVITIES = {d.dialect.name: _upsert(d, ACTIVITY, "left_at", "how") for d in (postgresql, sqlite)}
_SEARCH = {d.dialect.name: _upsert(d, SEARCH, "hash") for d in (postgresql, sqlite)}


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction did to a case. before, after: open waits by address. inputs: as journalled, in order.

    variables: the case's.
    """

    case_id: str
    definition: Definition
    started_by: str
    now: datetime
    before: Mapping[str, Wait]
    after: Mapping[str, Wait]
    inputs: Sequence[Input]
    variables: Variables
    view_of: Callable[[str], Variables]  # what the element at an address sees


def sync_waits(session: Session, step: Step) -> list[tuple[str, str]]:
    """Close and open rows of `waiting`: at most two statements. Returns new jobs as (id, queue)."""
    closed = [address for address, wait in step.before.items() if step.after.get(address) != wait]
    opened = [wait for address, wait in step.after.items() if step.before.get(address) != wait]
    if closed:
        session.connection().execute(_CLOSE, _closings(step, closed))
    rows = [_row(step, wait) for wait in opened]
    if rows:
        session.execute(_OPEN, rows)
    # Only a correlated message can have come before anybody waited for it without being told where to go.
    awaited = {row["message"]: row["correlation"] for row in rows if row["correlation"]}
    if awaited:
        hurry_awaited(session, awaited, step.now)
    return [(row["id"], row["queue"]) for row in rows if row["kind"] == WaitKind.JOB]


def record_activities(session: Session, case_id: str, events: Iterable[ActivityEvent], *, seq: int) -> None:
    """Enter and leave activities: one statement. An activity that was entered in an earlier step keeps its row."""
    rows: dict[str, Row] = {}
    for position, event in enumerate(events):
        row = rows.setdefault(
            event.address,
            {
                "case_id": case_id,
                "address": event.address,
                "element": event.element,
                "kind": event.kind,
                "entered_at": event.at,  # not written where the row exists
                "seq": seq,
                "position": position,
            },
        )
        row["how"] = event.event
        row["left_at"] = None if event.event == "entered" else event.at
    if rows:
        session.execute(_ACTIVITIES[session.connection().dialect.name], list(rows.values()))


def record_search_variables(session: Session, step: Step, before: Variables) -> None:
    """Keyed hashes of search variables that changed: at most one statement. An emptied one keeps a row without a hash."""
    names = step.definition.config.variables.search
    rows = [
        {"case_id": step.case_id, "name": name, "hash": search_hash(name, step.variables.get(name))}
        for name in names
        if step.variables.get(name) != before.get(name)
    ]
    if rows:
        session.execute(_SEARCH[session.connection().dialect.name], rows)


def search_hash(name: str, value: Json) -> str | None:
    """What a case is found by: blanks and letter case do not matter. None for no value."""
    text = "" if value is None else re.sub(r"\s", "", str(value)).upper()
    return vault.current().keyed_hash(f"search {name}", text) if text else None


def _closings(step: Step, addresses: Iterable[str]) -> list[Row]:
    answered = {
        given.wait: given for given in step.inputs if not isinstance(given, Started | CaseCancelled | CaseMigrated)
    }
    closings: list[Row] = []
    for address in addresses:
        given = answered.get(address)
        state = CLOSED_BY[type(given)] if given else WaitState.CANCELLED
        actor = actor_of(given) or None if given else None
        at = given.at if given else step.inputs[-1].at
        closings.append({"in_case": step.case_id, "at_address": address, "new_state": state, "now": at, "actor": actor})
    return closings


def _row(step: Step, wait: Wait) -> Row:
    row = {
        **_BLANK,
        "id": new_id(),
        "case_id": step.case_id,
        "flow_key": step.definition.flow_key,
        "kind": KINDS[type(wait)],
        "address": wait.address,
        "element": wait.element,
        "state": WaitState.OPEN,
        "created_at": step.inputs[-1].at,
    }
    match wait:
        case UserTaskWait():
            row.update(_work_item(step, wait))
        case JobWait():
            task = declared_service_tasks().get(wait.service)
            queue = task.queue if task else "default"
            row.update(state=JobState.READY, service=wait.service, queue=queue, attempt=0, next_at=step.now)
        case TimerWait():
            row.update(due_at=wait.due)
        case MessageWait():
            row.update(message=wait.message, correlation=correlation_hash(wait.message, wait.correlation))
        case IncidentWait():
            row.update(code=wait.code, note=wait.message)
    return row


def _work_item(step: Step, wait: UserTaskWait) -> Row:
    """A lane is the starter's own or a group's, whose name may hold {variable}s."""
    config = step.definition.config
    group = config.group_of(wait.lane) or wait.lane or STARTER
    own = group == STARTER
    return {
        "group_name": None if own else filled_group(group, step.view_of(wait.address)),
        "is_shared": not own and wait.lane in config.lanes and not config.lanes[wait.lane].claim,
        "assignee": step.started_by if own else None,
        "due_at": wait.due,
        "priority": wait.priority,
        "form": wait.form,
        "facet": None if own else _facet(step, step.view_of(wait.address)),
    }


def _facet(step: Step, seen: Variables) -> str | None:
    value = seen.get(step.definition.config.inbox.facet)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_FACET else None
