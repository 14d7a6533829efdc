"""The blocks of the reference with frames of their own: instances of a multi-instance activity, called processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.random import blocks
from tests.engine.random.frames import Frame
from tests.engine.random.leaves import Leaf
from tests.engine.random.recalling import Undoing, inside_frame
from tests.engine.random.reference import ScopeRun
from tests.engine.random.run import Open, Run, Went


class EachRun(ScopeRun):
    """One instance: of a task at its own address, of what holds more at addresses inside it."""

    def next_address(self, element: str) -> str:
        return (
            self.path.removesuffix("/")
            if element == getattr(self.block.body, "id", "")
            else super().next_address(element)
        )

    def ahead(self, element: str) -> str:
        return self.next_address(element) if element == getattr(self.block.body, "id", "") else super().ahead(element)


class ManyRun(Leaf):
    """Instances by their place in the list. unleft: those that are done and whose outputs could not be taken."""

    def work(self) -> Went:
        self.undoable: list[Undoing] = []
        self.items: list[Any] = []
        self.going: dict[int, ScopeRun] = {}
        self.unleft: dict[int, ScopeRun] = {}
        self.results: dict[int, Any] = {}
        items = list(range(1, self.block.times + 1)) if self.block.times else self.frame.value(self.block.collection)
        if not isinstance(items, list):
            return self.stuck("multi_instance.not_a_list")
        self.items, self.keys = items, keys_of(items)
        try:
            frames = [self._frame(index) for index in range(len(items))][: 1 if self.block.in_turn else None]
        except ValueError:
            if not self.block.in_turn:
                return self.stuck("expression.failed")
            frames = []
        if self.block.in_turn and items:
            try:
                frames = [self._frame(0)]
            except ValueError:
                return self.stuck("expression.failed")
        for index, frame in enumerate(frames):
            self._open(index, frame)
        return Went.GOING if items else self._over()

    def _frame(self, index: int) -> Frame:
        own = {self.block.item: self.items[index]} if self.block.item else {}
        local = Frame(own, self.frame.settings, self.frame)
        inner = self.block.inner
        return Frame(local.of(inner.inputs), local.settings) if isinstance(inner, blocks.Call) else local

    def _open(self, index: int, frame: Frame) -> None:
        inner, path = self.block.inner, f"{self.address}@{self.keys[index]}/"
        if isinstance(inner, blocks.User | blocks.Job):
            run: ScopeRun = EachRun(blocks.Scope(inner), path, self.above, self.case, frame)
        else:
            run = ScopeRun(inner.scope, path, self.above, self.case, frame)
        self.going[index] = run
        run.begin()

    def _done(self, index: int, run: ScopeRun) -> Went:
        self.going.pop(index, None)
        self.unleft.pop(index, None)
        inner = self.block.inner
        written = {name: value for name, value in run.frame.variables.items() if name != self.block.item}
        try:
            result = run.frame.of(inner.outputs) if isinstance(inner, blocks.Call) else written
        except ValueError:
            self.unleft[index] = run
            return self.stuck("expression.failed")
        collected = (
            result.get(self.block.output_item) if self.block.output_item else {**result, "key": self.keys[index]}
        )
        self.results[index] = collected
        self.undoable += inside_frame(run.undoable, run.frame, is_local=not isinstance(inner, blocks.Call))
        if len(self.results) == len(self.items) or self._is_enough():
            return self._over()
        if self.block.in_turn:
            return self._next()
        return Went.GOING

    def _next(self) -> Went:
        try:
            self._open(len(self.results), self._frame(len(self.results)))
        except ValueError:
            return self.stuck("expression.failed")
        return Went.GOING

    def _is_enough(self) -> bool:
        if self.block.enough is None:
            return False
        kind, wanted = self.block.enough
        if kind == "done":
            return len(self.results) >= wanted
        if kind == "half":
            return len(self.results) * 2 > len(self.items)
        name = f"v_{self.block.id}"
        found = [r if self.block.output_item else r.get(name) for r in self.results.values()]
        return any(value == wanted and type(value) is type(wanted) for value in found)

    def _over(self) -> Went:
        self.wait, self.going, self.unleft = None, {}, {}
        results = [self.results[index] for index in sorted(self.results)]
        return self.give({self.block.output: results} if self.block.output else {})

    def feed(self, given: Any) -> Went | None:
        if self.wait is not None and self.wait.address == given.wait:
            return self._retry(given.variables)
        for index, run in list(self.going.items()):
            went = run.feed(given)
            if went is not None:
                return Went.GOING if went is Went.GOING else self._done(index, run)
        return None

    def _retry(self, variables: dict[str, Any]) -> Went:
        self.wait = None
        went = Went.GOING
        for index, run in list(self.unleft.items()):
            run.frame.variables.update(variables)
            went = self._done(index, run) if went is Went.GOING else went
            if went is Went.THROUGH:
                return went
        if self.going or self.unleft:
            return went
        self.frame.variables.update(variables)
        return self._next() if self.results else self.work()

    def under(self) -> Iterator[Run]:
        return iter(self.going.values())

    def open(self) -> Iterator[Open]:
        yield from super().open()
        for run in self.going.values():
            yield from run.open()


def keys_of(items: list[Any]) -> list[str]:
    keys = [str(item["id"] if isinstance(item, dict) else item) for item in items]
    return [key if key not in keys[:n] else f"{key}~{keys[:n].count(key) + 1}" for n, key in enumerate(keys)]


class CallRun(Leaf):
    """A called process, with its own variables. It may stand at an incident before and after that."""

    inner: ScopeRun | None = None

    def work(self) -> Went:
        if self.inner is not None:
            return self._hand_back(self.inner)
        try:
            given = self.frame.of(self.block.inputs)
        except ValueError:
            return self.stuck("expression.failed")
        frame = Frame(given, self.frame.settings)
        self.inner = ScopeRun(self.block.scope, self.address + "/", self.above, self.case, frame)
        return self._after(self.inner.begin()) or Went.GOING

    def _after(self, went: Went | None) -> Went | None:
        return self._hand_back(self.inner) if went is Went.THROUGH and self.inner else went

    def _hand_back(self, inner: ScopeRun) -> Went:
        try:
            given = inner.frame.of(self.block.outputs)
        except ValueError:
            return self.stuck("expression.failed")
        self.undoable = inside_frame(inner.undoable, inner.frame)
        return self.give(given)

    def feed(self, given: Any) -> Went | None:
        if self.inner is None:
            return super().feed(given)
        if self.wait is None:
            return self._after(self.inner.feed(given))
        if self.wait.address != given.wait:
            return None
        self.wait = None
        self.inner.frame.variables.update(given.variables)
        return self._hand_back(self.inner)

    def under(self) -> Iterator[Run]:
        return iter((self.inner,) if self.inner is not None and self.wait is None else ())

    def open(self) -> Iterator[Open]:
        return self.inner.open() if self.inner is not None and self.wait is None else super().open()
