"""Events: each happens at one addressed token. What a token throws itself: throwing.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.flow.vocabulary import ESCALATION, MESSAGE
from engine.language.timers_text import next_of_cycle
from engine.spiff.rules.scopes import ScopeRules
from engine.spiff.specs import HostedBoundaryEvent, HostedEventBasedGateway
from engine.spiff.tree import Token
from engine.waits import TimerWait


class EventRules(ScopeRules):
    def step(self, token: Token) -> None:
        raise NotImplementedError  # host.py

    def fire(self, token: Token, payload: Mapping[str, Any] | None = None) -> None:
        """The event at this one token happens."""
        node = token.task_spec.node
        if node.result and payload is not None:
            self.give(token, {node.result: dict(payload)})
        self.rearm(token)
        for rival in self.rivals_of(token):
            rival.cancel()
        token.is_fired = True
        token.task_spec._update(token)
        self.queue.remove(token)
        self.step(token)

    def rivals_of(self, token: Token) -> list[Token]:
        """The other events after the same event-based gateway; the first to happen wins."""
        if isinstance(token.task_spec, HostedBoundaryEvent):
            return []
        parent = token.parent
        if parent is None or not isinstance(parent.task_spec, HostedEventBasedGateway):
            return []
        return [child for child in parent.children if child is not None and child is not token]

    def rearm(self, token: Token) -> None:
        """What does not interrupt may happen again while its activity runs: a new token waits for the next time."""
        spec, node = token.task_spec, token.task_spec.node
        if not isinstance(spec, HostedBoundaryEvent) or spec.cancel_activity:
            return
        cycle = self.next_in_cycle(token)
        if cycle is not None or node.trigger in (MESSAGE, ESCALATION):
            again = token.parent._add_child(spec, TaskState.WAITING)
            again.cycle = cycle

    def next_in_cycle(self, token: Token) -> tuple[datetime, int] | None:
        """When a cycle timer fires next and how often it still will; None where that was the last time."""
        wait = token.wait
        if not isinstance(wait, TimerWait) or wait.left in (0, 1) or wait.due is None:
            return None
        due = next_of_cycle(token.task_spec.node.timer, wait.due, self.noticed)
        return due, wait.left - 1 if wait.left > 0 else wait.left
