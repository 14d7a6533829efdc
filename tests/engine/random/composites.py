"""The blocks of the reference that hold other blocks, and which class is which block's (see `reference.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.inputs import Started
from tests.engine.random import blocks
from tests.engine.random.blocks import Block, Boundary, Tree
from tests.engine.random.insides import inner_blocks, is_within
from tests.engine.random.instances import CallRun, ManyRun
from tests.engine.random.leaves import CatchRun, EndRun, EscalateRun, JobRun, Leaf, RuleRun, SendRun, UserRun
from tests.engine.random.recalling import completion, counted_as, inside_subprocess, noting
from tests.engine.random.reference import Reference, ScopeRun, catcher_of
from tests.engine.random.run import Escalated, Landed, Open, Run, Thrown, Went
from tests.engine.random.undoing import CompensateRun


class XorRun(Leaf):
    """An exclusive gateway with all its branches."""

    inner: Run | None = None

    def work(self) -> Went:
        try:
            ways = (branch for condition, branch in self.block.branches if self.frame.holds(condition))
            way = next(ways, self.block.otherwise)
        except ValueError:
            return self.stuck("expression.failed")
        if way is None:
            return self.stuck("gateway.no_way_out")
        self.inner = run_of(way, self.scope, self.above)
        return self.inner.begin()

    def enter(self, to: str) -> Went:
        if to == self.block.id:
            return self.begin()
        self.inner, went = entered(the_one_with(to, inner_blocks(self.block)), to, self.scope, self.above)
        return went

    def under(self) -> Iterator[Run]:
        return iter((self.inner,) if self.inner else ())

    def feed(self, given: Any) -> Went | None:
        return super().feed(given) if self.inner is None else self.inner.feed(given)

    def open(self) -> Iterator[Open]:
        return super().open() if self.inner is None else self.inner.open()


class OrRun(Leaf):
    """An inclusive gateway with all its branches."""

    inner: Run | None = None

    def work(self) -> Went:
        try:
            ways = tuple(branch for condition, branch in self.block.branches if self.frame.holds(condition))
        except ValueError:
            return self.stuck("expression.failed")
        if not ways and self.block.otherwise is None:
            return self.stuck("gateway.no_way_out")
        self.inner = ParRun(blocks.Par(self.block.id, ways or (self.block.otherwise,)), self.scope, self.above)
        return self.inner.begin()

    def under(self) -> Iterator[Run]:
        return iter((self.inner,) if self.inner else ())

    def feed(self, given: Any) -> Went | None:
        return super().feed(given) if self.inner is None else self.inner.feed(given)

    def open(self) -> Iterator[Open]:
        return super().open() if self.inner is None else self.inner.open()


class LoopRun(Leaf):
    """The loop's own gateway may stand at an incident, between two passes."""

    inner: Run | None = None

    def begin(self) -> Went:
        self.inner = run_of(self.block.body, self.scope, self.above)
        return self._after(self.inner.begin()) or Went.GOING

    def _after(self, went: Went | None) -> Went | None:
        return super().begin() if went is Went.THROUGH else went

    def enter(self, to: str) -> Went:
        if to == self.block.id:
            return super().begin()
        if to == f"{self.block.id}_in":
            return self.begin()
        self.inner, went = entered(self.block.body, to, self.scope, self.above)
        return self._after(went) or Went.GOING

    def under(self) -> Iterator[Run]:
        return iter((self.inner,) if self.inner else ())

    def work(self) -> Went:
        self.inner = None
        try:
            return self.begin() if self.frame.holds(self.block.again) else Went.THROUGH
        except ValueError:
            return self.stuck("expression.failed")

    def feed(self, given: Any) -> Went | None:
        return super().feed(given) if self.inner is None else self._after(self.inner.feed(given))

    def open(self) -> Iterator[Open]:
        return super().open() if self.inner is None else self.inner.open()


