"""What a token that stands waits for. Evaluated when the machine has settled, where a failure can become an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.flow.vocabulary import MESSAGE, TIMER
from engine.spiff.process import Node
from engine.spiff.rules.clocks import ClockRules
from engine.spiff.specs import HostedBoundaryEvent, HostedServiceTask, HostedUserTask, activity_of
from engine.spiff.store import json_value
from engine.spiff.tree import Token
from engine.waits import IncidentWait, JobWait, MessageWait, Pause, TimerWait, UserTaskWait, Wait


def wait_of(rules: ClockRules, token: Token) -> Wait | None:
    """The wait of a standing token; None where nothing from outside ends it (error events, joins).

    Raises ExpressionFailed, InvalidExpression or NotJson: the caller makes it an incident.
    """
    node: Node = token.task_spec.node
    if token.incident is not None:
        return IncidentWait(
            address=rules.address_of(token), element=node.id, code=token.incident[0], message=token.incident[1]
        )
    spec = token.task_spec
    if isinstance(spec, HostedUserTask):
        due = rules.due(token, node.due) if node.due else None
        return _user_task(rules.address_of(token), node, due)
    if isinstance(spec, HostedServiceTask):
        view = rules.view(token)
        parameters = {name: json_value(expression.evaluate(view)) for name, expression in node.parameters}
        return JobWait(address=rules.address_of(token), element=node.id, service=node.service, parameters=parameters)
    if node.trigger == TIMER:
        return TimerWait(
            address=rules.address_of(token),
            element=node.id,
            due=rules.due(token, node.timer) if token.cycle is None else token.cycle[0],
            attached_to=_seat(rules, token),
            left=node.repeats if token.cycle is None else token.cycle[1],
            clock=rules.clock(token),
        )
    if node.trigger == MESSAGE:
        value = node.correlation.evaluate(rules.view(token)) if node.correlation else None
        return _message(rules, token, node, correlation_text(value))
    return None


def correlation_text(value: Any) -> str:
    """A correlation value as text: what a message's sender writes. True is `true`, 7 is `7`, nothing is ""."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _user_task(address: str, node: Node, due: datetime | None) -> UserTaskWait:
    return UserTaskWait(
        address=address, element=node.id, lane=node.lane, form=node.form, due=due, priority=node.priority
    )


def _message(rules: ClockRules, token: Token, node: Node, correlation: str) -> MessageWait:
    return MessageWait(
        address=rules.address_of(token),
        element=node.id,
        message=node.message,
        correlation=correlation,
        attached_to=_seat(rules, token),
    )


def _seat(rules: ClockRules, token: Token) -> str:
    """Address of the activity a boundary event sits on; of the subprocess around for the start of an event subprocess."""
    if not isinstance(token.task_spec, HostedBoundaryEvent):
        return ""
    activity = activity_of(token)
    if activity is not None and activity.task_spec.node is not None:
        return rules.address_of(activity)
    return token.workflow.path.removesuffix("/")


def stored(wait: Wait) -> Any:
    """What of a wait is neither in the diagram nor in its token's place: kept in the snapshot, given back to `restored`."""
    if isinstance(wait, UserTaskWait):
        return wait.due.isoformat() if wait.due else None
    if isinstance(wait, JobWait):
        return wait.parameters
    if isinstance(wait, TimerWait):
        return _stored_timer(wait)
    if isinstance(wait, MessageWait):
        return [wait.correlation, wait.attached_to]
    return [wait.code, wait.message]


def restored(node: Node, address: str, is_incident: bool, kept: Any) -> Wait:
    """The wait of an element from what `stored` gave."""
    if is_incident:
        return IncidentWait(address=address, element=node.id, code=kept[0], message=kept[1])
    if node.kind == "userTask":
        return _user_task(address, node, datetime.fromisoformat(kept) if kept else None)
    if node.kind == "serviceTask":
        return JobWait(address=address, element=node.id, service=node.service, parameters=kept)
    if node.trigger == TIMER:
        return _restored_timer(node, address, kept)
    return MessageWait(address=address, element=node.id, message=node.message, correlation=kept[0], attached_to=kept[1])


def _stored_timer(wait: TimerWait) -> list[Any]:
    """due, seat; of a cycle what is left; of a clock 0, its unit, and since when it stands still. The end is left out."""
    due = wait.pause.due if wait.pause is not None else wait.due
    assert due is not None, "a timer is due some time, or its clock stands still"
    kept: list[Any] = [due.isoformat(), wait.attached_to]
    if wait.clock:
        return [*kept, wait.left, wait.clock, *([wait.pause.since.isoformat()] if wait.pause is not None else [])]
    return [*kept, wait.left] if wait.left else kept


def _restored_timer(node: Node, address: str, kept: list[Any]) -> TimerWait:
    due, attached_to, *more = kept
    at = datetime.fromisoformat(due)
    pause = Pause(datetime.fromisoformat(more[2]), at) if len(more) > 2 else None
    return TimerWait(
        address=address,
        element=node.id,
        due=None if pause is not None else at,
        attached_to=attached_to,
        left=more[0] if more else 0,
        clock=more[1] if len(more) > 1 else "",
        pause=pause,
    )
