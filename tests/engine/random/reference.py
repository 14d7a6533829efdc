"""What a block-structured process means, written down a second time: the case and its scopes.

Structured semantics over the block tree: every block under way is an object that begins, takes inputs and says how it
went. There are no tokens, no graph, no joins and no engine; an error travels as an exception from block to enclosing block.
It shares no idea with `engine/machine.py`, so the two can only agree by both being right. The blocks themselves are in
`leaves.py`, `composites.py` and `instances.py`, what they have in common in `run.py`.

Addresses are those of `engine/waits.py`: scopes from the outside in, then the element, each with the how-manyth time it
became active in its scope's activation. A boundary event whose activity was over at once never became active.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from engine.inputs import CaseCancelled, CaseResumed, CaseSuspended, IncidentRetried, Input, Started, VariableEdited
from tests.engine.random.blocks import (
    Boundary,
    Error,
    Escalation,
    Event,
    EventSub,
    Message,
    Scope,
    Timer,
    Tree,
)
from tests.engine.random.clocks import keep_clocks, unit_of
from tests.engine.random.frames import Frame
from tests.engine.random.moments import moment_of
from tests.engine.random.recalling import Undoing, edit
from tests.engine.random.run import Escalated, Landed, Open, Run, RunOf, Terminated, Thrown, Went


class Reference:
    """The case of one tree."""

    def __init__(self, tree: Tree, started: Started, run_of: RunOf) -> None:
        self.at = started.at
        self.frame = Frame(dict(started.variables), dict(started.settings))
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.outcome: str | None = None
        self.run_of = run_of
        self.top = ScopeRun(tree.scope, "", None, self, self.frame)
        self.is_ended = self.top.begin() is not Went.GOING
        self._keep_clocks()

    @property
    def variables(self) -> dict[str, Any]:
        return self.frame.variables

    @property
    def waits(self) -> dict[str, Open]:
        return {} if self.is_ended else {wait.address: wait for wait in self.top.open()}

    def view_of(self, address: str) -> dict[str, Any]:
        return self.waits[address].frame.seen()

    def take(self, given: Input) -> None:
        """Raises KeyError for an address that is not open."""
        self.at = given.at
        if isinstance(given, CaseSuspended | CaseResumed):
            return
        if isinstance(given, VariableEdited):
            frame = self.waits[given.place].frame if given.place else self.frame
            edit(frame.variables, given.values)
            return
        if isinstance(given, CaseCancelled):
            self.is_ended, self.outcome = True, "cancelled"
            return
        self._feed(given)

    def move(self, landed: Landed, at: datetime) -> None:
        """An operator's move or a return, worked out by `moving.py`."""
        self.at = at
        self._feed(landed)

    def _feed(self, given: Input | Landed) -> None:
        went = self.top.feed(given)
        if went is None:
            raise KeyError(given)
        self.is_ended = went is not Went.GOING
        self._keep_clocks()

    def _keep_clocks(self) -> None:
        keep_clocks([wait for wait in self.waits.values() if wait.pauses], self.at)


def correlation_text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


Catcher = Boundary | EventSub


def catcher_of(catchers: tuple[Any, ...], code: str, kind: type = Error) -> Any:
    """The catcher of exactly this code before one of every code; None if there is neither."""
    errors = [catcher for catcher in catchers if isinstance(catcher.event, kind)]
    return next((catcher for wanted in (code, "") for catcher in errors if catcher.event.code == wanted), None)


class Beside(Run):
    """Above what runs beside a scope's body."""

    def catches(self, code: str) -> bool:
        return self.scope.catches(code)

    def escalate(self, code: str) -> None:
        self.scope.escalate_from_beside(code)


