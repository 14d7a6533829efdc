"""What the engine says when it cannot do what was asked. Only `api/edge/errors.py` knows their HTTP form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class EngineError(Exception):
    """Base of the engine's answers. `code` is stable, `facts` hold ids and states, never personal data."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.facts = facts


class NotFound(EngineError):
    """No such thing, or not one this actor may know of."""


class Forbidden(EngineError):
    """The thing is visible to the actor, the verb is not theirs."""


class Conflict(EngineError):
    """The thing is no longer in the state the command needs; nothing changed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a diagram, a decision table or a form.

    element: BPMN/DMN id, form field, or "" for the whole file. severity: "error" | "warning" | "info".
    code: from the published table in docs/check-codes.md. message: Chinese, what was expected and what was found.
    """

    element: str
    severity: str
    code: str
    message: str


class InvalidDiagram(EngineError):
    """A flow that cannot be deployed or compiled; `problems` says why, element by element."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("flow.invalid", problems=[f"{p.element}: {p.code}" for p in problems])
        self.problems = tuple(problems)


class InvalidForm(EngineError):
    """Submitted values do not fit the form; `problems` has one entry a field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("form.invalid", fields=[p.element for p in problems])
        self.problems = tuple(problems)


class BusinessError(Exception):
    """A service task's business outcome "no": takes the task's error boundary event with this code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class RetryLater(Exception):
    """The machine's fault, not the case's: run the job again."""

    def __init__(self, reason: str = "", *, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
