"""The machine's waits in the words of the reference, and how two states differ."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.machine import Machine
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait
from tests.engine.random.run import Open


class Mismatch(AssertionError):
    """What was found is not what must be."""


KINDS: dict[type, str] = {
    UserTaskWait: "user",
    JobWait: "job",
    TimerWait: "timer",
    MessageWait: "message",
    IncidentWait: "incident",
}


def seen(machine: Machine) -> dict[str, Any]:
    """The open waits in the words of the reference."""
    return {address: shown(wait) for address, wait in machine.waits.items()}


def shown(wait: Wait | Open) -> tuple[Any, ...]:
    match wait:
        case Open():
            return wait.address, wait.kind, wait.element, wait.due, wait.details
        case UserTaskWait():
            details: dict[str, Any] = {"form": wait.form, "lane": wait.lane}
        case JobWait():
            details = {"service": wait.service, "parameters": dict(wait.parameters)}
        case TimerWait():
            details = {"attached_to": wait.attached_to, "left": wait.left}
            if wait.clock:
                stopped = (wait.pause.since, wait.pause.due) if wait.pause is not None else None
                details |= {"clock": wait.clock, "stopped": stopped}
        case MessageWait():
            details = {"message": wait.message, "correlation": wait.correlation, "attached_to": wait.attached_to}
        case IncidentWait():
            details = {"code": wait.code}
    return wait.address, KINDS[type(wait)], wait.element, getattr(wait, "due", None), details


def same(found: Any, wanted: Any) -> bool:
    """Equal, and 0, False and 0.0 are three things."""
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict) and found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list | tuple):
        return type(found) is type(wanted) and len(found) == len(wanted) and all(map(same, found, wanted))
    return bool(found == wanted) and (type(found) is type(wanted) or isinstance(wanted, datetime))


def difference(found: Any, wanted: Any) -> str:
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return f"machine {found!r}, reference {wanted!r}"
    lines = []
    for key in sorted(found.keys() | wanted.keys()):
        left, right = found.get(key, "(none)"), wanted.get(key, "(none)")
        if key not in found or key not in wanted or not same(left, right):
            lines.append(f"\n  {key}\n    machine   {left!r}\n    reference {right!r}")
    return "".join(lines)
