"""The host: runs SpiffWorkflow's graph with its own data, time, events, joins, scopes and errors.

Each rule is a method of its own, so that a test can give it back to SpiffWorkflow's behaviour and see the random test fail
(why: docs/adr/0002; what is wrong with the library: tests/engine/spiff; the ablations: tests/engine/random):

    one variable store, frames     view, write (state.py), call, hand_back (calls.py)
    joins by tokens per flow       join, may_merge (joins.py)
    addressed events               fire, rivals_of (event-based gateway), rearm (non-interrupting messages) (events.py)
    addressed error catchers       catcher_at (events.py)
    errors walk outward            throw, which steps the boundary event at once (events.py)
    instances with their own frame begin_many, result_of, is_enough (many.py)
    escalations, terminate         escalate (events.py), terminate (scopes.py)
    compensation, last one first   remember, keep, compensate, undo_next, strike (compensation.py, ledger.py)
    cycle timers without a burst   next_in_cycle (events.py)
    messages out                   send (events.py)
    scopes done by flat scan       is_done, close_if_done (scopes.py)
    one token touched              complete, fail, give_up, fire, retry, cancel: all that an input may do
    operators                      skip, move, edit (operating.py): a parallel part is left as a whole or not at all
    run to quiescence              settled = run (step by step, within the budget), settle, prune
    ordinals when settled          settle, ordinal_of (state.py)
    time is the input's            due, keep_clocks (clocks.py)
    pruning is neutral             prune
    event subprocesses rewritten   rewrite.py
    one start event of several     begin, chosen_start

No clock, no randomness, no I/O: `at` and the recorded instants come with the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.errors import Conflict
from engine.language.decisions import DecisionFailed
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.spiff.clocks import ClockRules
from engine.spiff.compensation import CompensationRules
from engine.spiff.evaluation import StoreEngine, incident_of
from engine.spiff.joins import JoinRules
from engine.spiff.many import MultiInstanceRules
from engine.spiff.operating import OperatingRules
from engine.spiff.process import Node
from engine.spiff.specs import Hosted, HostedBoundaryEvent, HostedUserTask, Stopped
from engine.spiff.state import COMPLETED, ENTERED
from engine.spiff.store import NotJson
from engine.spiff.tree import Token
from engine.spiff.waiting import wait_of

STEP_BUDGET = 1_000  # elements run for one input; a diagram that needs more has a loop with no wait in it


class Host(CompensationRules, OperatingRules, MultiInstanceRules, JoinRules, ClockRules):
    """The mutable state of one case and the rules that move it. Only engine/machine.py calls it."""

    engine = StoreEngine()
    step_budget = STEP_BUDGET
    start: Node | None = None  # known while the case begins

    # --- what an input may do: each touches one token; the machine then calls settled()

    def begin(self, start: str) -> None:
        """Begin at the start event of this id, at the one without a trigger for "". Raises Conflict("start.unknown")."""
        self.start = self.process.start_event(start)
        if self.start is None:
            raise Conflict("start.unknown", start=start)
        self.open_scope(self.process.top, None)

    def chosen_start(self, specs: list[Any]) -> Any:
        """Of the start events the one this case begins at."""
        return next(spec for spec in specs if spec.node is self.start)

    def complete(self, token: Token, values: Mapping[str, Any]) -> None:
        """A user task or service task is done with these values."""
        self.give(token, values)
        token.complete()
        self.remember(token)
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

    def retry(self, token: Token, variables: Mapping[str, Any]) -> None:
        """The element of an incident runs again: what failed while running is run, what failed while settling is settled."""
        token.incident = None
        token.wait = None
        if token._state == TaskState.STARTED and token.task_spec.is_scope:
            return self.retry_inside(token, variables)
        self.write(token, variables)
        if token._state == TaskState.READY:
            self.queue.append(token)
        return None

    def cancel(self) -> None:
        self.cancel_scope(self.scopes[0])
        self.outcome = "cancelled"

    def settled(self) -> None:
        """Run until the case only waits, give the waits their places, forget what is over."""
        self.run()
        self.settle()
        self.keep_clocks()
        self.report_stuck()
        self.prune()

    # --- running

    def run(self) -> None:
        steps = self.spread = 0
        while self.queue or self.merge():
            token = self.queue.popleft()
            if token._state != TaskState.READY or isinstance(token.task_spec, HostedUserTask):
                continue
            if token.task_spec.node is not None:
                steps += 1
                if steps > self.step_budget + self.spread:
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
            self.remember(token)
            self.note(token, COMPLETED)
        self.close_if_done(token.workflow)

    def decide(self, token: Token) -> None:
        """A business rule task: the outputs of its decision become variables."""
        table = self.process.decisions[token.task_spec.node.decision]
        self.give(token, table.decide(self.view(token)).outputs)

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

    def report_stuck(self) -> None:
        """A case that waits for nothing, because a join lacks a token that can never come: an incident, not silence."""
        token = self.stuck_join() if self.scopes and not self.waits() else None
        if token is not None:
            token.incident = ("join.stuck", "汇合还缺令牌，但再没有令牌会到来")
            token.wait = wait_of(self, token)
            self.note(token, ENTERED)

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