class SeqRun(Run):
    def __init__(self, block: blocks.Seq, scope: ScopeRun, above: Run | None) -> None:
        super().__init__(scope, above)
        self.block = block
        self.rest = list(block.blocks)
        self.inner: Run | None = None

    def begin(self) -> Went:
        while self.rest:
            self.inner = run_of(self.rest.pop(0), self.scope, self.above)
            went = self.inner.begin()
            if went is not Went.THROUGH:
                return went
        return Went.THROUGH

    def enter(self, to: str) -> Went:
        block = the_one_with(to, self.block.blocks)
        self.rest = list(self.block.blocks[self.block.blocks.index(block) + 1 :])
        self.inner, went = entered(block, to, self.scope, self.above)
        return self.begin() if went is Went.THROUGH else went

    def under(self) -> Iterator[Run]:
        return iter((self.inner,) if self.inner else ())

    def feed(self, given: Any) -> Went | None:
        if isinstance(given, Landed) and given.root is self:
            return self.enter(given.to)
        went = self.inner.feed(given) if self.inner else None
        return self.begin() if went is Went.THROUGH else went

    def open(self) -> Iterator[Open]:
        return self.inner.open() if self.inner else iter(())


class ParRun(Run):
    def __init__(self, block: blocks.Par, scope: ScopeRun, above: Run | None) -> None:
        super().__init__(scope, above)
        self.block = block
        self.going = [run_of(branch, scope, above) for branch in block.branches]

    def begin(self) -> Went:
        return self._settle([run for run in self.going if run.begin() is Went.GOING])

    def _settle(self, going: list[Run]) -> Went:
        self.going = going
        return Went.GOING if going else Went.THROUGH

    def under(self) -> Iterator[Run]:
        return iter(self.going)

    def feed(self, given: Any) -> Went | None:
        for run in self.going:
            went = run.feed(given)
            if went is not None:
                return self._settle([other for other in self.going if other is not run or went is Went.GOING])
        return None

    def open(self) -> Iterator[Open]:
        return (wait for run in self.going for wait in run.open())


class RaceRun(Run):
    """An event-based gateway: until one event happened it waits for all of them."""

    def __init__(self, block: blocks.Race, scope: ScopeRun, above: Run | None) -> None:
        super().__init__(scope, above)
        self.ways = [(CatchRun(catch, scope, above), branch) for catch, branch in block.branches]
        self.inner: Run | None = None

    def begin(self) -> Went:
        for catch, _ in self.ways:
            catch.begin()
        return Went.GOING

    def enter(self, to: str) -> Went:
        """One of its events alone, without its rivals, or after that."""
        way = next(way for way in self.ways if to == way[0].block.id or is_within(way[1], to))
        if to == way[0].block.id:
            self.ways = [way]
            return self.begin()
        self.inner, went = entered(way[1], to, self.scope, self.above)
        return went

    def under(self) -> Iterator[Run]:
        return iter((self.inner,)) if self.inner else (catch for catch, _ in self.ways)

    def feed(self, given: Any) -> Went | None:
        if self.inner is not None:
            return self.inner.feed(given)
        for catch, branch in self.ways:
            went = catch.feed(given)
            if went is Went.THROUGH:
                self.inner = run_of(branch, self.scope, self.above)
                return self.inner.begin()
            if went is not None:
                return went
        return None

    def open(self) -> Iterator[Open]:
        if self.inner is not None:
            return self.inner.open()
        return (wait for catch, _ in self.ways for wait in catch.open())