class ScopeRun(Run):
    """The activation of a process, subprocess or event subprocess, with its event subprocesses.

    body: what runs of the body: its main way and the handlers of its boundary events beside it. beside: event subprocesses
    running beside the body. instead: the one that interrupted it all.
    """

    def __init__(self, block: Scope, path: str, above: Run | None, case: Reference, frame: Frame) -> None:
        self.block, self.path, self.above, self.case, self.frame = block, path, above, case, frame
        self.scope = self
        self.counts: Counter[str] = Counter()
        self.main = case.run_of(block.body, self, self)
        self.body: list[Run] = [self.main]
        self.beside: list[Run] = []
        self.armed: list[tuple[Catcher, Open]] = []
        self.instead: Run | None = None
        self.undoable: list[Undoing] = []  # what was completed and may be compensated, the last one last

    # -- what blocks ask of their scope

    def ahead(self, element: str) -> str:
        """The address this element will have when it becomes active next."""
        return f"{self.path}{element}:{self.counts[element] + 1}"

    def next_address(self, element: str) -> str:
        self.counts[element] += 1
        return f"{self.path}{element}:{self.counts[element]}"

    def stand(self, event: Event, element: str, address: str, attached_to: str = "") -> Open:
        """A wait for an event; an incident where its moment cannot be worked out."""
        if isinstance(event, Message):
            value = self.frame.value(event.correlation) if event.correlation else None
            text = correlation_text(value)
            details = {"message": event.name, "correlation": text, "attached_to": attached_to}
            return Open(address, "message", element, None, details, self.frame)
        assert isinstance(event, Timer)
        try:
            due = self.frame.due(event.text, self.case.at)
            details = {"attached_to": attached_to, "left": event.cycle}
            if event.pauses:
                said = str(self.frame.value(event.text.text)) if event.text.kind == "variable" else event.text.text
                details |= {"clock": unit_of(event.text, said), "stopped": None}
            return Open(address, "timer", element, due, details, self.frame, event.pauses, self)
        except ValueError:
            return Open(address, "incident", element, None, {"code": "expression.failed"}, self.frame)

    def arm(self, catchers: tuple[Any, ...], attached_to: str) -> list[tuple[Any, Open]]:
        """The waits of boundary events or event subprocesses for whatever is no error."""
        return [
            (catcher, self.stand(catcher.event, name, self.next_address(name), attached_to))
            for catcher in catchers
            if not isinstance(catcher.event, Error | Escalation)
            for name in [catcher.start if isinstance(catcher, EventSub) else catcher.id]
        ]

    def happen(self, armed: list[tuple[Any, Open]], given: Any, attached_to: str) -> Any:
        """The catcher the input is for, its wait closed, or opened anew where it may happen again. None: not for these.

        A retried incident opens its wait again and gives no catcher but True.
        """
        for index, (catcher, wait) in enumerate(armed):
            if wait.address != given.wait:
                continue
            if isinstance(given, IncidentRetried):
                self.frame.variables.update(given.variables)
                armed[index] = (catcher, self.stand(catcher.event, wait.element, wait.address, attached_to))
                return True
            self.receive(catcher.event, given)
            is_repeated = isinstance(catcher.event, Message) and not catcher.interrupting
            armed[index : index + 1] = (
                self.arm((catcher,), attached_to) if is_repeated else self.cycle(catcher, wait, given)
            )
            return catcher
        return None

    def cycle(self, catcher: Any, wait: Open, given: Any) -> list[tuple[Any, Open]]:
        """The next firing of a cycle timer: a period after this one and later than when this one was noticed."""
        left = wait.details.get("left", 0)
        if wait.due is None or left in (0, 1):
            return []
        period, due = moment_of(catcher.event.text.text, wait.due) - wait.due, wait.due
        while due <= (given.noticed or given.at):
            due += period
        details = {**wait.details, "left": left - 1 if left > 0 else left}
        return [(catcher, Open(self.next_address(wait.element), "timer", wait.element, due, details, self.frame))]

    def receive(self, event: Event, given: Any) -> None:
        if isinstance(event, Message) and event.result:
            self.frame.variables[event.result] = dict(given.payload)

    def receive_error(self, event: Error | Escalation, thrown: Thrown | Escalated) -> None:
        if event.result:
            self.frame.variables[event.result] = thrown.known

    def aside(self, run: Run) -> Went:
        """Run the handler of a non-interrupting boundary event."""
        self.body += [run] if run.begin() is Went.GOING else []
        return Went.GOING

    def reach(self, outcome: str) -> None:
        self.case.outcome = outcome or self.case.outcome

    # -- its own course

    @property
    def seat(self) -> str:
        return self.path.removesuffix("/")

    def begin(self) -> Went:
        went = self._caught(lambda: self._body_went(self.main, self.main.begin()))
        if self.body or self.beside:
            handlers = self.block.handlers
            self.armed = self.arm(handlers if self.body else tuple(h for h in handlers if h.interrupting), self.seat)
        return went or Went.GOING

    def _body_went(self, run: Run, went: Went) -> Went:
        if went is Went.THROUGH and run is self.main:
            self.reach(self.block.outcome)
        self.body = [other for other in self.body if other is not run or went is Went.GOING]
        if not self.body:
            self.armed = [pair for pair in self.armed if pair[0].interrupting]
        return self._settled()

    def _settled(self) -> Went:
        return Went.GOING if self.body or self.beside else Went.THROUGH

    def catches(self, code: str) -> bool:
        return (self.instead is None and catcher_of(self.block.handlers, code) is not None) or super().catches(code)

    def _caught(self, move: Callable[[], Went | None]) -> Went | None:
        try:
            return move()
        except Terminated as over:
            if over.scope is not self:
                raise
            self.body, self.beside, self.armed, self.instead = [], [], [], None
            return Went.THROUGH
        except Escalated as raised:
            if raised.by is not self:
                raise
            self.receive_error(raised.catcher.event, raised)
            catcher = raised.catcher
            return self._caught(lambda: self._interrupt(catcher))
        except Thrown as thrown:
            catcher = catcher_of(self.block.handlers, thrown.code) if self.instead is None else None
            if catcher is None:
                raise
            self.receive_error(catcher.event, thrown)
            return self._caught(lambda: self._interrupt(catcher))

    def escalate(self, code: str) -> None:
        self._escalate(code, self.block.handlers if self.instead is None else ())

    def escalate_from_beside(self, code: str) -> None:
        """From an event subprocess that runs beside the body: those that run beside it themselves do not look on it."""
        self._escalate(code, tuple(handler for handler in self.block.handlers if handler.interrupting))

    def _escalate(self, code: str, handlers: tuple[EventSub, ...]) -> None:
        catcher = catcher_of(handlers, code, Escalation)
        if catcher is None:
            if self.above is not None:
                self.above.escalate(code)
        elif catcher.interrupting:
            raise Escalated(self, catcher, code)
        else:
            self.receive_error(catcher.event, Escalated(self, catcher, code))
            self._start(catcher)

    def _interrupt(self, handler: EventSub) -> Went:
        self.body, self.beside, self.armed = [], [], []
        self.instead = self._handler(handler, self.above)
        return Went.GOING if self.instead.begin() is Went.GOING else Went.THROUGH

    def _handler(self, handler: EventSub, above: Run | None) -> ScopeRun:
        made = ScopeRun(handler.scope, self.next_address(handler.id) + "/", above, self.case, self.frame)
        made.undoable = self.undoable  # an event subprocess is part of the scope it belongs to
        return made

    def feed(self, given: Any) -> Went | None:
        return self._caught(lambda: self._feed(given))

    def _feed(self, given: Any) -> Went | None:
        if self.instead is not None:
            return self.instead.feed(given)
        handler = self.happen(self.armed, given, self.seat)
        if isinstance(handler, EventSub):
            return self._start(handler)
        if handler is not None:
            return Went.GOING
        for run in self.body:
            went = run.feed(given)
            if went is not None:
                return self._body_went(run, went)
        for run in self.beside:
            went = run.feed(given)
            if went is not None:
                self.beside = [other for other in self.beside if other is not run or went is Went.GOING]
                return self._settled()
        return None

    def _start(self, handler: EventSub) -> Went:
        if handler.interrupting:
            return self._interrupt(handler)
        run = self._handler(handler, Beside(self, self.above))
        self.beside += [run] if run.begin() is Went.GOING else []
        return self._settled()

    def under(self) -> Iterator[Run]:
        return iter([self.instead] if self.instead else self.body + self.beside)

    def open(self) -> Iterator[Open]:
        for run in self.under():
            yield from run.open()
        yield from (wait for _, wait in self.armed)
