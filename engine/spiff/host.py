"""The host: runs SpiffWorkflow's graph with its own data, time, events, joins, scopes and errors.

Each rule is a method of its own, so that a test can give it back to SpiffWorkflow's behaviour and see the random test fail
(why: docs/adr/0002; what is wrong with the library: tests/engine/spiff; the ablations: tests/engine/random):

    one variable store             view, write (state.py)
    joins by tokens per flow       join
    addressed events               fire, rivals_of (event-based gateway), rearm (non-interrupting messages)
    addressed error catchers       catcher_at
    errors walk outward            throw, which steps the boundary event at once
    scopes done by flat scan       is_done, close_if_done
    one token touched              complete, fail, give_up, fire, retry, cancel: all that an input may do
    run to quiescence              settled = run (step by step, within the budget), settle, prune
    ordinals when settled          settle, ordinal_of (state.py)
    time is the input's            due
    pruning is neutral             prune
    event subprocesses rewritten   rewrite.py

No clock, no randomness, no I/O: `at` and the recorded instants come with the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.decisions import DecisionFailed
from engine.expressions import ExpressionFailed, InvalidExpression
from engine.spiff.evaluation import StoreEngine, incident_of
from engine.spiff.process import ERROR, MESSAGE
from engine.spiff.specs import (
    Hosted,
    HostedBoundaryEvent,
    HostedEventBasedGateway,
    HostedUserTask,
    Stopped,
    boundary_events_of,
)
from engine.spiff.state import CANCELLED, COMPLETED, ENTERED, FAILED, CaseState
from engine.spiff.store import NotJson
from engine.spiff.tree import Scope, Token
from engine.spiff.waiting import wait_of
from engine.timers_text import due_at

STEP_BUDGET = 1_000  # elements run for one input; a diagram that needs more has a loop with no wait in it


class Host(CaseState):
    """The mutable state of one case and the rules that move it. Only engine/machine.py calls it."""

    engine = StoreEngine()
    step_budget = STEP_BUDGET

    # --- what an input may do: each touches one token; the machine then calls settled()

    def begin(self) -> None:
        self.open_scope(self.process.top, None)

    def complete(self, token: Token, values: Mapping[str, Any]) -> None:
        """A user task or service task is done with these values."""
        self.write(token, values)
        token.complete()
        self.note(token, COMPLETED)
        self.close_if_done(token.workflow)

    def fail(self, token: Token, code: str, message: str) -> None:
        """A service task's business error: to the boundary event that catches it, else an incident of this task."""
        if not self.throw(token, code, message):
            token.incident = ("error.not_caught", f"{code}: {message}" if message else code)
            token.wait = None

    def give_up(self, token: Token, reason: str) -> None:
        token.incident = ("job.given_up", reason)
        token.wait = None

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

    def retry(self, token: Token, variables: Mapping[str, Any]) -> None:
        """The element of an incident runs again: what failed while running is run, what failed while settling is settled."""
        self.write(token, variables)
        token.incident = None
        token.wait = None
        if token._state == TaskState.READY:
            self.queue.append(token)

    def cancel(self) -> None:
        self.cancel_scope(self.scopes[0])
        self.outcome = "cancelled"

    def settled(self) -> None:
        """Run until the case only waits, give the waits their places, forget what is over."""
        self.run()
        self.settle()
        self.prune()

    # --- running

    def run(self) -> None:
        steps = 0
        while self.queue:
            token = self.queue.popleft()
            if token._state != TaskState.READY or isinstance(token.task_spec, HostedUserTask):
                continue
            if token.task_spec.node is not None:
                steps += 1
                if steps > self.step_budget:
                    token.incident = ("steps.exhausted", f"一次输入内运行了超过 {self.step_budget} 个元素")
                    continue
            self.step(token)

    def step(self, token: Token) -> None:
        """Run the element this token stands at; where it cannot go on, the token stays READY with an incident."""
        try:
            token.run()
        except (Stopped, ExpressionFailed, DecisionFailed, NotJson) as error:
            token.incident = incident_of(error)
            return
        if token._state == TaskState.COMPLETED:
            self.note(token, COMPLETED)
        self.close_if_done(token.workflow)

    def decide(self, token: Token) -> None:
        """A business rule task: the outputs of its decision become variables."""
        table = self.process.decisions[token.task_spec.node.decision]
        self.write(token, table.decide(self.view(token)).outputs)

    def end(self, token: Token) -> bool | None:
        """An end event: its outcome, its error. True: the token is consumed here; None: its scope is gone."""
        node = token.task_spec.node
        if node is None:
            return True
        if node.trigger == ERROR:
            if not self.throw(token, node.error_code, ""):
                raise Stopped("error.not_caught", node.error_code)
            return None
        if node.outcome and node.is_outcome:
            self.outcome = node.outcome
        return True

    # --- joins by tokens per incoming flow

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

    # --- addressed events

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

    # --- errors walk outward

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

    # --- scopes

    def open_scope(self, name: str, owner: Token | None) -> None:
        if owner is not None:
            self.note(owner, ENTERED)
        scope = Scope(self, name, owner, self.path_inside(owner))
        if owner is not None:
            owner.inner = scope
        self.scopes.append(scope)
        Token(scope, scope.spec.start)._ready()

    def path_inside(self, owner: Token | None) -> str:
        """Prefix of the addresses in this token's scope; what the compiler added leaves no trace in it."""
        if owner is None:
            return ""
        path: str = owner.workflow.path
        return path if owner.task_spec.node is None else f"{path}{owner.task_spec.node.id}:{self.ordinal_of(owner)}/"

    def is_done(self, scope: Scope) -> bool:
        """A scope is done when no live token is in it."""
        return not any(token._state < TaskState.COMPLETED for token in scope.tasks.values())

    def close_if_done(self, scope: Scope) -> None:
        if scope not in self.scopes or not self.is_done(scope):
            return
        self.scopes.remove(scope)
        owner = scope.owner
        if owner is not None:
            owner.inner = None
            owner.complete()
            self.note(owner, COMPLETED)
            self.close_if_done(owner.workflow)

    def cancelled(self, token: Token) -> None:
        """A token was taken away: its scope goes with it, innermost first."""
        if token.inner is not None:
            self.cancel_scope(token.inner)
            token.inner = None
        self.note(token, CANCELLED)

    def cancel_scope(self, scope: Scope) -> None:
        for token in list(scope.tasks.values()):
            token.cancel()
        if scope in self.scopes:
            self.scopes.remove(scope)

    # --- settling

    def settle(self) -> None:
        """Give each token that now waits its wait, in the order of the scopes and their tokens."""
        for scope in self.scopes:
            for token in scope.tasks.values():
                spec: Hosted = token.task_spec
                if token.wait is not None or spec.node is None:
                    continue
                if token.incident is not None or token._state == spec.stands_in:
                    try:
                        token.wait = wait_of(self, token)
                    except (ExpressionFailed, InvalidExpression, NotJson) as error:
                        token.incident = incident_of(error)
                        token.wait = wait_of(self, token)
                    if token.wait is not None and not isinstance(spec, HostedBoundaryEvent):
                        self.note(token, ENTERED)

    def due(self, token: Token, text: str) -> datetime:
        """When this timer text is due from now, UTC; an instant recorded with the input is taken as it is."""
        address = self.address_of(token)
        recorded = self.recorded.get(address)
        if recorded is not None:
            self.computed[address] = recorded
            return recorded
        due = due_at(text, self.view(token), self.at)
        at = due.at.astimezone(UTC)
        if due.is_computed_from_calendar:
            self.computed[address] = at
        return at

    # --- pruning

    def prune(self) -> None:
        """Forget finished tokens, all but the parent of a live one: it says by which flow, or from which split, that came."""
        for scope in self.scopes:
            kept: set[int | None] = {token.id for token in scope.tasks.values() if token._state < TaskState.COMPLETED}
            kept |= {token._parent for token in scope.tasks.values() if token.id in kept}
            if len(kept) < len(scope.tasks):
                scope.tasks = {token_id: token for token_id, token in scope.tasks.items() if token_id in kept}
                for token in scope.tasks.values():
                    token._children = [child for child in token._children if child in kept]