class GuardedRun(Run):
    """An activity with its boundary events; once an interrupting one happened, that event's handler instead."""

    def __init__(self, block: Any, scope: ScopeRun, above: Run | None, undone_by: Block | None = None) -> None:
        super().__init__(scope, above)
        self.block, self.undone_by = block, undone_by
        self.is_interrupted = False
        self.boundaries = getattr(block, "boundaries", ())
        self.armed: list[tuple[Boundary, Open]] = []
        if isinstance(block, blocks.Sub):
            self.seat = scope.next_address(block.id)
            self.core: Run = ScopeRun(block.scope, self.seat + "/", self, self.case, noting(self.frame))
        else:
            self.seat = scope.ahead(block.id)
            self.core = LEAVES[type(block)](block, scope, self)

    def begin(self) -> Went:
        went = self._caught(self.core.begin) or Went.GOING
        if went is Went.GOING and self.boundaries:  # an activity that is over at once never had its events
            self.armed = self.scope.arm(self.boundaries, self.seat)
        return went

    def enter(self, to: str) -> Went:
        return self.begin()

    def under(self) -> Iterator[Run]:
        return iter((self.core,))

    def catches(self, code: str) -> bool:
        return catcher_of(self.boundaries, code) is not None or super().catches(code)

    def _caught(self, move: Callable[[], Went | None]) -> Went | None:
        try:
            went = move()
        except Thrown as thrown:
            catcher = catcher_of(self.boundaries, thrown.code)
            if catcher is None:
                raise
            self.scope.receive_error(catcher.event, thrown)
            went = self._interrupt(catcher)
        except Escalated as raised:
            if raised.by is not self:
                raise
            self.scope.receive_error(raised.catcher.event, raised)
            went = self._interrupt(raised.catcher)
        if went in (Went.THROUGH, Went.ENDED):
            self.armed = []
        if went is Went.THROUGH and not self.is_interrupted:
            self._completed()
        return went

    def _completed(self) -> None:
        """Remember it, or else what was completed inside it, for whoever compensates."""
        core, inside = self.core, list(self.core.undoable)
        if isinstance(core, ScopeRun):
            gave = core.frame.variables.written
            inside = inside_subprocess(inside, gave)
        elif core.gave is None:
            return
        else:
            gave = core.gave
        if self.undone_by is not None:
            inside = [completion(self.block.id, self.seat, self.undone_by, dict(gave))]
        self.scope.undoable += counted_as(inside, self.block.id)

    def escalate(self, code: str) -> None:
        catcher = catcher_of(self.boundaries, code, blocks.Escalation)
        if catcher is None:
            super().escalate(code)
        elif catcher.interrupting:
            raise Escalated(self, catcher, code)
        else:
            self.scope.receive_error(catcher.event, Escalated(self, catcher, code))
            self.scope.aside(run_of(catcher.handler, self.scope, self.scope))

    def _interrupt(self, boundary: Boundary) -> Went:
        self.armed, self.boundaries, self.is_interrupted = [], (), True
        self.core = run_of(boundary.handler, self.scope, self.above)
        return self.core.begin()

    def feed(self, given: Any) -> Went | None:
        boundary = self.scope.happen(self.armed, given, self.seat)
        if isinstance(boundary, Boundary):
            if boundary.interrupting:
                return self._interrupt(boundary)
            return self.scope.aside(run_of(boundary.handler, self.scope, self.scope))
        if boundary is not None:
            return Went.GOING
        return self._caught(lambda: self.core.feed(given))

    def open(self) -> Iterator[Open]:
        yield from self.core.open()
        yield from (wait for _, wait in self.armed)


LEAVES: dict[type, Callable[..., Run]] = {
    blocks.User: UserRun,
    blocks.Job: JobRun,
    blocks.Call: CallRun,
    blocks.Many: ManyRun,
    blocks.Rule: RuleRun,
}
RUNS: dict[type, Callable[..., Run]] = {
    blocks.User: GuardedRun,
    blocks.Job: GuardedRun,
    blocks.Sub: GuardedRun,
    blocks.Call: GuardedRun,
    blocks.Many: GuardedRun,
    blocks.Send: SendRun,
    blocks.Seq: SeqRun,
    blocks.Rule: RuleRun,
    blocks.Xor: XorRun,
    blocks.Par: ParRun,
    blocks.Or: OrRun,
    blocks.Escalate: EscalateRun,
    blocks.Catch: CatchRun,
    blocks.Race: RaceRun,
    blocks.Loop: LoopRun,
    blocks.End: EndRun,
    blocks.Undone: lambda block, scope, above: GuardedRun(block.activity, scope, above, block.handler),
    blocks.Compensate: CompensateRun,
}


def entered(block: Block, to: str, scope: ScopeRun, above: Run | None) -> tuple[Run, Went]:
    """The run of a block that begins in the middle of it; for an activity that may be an event that interrupted it."""
    for boundary in getattr(block, "boundaries", ()):
        if boundary.interrupting and is_within(boundary.handler, to):
            return entered(boundary.handler, to, scope, above)
    run = run_of(block, scope, above)
    return run, run.enter(to)


def the_one_with(element: str, among: tuple[Block, ...]) -> Block:
    return next(block for block in among if is_within(block, element))


def run_of(block: Block, scope: ScopeRun, above: Run | None) -> Run:
    return RUNS[type(block)](block, scope, above)


def reference(tree: Tree, started: Started) -> Reference:
    return Reference(tree, started, run_of)
