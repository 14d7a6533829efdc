"""How SpiffWorkflow's conditions are evaluated, and what an element that cannot go on becomes."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from engine.errors import EngineError
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.spiff.specs import Stopped
from engine.spiff.tree import Token


class StoreEngine(PythonScriptEngine):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """What SpiffWorkflow's conditions are evaluated by: the closed language on the host's store."""

    def evaluate(self, task: Token, expression: str, external_context: Any = None) -> Any:
        host = task.workflow.host
        return host.process.conditions[expression.strip()].evaluate(host.view(task))

    def execute(self, task: Token, script: str, external_context: Any = None) -> Any:
        raise AssertionError("no diagram runs a script")

    def call_service(self, task: Token, **kwargs: Any) -> Any:
        raise AssertionError("no diagram calls a service from inside the machine")


def incident_of(error: Exception) -> tuple[str, str]:
    """Code and message of the incident an error becomes; the message names no value."""
    if isinstance(error, Stopped):
        return error.code, error.message
    if isinstance(error, InvalidExpression | ExpressionFailed):
        return "expression.failed", f"{error.text[:80]}: {error.reason}"
    if isinstance(error, EngineError):
        return error.code, "; ".join(f"{name}={value}" for name, value in error.facts.items())
    return "expression.failed", str(error)
