"""The throw event of compensation in the reference: what it undoes, in which order, and where the handlers run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.random import blocks
from tests.engine.random.instances import EachRun
from tests.engine.random.leaves import Leaf
from tests.engine.random.recalling import Undoing
from tests.engine.random.reference import ScopeRun
from tests.engine.random.run import Open, Run, Went


class CompensateRun(Leaf):
    handler: ScopeRun | None = None

    def work(self) -> Went:
        alive = {id(run) for run in everything_under(self.case.top)}
        for one in self.scope.undoable:
            is_free = one.by is None or id(one.by) not in alive
            if is_free and self.block.activity in ("", one.activity):
                one.by = self
        return self.next()

    def next(self) -> Went:
        undoable = self.scope.undoable
        while (one := next((one for one in reversed(undoable) if one.by is self), None)) is not None:
            undoable.remove(one)
            self.handler = self.run(one)
            if self.handler.begin() is Went.GOING:
                return Went.GOING
        self.handler = None
        if self.block.is_end:
            self.scope.reach(self.block.outcome)
            return Went.ENDED
        return Went.THROUGH

    def run(self, one: Undoing) -> ScopeRun:
        path = f"{one.place}{one.handler.id}:{one.ordinal}/"
        return EachRun(blocks.Scope(one.handler), path, self, self.case, one.frame(self.frame))

    def feed(self, given: Any) -> Went | None:
        went = self.handler.feed(given) if self.handler is not None else None
        return self.next() if went in (Went.THROUGH, Went.ENDED) else went

    def under(self) -> Iterator[Run]:
        return iter((self.handler,) if self.handler is not None else ())

    def open(self) -> Iterator[Open]:
        return self.handler.open() if self.handler is not None else iter(())


def everything_under(run: Run) -> Iterator[Run]:
    yield run
    for inner in run.under():
        yield from everything_under(inner)
