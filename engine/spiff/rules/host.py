"""The host: runs SpiffWorkflow's graph with its own data, time, events, joins, scopes and errors.

Each rule is a method of its own, so that a test can give it back to SpiffWorkflow's behaviour and see the random test fail
(why: docs/adr/0002; what is wrong with the library: tests/engine/spiff; the ablations: tests/engine/random):

    one variable store, frames     view, write (state.py), call, hand_back (calls.py)
    joins by tokens per flow       join, may_merge (joins.py)
    addressed events               fire, rivals_of (event-based gateway), rearm (non-interrupting messages) (events.py)
    addressed error catchers       catcher_at (throwing.py)
    errors walk outward            throw, which steps the boundary event at once (throwing.py)
    instances with their own frame begin_many, result_of, is_enough (multi_instance.py)
    escalations, terminate         escalate (throwing.py), terminate (scopes.py)
    compensation, last one first   remember, keep (remembering.py, ledger.py), compensate, undo_next, strike (compensation.py)
    cycle timers without a burst   next_in_cycle (events.py)
    messages out                   send (throwing.py)
    scopes done by flat scan       is_done, close_if_done (scopes.py)
    one token touched              complete, fail, give_up, fire, retry, cancel: all that an input may do
    operators                      skip, move, edit (operators.py): a parallel part is left as a whole or not at all
    run to quiescence              settled = run (step by step, within the budget), settle, prune (running.py)
    ordinals when settled          settle (running.py), ordinal_of (state.py)
    time is the input's            due, keep_clocks (clocks.py)
    pruning is neutral             prune (running.py)
    event subprocesses rewritten   rewrite.py
    one start event of several     begin, chosen_start

No clock, no randomness, no I/O: `at` and the recorded instants come with the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.errors import Conflict
from engine.spiff.process import Node
from engine.spiff.rules.compensation import CompensationRules
from engine.spiff.rules.evaluation import StoreEngine
from engine.spiff.rules.multi_instance import MultiInstanceRules
from engine.spiff.rules.operators import OperatingRules
from engine.spiff.rules.running import RunRules
from engine.spiff.rules.state import COMPLETED
from engine.spiff.tree import Token


class Host(RunRules, CompensationRules, OperatingRules, MultiInstanceRules):
    """The mutable state of one case and the rules that move it. Only engine/machine.py calls it.

    Its own: what an input may do. Each touches one token; the machine then calls settled().
    """

    engine = StoreEngine()
    start: Node | None = None  # known while the case begins

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
