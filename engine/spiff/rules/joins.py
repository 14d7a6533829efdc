"""Joins by tokens per incoming flow, not by what SpiffWorkflow makes of all passes through a loop.

A parallel gateway fires when each flow has a token. An inclusive one when at least one flow has, and every token that can
still reach a flow without one can reach a flow with one as well (BPMN 2.0.2, 13.4.3); that is asked when nothing else runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.spiff.process import Reach
from engine.spiff.rules.state import CaseState
from engine.spiff.specs import (
    HostedBoundaryEvent,
    HostedInclusiveGateway,
    HostedParallelGateway,
    boundary_events_of,
)
from engine.spiff.tree import Scope, Token


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

    def merge(self) -> bool:
        """Let the first inclusive gateway that may join go on. False: none may."""
        for scope in self.scopes if self.process.merges else ():
            waiting = [token for token in scope.tasks.values() if self._is_at_merge(token)]
            for spec in dict.fromkeys(token.task_spec for token in waiting):
                arrived: dict[str, Token] = {}
                for token in waiting:
                    if token.task_spec is spec:
                        arrived.setdefault(token.parent.task_spec.name, token)
                if self.may_merge(scope, spec, frozenset(arrived)):
                    first, *others = arrived.values()
                    for other in others:
                        other._state = TaskState.COMPLETED
                    first._ready()
                    return True
        return False

    def may_merge(self, scope: Scope, spec: Any, filled: frozenset[str]) -> bool:
        reach = self.process.merges[spec.name]
        for token in scope.tasks.values():
            if not token.is_live or token.task_spec is spec or isinstance(token.task_spec, HostedBoundaryEvent):
                continue
            ahead = frozenset().union(*(reach.get(at.task_spec.name, frozenset()) for at in self._with_events(token)))
            if ahead - filled and not ahead & filled:
                return False
        return True

    def stuck_join(self) -> Token | None:
        """A token at a join nothing will ever come to, in a case that waits for nothing else."""
        for scope in self.scopes:
            for token in scope.tasks.values():
                at_join = isinstance(token.task_spec, HostedParallelGateway | HostedInclusiveGateway)
                if at_join and token._state == TaskState.WAITING:
                    return token
        return None

    @staticmethod
    def _is_at_merge(token: Token) -> bool:
        is_inclusive = isinstance(token.task_spec, HostedInclusiveGateway)
        return is_inclusive and token._state == TaskState.WAITING and token.incident is None

    @staticmethod
    def _with_events(token: Token) -> list[Token]:
        """A token and the boundary events by which it may go on instead."""
        return [token, *(event for event in boundary_events_of(token) if event.is_live)]


def read_merges(specs: Mapping[str, Any]) -> dict[str, Reach]:
    """For every inclusive gateway with several incoming flows: what a token at each spec of its scope can still reach."""
    merges: dict[str, Reach] = {}
    for scope in specs.values():
        onward = {name: spec._outputs for name, spec in scope.task_specs.items()}
        for name, spec in scope.task_specs.items():
            if isinstance(spec, HostedInclusiveGateway) and len(spec._inputs) > 1:
                merges[name] = _reach(name, spec._inputs, onward)
    return merges


def _reach(gateway: str, sources: list[str], onward: Mapping[str, list[str]]) -> Reach:
    """Backwards from each incoming flow, never through the gateway."""
    before: dict[str, set[str]] = {}
    for name, targets in onward.items():
        for target in targets:
            before.setdefault(target, set()).add(name)
    reach: dict[str, set[str]] = {}
    for source in sources:
        seen = {source} - {gateway}
        todo = list(seen)
        while todo:
            at = todo.pop()
            reach.setdefault(at, set()).add(source)
            for earlier in before.get(at, set()) - seen - {gateway}:
                seen.add(earlier)
                todo.append(earlier)
    return {name: frozenset(found) for name, found in reach.items()}
