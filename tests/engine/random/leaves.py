"""The blocks of the reference that hold no blocks (see `reference.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from engine.inputs import (
    ElementSkipped,
    IncidentRetried,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    TimerFired,
    WorkItemCompleted,
)
from tests.engine.random.recalling import Undoing
from tests.engine.random.reference import ScopeRun, correlation_text
from tests.engine.random.run import Open, Run, Terminated, Thrown, Went


class Leaf(Run):
    """A block without blocks in it, or one that stands at an incident of its own.

    gave: what it wrote when it was completed; None until then, and where it was skipped.
    """

    gave: dict[str, Any] | None = None
    undoable: Sequence[Undoing] = ()  # what was completed inside it

    def __init__(self, block: Any, scope: ScopeRun, above: Run | None) -> None:
        super().__init__(scope, above)
        self.block = block
        self.wait: Open | None = None
        self.address = ""

    def begin(self) -> Went:
        self.address = self.scope.next_address(self.block.id)
        return self.work()

    def work(self) -> Went:
        raise NotImplementedError

    def enter(self, to: str) -> Went:
        return self.begin()

    def open(self) -> Iterator[Open]:
        if self.wait is not None:
            yield self.wait

    def stand(self, kind: str, due: datetime | None = None, **details: Any) -> Went:
        self.wait = Open(self.address, kind, self.block.id, due, details, self.frame)
        return Went.GOING

    def stuck(self, code: str) -> Went:
        return self.stand("incident", code=code)

    def feed(self, given: Any) -> Went | None:
        if self.wait is None or self.wait.address != given.wait:
            return None
        self.wait = None
        if isinstance(given, IncidentRetried):
            self.frame.variables.update(given.variables)
            return self.work()
        if isinstance(given, ElementSkipped):
            self.frame.variables.update(given.values)
            return Went.THROUGH
        return self.finish(given)

    def finish(self, given: Any) -> Went:
        raise NotImplementedError

    def give(self, values: Mapping[str, Any]) -> Went:
        self.gave = dict(values)
        self.frame.variables.update(values)
        return Went.THROUGH


class UserRun(Leaf):
    def work(self) -> Went:
        try:
            due = self.frame.due(self.block.due, self.case.at) if self.block.due else None
        except ValueError:
            return self.stuck("expression.failed")
        return self.stand("user", due, form=self.block.id.lower(), lane=self.block.lane)

    def finish(self, given: WorkItemCompleted) -> Went:
        return self.give(given.values)


class JobRun(Leaf):
    def work(self) -> Went:
        given = {name: self.frame.value(variable) for name, variable in self.block.parameters}
        return self.stand("job", service=self.block.service, parameters=given)

    def finish(self, given: JobSucceeded | JobFailed | JobGivenUp) -> Went:
        if isinstance(given, JobGivenUp):
            return self.stuck("job.given_up")
        if isinstance(given, JobFailed):
            if self.catches(given.code):
                raise Thrown(given.code, given.message)
            return self.stuck("error.not_caught")
        return self.give({self.block.result: given.result} if self.block.result else {})


class CatchRun(Leaf):
    def work(self) -> Went:
        self.wait = self.scope.stand(self.block.event, self.block.id, self.address)
        return Went.GOING

    def finish(self, given: MessageReceived | TimerFired) -> Went:
        self.scope.receive(self.block.event, given)
        return Went.THROUGH


class RuleRun(Leaf):
    def work(self) -> Went:
        value = self.frame.value(self.block.reads)
        hits = [row.output for row in self.block.rows if row.values is None or value in row.values]
        if not hits:
            return self.stuck("decision.no_match")
        if self.block.hit_policy == "UNIQUE" and len(hits) > 1:
            return self.stuck("decision.overlap")
        return self.give({self.block.writes: hits if self.block.hit_policy == "COLLECT" else hits[0]})


class SendRun(Leaf):
    def work(self) -> Went:
        try:
            payload = self.frame.of(self.block.payload)
        except ValueError:
            return self.stuck("expression.failed")
        correlation = correlation_text(self.frame.value(self.block.correlation)) if self.block.correlation else ""
        self.case.sent.append((self.block.message, correlation, payload))
        return Went.ENDED if self.block.kind == "endEvent" else Went.THROUGH


class EscalateRun(Leaf):
    def work(self) -> Went:
        self.escalate(self.block.code)
        return Went.THROUGH


class EndRun(Leaf):
    def work(self) -> Went:
        if self.block.escalation:
            self.escalate(self.block.escalation)
        if not self.block.error:
            self.scope.reach(self.block.outcome)
            if self.block.terminates:
                raise Terminated(self.scope)
            return Went.ENDED
        if self.catches(self.block.error):
            raise Thrown(self.block.error)
        return self.stuck("error.not_caught")
