"""The run: step by step until the case only waits, each wait given its place, what is over forgotten."""

from __future__ import annotations

from SpiffWorkflow.util.task import TaskState

from engine.language.decisions import DecisionFailed
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.spiff.rules.clocks import ClockRules
from engine.spiff.rules.evaluation import incident_of
from engine.spiff.rules.joins import JoinRules
from engine.spiff.rules.scopes import ScopeRules
from engine.spiff.rules.standing import wait_of
from engine.spiff.rules.state import COMPLETED, ENTERED
from engine.spiff.specs import Hosted, HostedBoundaryEvent, HostedUserTask, Stopped
from engine.spiff.store import NotJson
from engine.spiff.tree import Token

STEP_BUDGET = 1_000  # elements run for one input; a diagram that needs more has a loop with no wait in it


class RunRules(JoinRules, ClockRules, ScopeRules):
    step_budget = STEP_BUDGET

    def settled(self) -> None:
        """Run until the case only waits, give the waits their places, forget what is over."""
        self.run()
        self.settle()
        self.keep_clocks()
        self.report_stuck()
        self.prune()

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

    def prune(self) -> None:
        """Forget finished tokens, all but the parent of a live one: it says by which flow, or from which split, that came."""
        for scope in self.scopes:
            kept: set[int | None] = {token.id for token in scope.tasks.values() if token._state < TaskState.COMPLETED}
            kept |= {token._parent for token in scope.tasks.values() if token.id in kept}
            if len(kept) < len(scope.tasks):
                scope.tasks = {token_id: token for token_id, token in scope.tasks.items() if token_id in kept}
                for token in scope.tasks.values():
                    token._children = [child for child in token._children if child in kept]
