"""What the host needs of one event or send task: how it is triggered, what it throws, and with what."""

from __future__ import annotations

from engine.flow.diagram import Definition, Node
from engine.flow.vocabulary import (
    COMPENSATION,
    CORRELATION,
    CORRELATION_RESULT,
    ERROR,
    ESCALATION,
    FORM,
    MESSAGE,
    PAUSES_WHILE,
    PAYLOAD,
    RESULT,
    SIGNAL,
    SIGNALLED,
    TIMER,
)
from engine.language.expressions import InvalidExpression
from engine.language.schedules import TIMES
from engine.language.timers_text import may_stand_still
from engine.spiff.reading.texts import Texts

Fields = dict[str, object]


def event_fields(node: Node, texts: Texts, *, begins_cases: bool) -> Fields:
    """Of an event of a diagram whose reading and shape were accepted. begins_cases: a start event of the cases' process."""
    definition = node.definition
    if definition is None:
        return {"attached_to": node.attached_to}
    if begins_cases:
        return _case_start(node, definition, texts)
    fields: Fields = {
        "trigger": definition.kind,
        "attached_to": node.attached_to,
        "is_interrupting": node.is_interrupting,
        "result": node.properties.get(RESULT, ""),
    }
    return fields | _details(node, definition, texts)


def message_fields(node: Node, texts: Texts) -> Fields:
    """Name, correlation and payload of a message that comes in or goes out."""
    fields: Fields = {"message": node.told}
    correlation = node.properties.get(CORRELATION)
    if correlation:
        fields["correlation"] = texts.expression(node.id, correlation)
    if node.is_throwing:
        fields["payload"] = texts.prefixed(node, PAYLOAD)
    return fields


def _case_start(node: Node, definition: Definition, texts: Texts) -> Fields:
    """A start event of a process: what it is triggered by lies outside any case, which alone has a correlation to compare."""
    fields: Fields = {"trigger": definition.kind, "result": node.properties.get(RESULT, "")}
    if definition.kind == MESSAGE:
        form, correlation = node.properties.get(FORM, ""), node.properties.get(CORRELATION_RESULT, "")
        return fields | {"message": node.told, "form": form, "correlation_result": correlation}
    text = next(((kind, definition.times[kind]) for kind in TIMES if definition.times.get(kind)), None)
    if text is None:
        texts.problem(node.id, "timer.invalid", "定时开始事件应写明 timeCycle、timeDate 或 timeDuration")
        return fields
    return fields | {"schedule": texts.schedule(node.id, *text)}


def _details(node: Node, definition: Definition, texts: Texts) -> Fields:
    if definition.kind == TIMER:
        return _timer(node, definition, texts) | _pauses(node, definition, texts)
    if definition.kind == MESSAGE:
        return message_fields(node, texts)
    if definition.kind == SIGNAL:
        return _signal(node, texts)
    if definition.kind in (ERROR, ESCALATION):
        return {"error_code": node.told}
    if definition.kind == COMPENSATION:
        return {"activity": definition.activity}
    return {}


def _timer(node: Node, definition: Definition, texts: Texts) -> Fields:
    part, text = definition.time
    if part != "timeCycle":
        return {"timer": texts.timer(node.id, text)} if part else {}
    cycle = texts.cycle(node.id, text)
    return {"timer": cycle.period, "repeats": cycle.times} if cycle is not None else {}


def _pauses(node: Node, definition: Definition, texts: Texts) -> Fields:
    """The lanes a clock stands still for. Whether there are such lanes is told of all files at once."""
    lanes = tuple(sorted(set(node.properties.get(PAUSES_WHILE, "").split())))
    if not lanes:
        return {}
    text = definition.times.get("timeDuration", "")
    try:
        has_clock = bool(text) and node.kind != "intermediateCatchEvent" and may_stand_still(text)
    except InvalidExpression:
        return {}  # told by _timer
    if not has_clock:
        told = f"{PAUSES_WHILE} 只用于边界事件和事件子流程的 timeDuration，不能是时刻或周期"
        texts.problem(node.id, "timer.pauses", told)
    return {"pauses": lanes}


def _signal(node: Node, texts: Texts) -> Fields:
    name = node.told
    if node.is_throwing:
        return {"message": SIGNALLED + name, "payload": texts.prefixed(node, PAYLOAD)}
    return {"trigger": MESSAGE, "message": SIGNALLED + name}
