"""Events: each happens at one addressed token. Errors walk outward; messages and signals go out with what was applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.spiff.calls import evaluated
from engine.spiff.process import ERROR, MESSAGE
from engine.spiff.scopes import ScopeRules
from engine.spiff.specs import HostedBoundaryEvent, HostedEventBasedGateway, Stopped, boundary_events_of
from engine.spiff.state import COMPLETED, FAILED, SentMessage
from engine.spiff.tree import Token
from engine.spiff.waiting import correlation_text


class EventRules(ScopeRules):
    def step(self, token: Token) -> None:
        raise NotImplementedError  # host.py

    def fire(self, token: Token, payload: Mapping[str, Any] | None = None) -> None:
        """The event at this one token happens."""
        node = token.task_spec.node
        if node.result and payload is not None:
            self.write(token, {node.result: dict(payload)})
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
        """A non-interrupting message may come again while its activity runs: a new token waits for the next one."""
        spec, node = token.task_spec, token.task_spec.node
        if isinstance(spec, HostedBoundaryEvent) and not spec.cancel_activity and node.trigger == MESSAGE:
            token.parent._add_child(spec, TaskState.WAITING)

    # --- errors

    def throw(self, token: Token, code: str, message: str) -> bool:
        """Give the error to the nearest catcher, from the token's own boundary events outward. False: nobody catches it."""
        standing: Token | None = token
        failed = []
        while standing is not None:
            if standing is token or standing.task_spec.node is not None:
                failed.append(standing)
            catcher = self.catcher_at(standing, code)
            if catcher is not None:
                for left in failed:
                    self.note(left, COMPLETED if left is token and self._is_end(left) else FAILED)
                self.fire(catcher, {"code": code, "message": message})
                return True
            standing = standing.workflow.owner
        return False

    @staticmethod
    def _is_end(token: Token) -> bool:
        return bool(token.task_spec.node.kind == "endEvent")

    def catcher_at(self, token: Token, code: str) -> Token | None:
        """The waiting error boundary event of this one activity: one with the code, else one that catches all."""
        catches_all = None
        for event in boundary_events_of(token):
            node = event.task_spec.node
            if node.trigger != ERROR or event._state != TaskState.WAITING:
                continue
            if node.error_code == code:
                return event
            if not node.error_code and catches_all is None:
                catches_all = event
        return catches_all

    # --- what goes out

    def send(self, token: Token) -> None:
        """A message leaves the case. Raises ExpressionFailed or NotJson: then the thrower stands there as an incident."""
        node = token.task_spec.node
        view = self.view(token)
        correlation = correlation_text(node.correlation.evaluate(view)) if node.correlation else ""
        payload = evaluated(node.payload, view)
        self.sent.append(SentMessage(node.trigger, node.message, correlation, payload))

    def end(self, token: Token) -> bool | None:
        """An end event: what it throws, its outcome. True: the token is consumed here; None: its scope is gone."""
        node = token.task_spec.node
        if node is None:
            return True
        if node.trigger == ERROR:
            if not self.throw(token, node.error_code, ""):
                raise Stopped("error.not_caught", node.error_code)
            return None
        if node.trigger == MESSAGE:
            self.send(token)
        if node.outcome and node.is_outcome:
            self.outcome = node.outcome
        return True
