"""Joins by tokens per incoming flow, not by what SpiffWorkflow makes of all passes through a loop."""

from __future__ import annotations

from SpiffWorkflow.util.task import TaskState

from engine.spiff.state import CaseState
from engine.spiff.tree import Token


class JoinRules(CaseState):
    def join(self, token: Token) -> bool:
        """A token arrived at a parallel gateway: fire if each incoming flow has one, taking the oldest of each."""
        arrived: dict[str, Token] = {}
        for other in token.workflow.tasks.values():
            if other.task_spec is token.task_spec and other._state == TaskState.WAITING:
                arrived.setdefault(other.parent.task_spec.name, other)
        arrived.setdefault(token.parent.task_spec.name, token)
        if len(arrived) < len(token.task_spec._inputs):
            token._state = TaskState.WAITING
            return False
        for other in arrived.values():
            if other is not token:
                other._state = TaskState.COMPLETED
        return True
