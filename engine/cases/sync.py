"""Keeping rows in step with the machine: what it waits for now ⇄ rows of `waiting`; activities; search hashes.

Pure: rows are made here and written by saving.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.cases.journal import actor_of
from engine.cases.outbox import correlation_hash
from engine.cases.stopped_clocks import clock_columns
from engine.deployment.deploy import Definition
from engine.flow.flow import STARTER
from engine.flow.four_eyes import others_of
from engine.flow.groups import filled_group
from engine.inputs import (
    ElementSkipped,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    Json,
    MessageReceived,
    TimerFired,
    TokenMoved,
    Variables,
    WorkItemCompleted,
    WorkItemReturned,
)
from engine.machine import ActivityEvent
from engine.model.tables import WAITING
from engine.model.waiting_row import JobState, WaitKind, WaitState, WorkItemState
from engine.services.registry import declared_service_tasks
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait
from storage import vault
from storage.columns import new_id

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
    ElementSkipped: WaitState.CANCELLED,
    TokenMoved: WaitState.CANCELLED,
    WorkItemReturned: WaitState.CANCELLED,
}

_BLANK: Row = dict.fromkeys(column.name for column in WAITING.columns)


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


def changed_waits(step: Step) -> tuple[list[Row], list[Row]]:
    """What ends (closings of saving.StepRows), and the rows of what begins."""
    closed = [address for address, wait in step.before.items() if step.after.get(address) != wait]
    opened = [wait for address, wait in step.after.items() if step.before.get(address) != wait]
    return _closings(step, closed), [_row(step, wait) for wait in opened]


def new_jobs(opened: Iterable[Row]) -> list[tuple[str, str]]:
    """Jobs among new rows of `waiting`, as (id, queue)."""
    return [(row["id"], row["queue"]) for row in opened if row["kind"] == WaitKind.JOB]


def newly_awaited(opened: Iterable[Row]) -> dict[str, str]:
    """Correlated messages that new rows of `waiting` want, as message → correlation hash."""
    return {row["message"]: row["correlation"] for row in opened if row["correlation"]}


def activity_rows(case_id: str, events: Iterable[ActivityEvent], *, seq: int) -> list[Row]:
    """Activities entered and left. One that was entered in an earlier step has a row: only how and when it ended is new."""
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
    return list(rows.values())


def search_rows(step: Step, before: Variables) -> list[Row]:
    """Keyed hashes of search variables that changed. An emptied one keeps a row without a hash."""
    names = step.definition.config.variables.search
    return [
        {"case_id": step.case_id, "name": name, "hash": search_hash(name, step.variables.get(name))}
        for name in names
        if step.variables.get(name) != before.get(name)
    ]


def search_hash(name: str, value: Json) -> str | None:
    """What a case is found by: blanks and letter case do not matter. None for no value."""
    text = "" if value is None else re.sub(r"\s", "", str(value)).upper()
    return vault.current().master_key.keyed_hash(f"search {name}", text) if text else None


def _closings(step: Step, addresses: Iterable[str]) -> list[Row]:
    answered = {given.wait: given for given in step.inputs if type(given) in CLOSED_BY and hasattr(given, "wait")}
    closings: list[Row] = []
    for address in addresses:
        given = answered.get(address)
        state = CLOSED_BY[type(given)] if given else WaitState.CANCELLED
        actor = actor_of(given) or None if given else None
        at = given.at if given else step.inputs[-1].at
        closings.append({"address": address, "state": state, "closed_at": at, "closed_by": actor})
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
            row.update(due_at=wait.due, **clock_columns(wait))
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
        "not_by": " ".join(others_of(step.definition.flow, wait.element)) or None,
        "due_at": wait.due,
        "priority": wait.priority,
        "form": wait.form,
        "facet": None if own else _facet(step, step.view_of(wait.address)),
    }


def _facet(step: Step, seen: Variables) -> str | None:
    value = seen.get(step.definition.config.inbox.facet)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_FACET else None
