"""Random processes with compensation: the trees of `generator.py`, some activities undone by others, and who calls for that.

What is kept out besides: an activity that may be over without a wait is not undone where another runs beside it in the same run
(which of the two was completed last is nobody's promise), and nothing throws compensation where something is completed in the
same run beside it. An event subprocess that an escalation begins runs beside who escalated: in one half of the processes it
compensates at once and a person comes after each escalation, in the other it begins with a person. Processes with neither,
where two events race for what was completed, are played without the reference (`RacingPlay`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass, replace
from random import Random
from typing import Any

from engine.inputs import Input, VariableEdited
from engine.machine import Applied, Process, compile_process
from tests.engine.random.blocks import (
    Activity,
    Block,
    Call,
    Compensate,
    End,
    Escalate,
    Escalation,
    Event,
    EventSub,
    Job,
    Many,
    Rule,
    Scope,
    Send,
    Seq,
    Sub,
    Tree,
    Undone,
    User,
    Xor,
)
from tests.engine.random.clocks import with_clocks
from tests.engine.random.comparison import Mismatch
from tests.engine.random.drawing import Drawn, Exit, _Drawing
from tests.engine.random.generator import Place, _Maker
from tests.engine.random.laws import SomethingIsWaited
from tests.engine.random.path import MOST_MOVES
from tests.engine.random.play import Play

_WAITS = (User, Job)
_RARE = (Call, Rule)  # few paths complete one where it may be undone
_DEFINITION = "<bpmn:compensateEventDefinition{} />"


def generate_undoing(seed: int, *, races: bool = False) -> Tree:
    """races: what is undone may hang on which of two events in one run is reached first."""
    random = Random(f"undoing {seed}")
    maker = _UndoingMaker(random, size=random.randint(6, 24))
    maker.undoes_at_once = races or seed % 2 == 0
    maker.waits_after_escalating = not races and seed % 2 == 0
    place = Place(depth=random.randint(2, 4), is_top=True, may_end=True)
    scope = well_named(maker.scope(place, is_top=True))
    tree = Tree(f"Undoing_{seed}", scope, {"face_step": random.random() < 0.5})
    return with_clocks(tree, random) if random.random() < 0.4 else tree


class _UndoingMaker(_Maker):
    """known: what may be named by who compensates here, perhaps. is_handler: in a handler or on its way, itself never undone.

    undoes_at_once: an event subprocess that an escalation begins may compensate before anybody has worked in it.
    waits_after_escalating: who escalates does not go on before somebody has worked.
    """

    undoes_at_once = waits_after_escalating = False

    def __init__(self, random: Random, size: int) -> None:
        super().__init__(random, size)
        self.known: list[str] = []
        self.is_handler = False
        self.is_part = False  # the next scope is an event subprocess's

    def scope(self, place: Place, *, is_top: bool = False) -> Scope:
        outer = self.known, self.is_handler
        self.known = list(self.known) if self.is_part else []
        self.is_handler = self.is_part = False
        made = super().scope(place, is_top=is_top)
        if self.chance(0.6 if is_top else 0.3) and self.known:
            made = replace(made, body=Seq((made.body, self.compensate(place))))
        self.known, self.is_handler = outer
        return made

    def event_sub(self, place: Place, event: Event | None = None) -> EventSub:
        self.is_part = True
        made = super().event_sub(place, event)
        if self.known and self.chance(0.4):
            made = replace(made, scope=replace(made.scope, body=self.undoing_first(made, place)))
        return made

    def undoing_first(self, made: EventSub, place: Place) -> Seq:
        compensate, body = self.compensate(place), made.scope.body
        if self.undoes_at_once or made.interrupting or not isinstance(made.event, Escalation):
            return Seq((compensate, body))
        asked, *rest = body.blocks
        return Seq((asked, compensate, *rest))

    def escalate(self, place: Place, code: str = "") -> Seq:
        made = super().escalate(place, code)
        if not self.waits_after_escalating:
            return made
        *first, raised = made.blocks
        after = self.user(replace(place, depth=0))
        if isinstance(raised, Escalate):
            return Seq((*first, raised, after))
        (condition, end), *_ = raised.branches  # type: ignore[attr-defined]  # the gateway before an escalation end
        leaving = Seq((Escalate(self.id("raise"), end.escalation), after, End(end.id)))
        return Seq((*first, Xor(raised.id, ((condition, leaving),), Seq())))  # type: ignore[attr-defined]

    def block(self, place: Place) -> Block:
        if not self.is_handler and self.known and self.chance(0.12):
            return self.compensate(place)
        return self.undone(super().block(place), place)

    def undone(self, made: Block, place: Place) -> Block:
        """The same block, perhaps with a handler."""
        if self.is_handler or not isinstance(made, Activity | Rule):
            return made
        if (isinstance(made, _WAITS) or place.is_alone) and self.chance(0.9 if isinstance(made, _RARE) else 0.5):
            self.known.append(made.id)
            return Undone(made, self.handler(place))
        if holds_undone(made):
            self.known.append(made.id)
        return made

    def decide(self, place: Place) -> Seq:
        rule, choice = super().decide(place).blocks
        return Seq((self.undone(rule, place), choice))

    def handler(self, place: Place) -> Any:
        outer, self.is_handler = self.is_handler, True
        inside = Place(depth=min(place.depth - 1, 1), may_end=True, is_alone=False)
        makers: list[Any] = [self.user, self.user, self.job, self.job, self.undo_rule, self.undo_send]
        if inside.depth > 0:  # however many elements there are: then they hold small ones, and paths come to their end
            makers += [self.sub, self.call, self.many]
        made = self.random.choice(makers)(inside)
        self.is_handler = outer
        return made

    def undo_rule(self, place: Place) -> Rule:
        return super().decide(replace(place, depth=0)).blocks[0]  # type: ignore[return-value]

    def undo_send(self, place: Place) -> Send:
        return Send(self.id("tell"), "sendTask", "told", "", self.given("p_"))

    def compensate(self, place: Place) -> Block:
        """What runs beside it in the same run could be completed before it, or after: then a person comes first."""
        activity = self.random.choice(self.known) if self.chance(0.4) else ""
        first = () if place.is_alone else (self.user(replace(place, depth=0)),)
        if place.may_end and self.chance(0.2):
            outcome = self.id("outcome_") if place.is_top and self.chance(0.5) else ""
            end = Compensate(self.id("undo"), activity, is_end=True, outcome=outcome)
            return Seq((*first, Xor(self.id("choose"), ((self.condition(), end),), Seq())))
        return Seq((*first, Compensate(self.id("undo"), activity)))


def holds_undone(activity: Any) -> bool:
    """Whether something is undone in place of this activity."""
    inner = activity.inner if isinstance(activity, Many) else activity
    return isinstance(inner, Sub | Call) and any(nameable(inner.scope.body, *inner.scope.handlers))


def nameable(*parts: Any) -> Iterator[str]:
    """The activities that are undone, by handlers or by what is in them, of a scope and of the event subprocesses in it."""
    for part in parts:
        if isinstance(part, tuple):
            yield from nameable(*part)
        elif isinstance(part, EventSub):
            yield from nameable(part.scope.body, *part.scope.handlers)
        elif isinstance(part, Undone):
            yield part.id
            yield from nameable(getattr(part.activity, "boundaries", ()))
        elif is_dataclass(part) and not isinstance(part, Scope):
            yield from (part.id,) if holds_undone(part) else ()
            yield from nameable(*vars(part).values())


def well_named(scope: Scope, around: frozenset[str] = frozenset()) -> Scope:
    """The same, and what compensates names only what it may: of its own scope, in event subprocesses also of those around."""
    visible = around | {*nameable(scope.body)}
    parts = {"body": _named(scope.body, visible), "handlers": _named(scope.handlers, visible)}
    return replace(scope, **parts)


def _named(part: Any, visible: frozenset[str]) -> Any:
    if isinstance(part, tuple):
        return tuple(_named(item, visible) for item in part)
    if isinstance(part, Scope | EventSub):
        scope = well_named(part) if isinstance(part, Scope) else well_named(part.scope, visible)
        return scope if isinstance(part, Scope) else replace(part, scope=scope)
    if isinstance(part, Compensate):
        return part if part.activity in visible else replace(part, activity="")
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{name: _named(value, visible) for name, value in vars(part).items()})
    return part


class _UndoingDrawing(_Drawing):
    """handlers: ids of those still to be drawn."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.handlers: set[str] = set()

    def node(self, kind: str, id: str, exits: Sequence[Exit], inner: str = "", attributes: str = "") -> list[Exit]:
        if id in self.handlers:
            attributes += ' isForCompensation="true"'
        return super().node(kind, id, exits, inner, attributes)

    def draw_undone(self, undone: Undone, exits: list[Exit]) -> list[Exit]:
        out = self.block(undone.activity, exits)
        event, handler = f"{undone.id}_undone", undone.handler.id
        self.level.append(
            f'<bpmn:boundaryEvent id="{event}" attachedToRef="{undone.id}">{_DEFINITION.format("")}</bpmn:boundaryEvent>'
            f'<bpmn:association id="{event}_by" sourceRef="{event}" targetRef="{handler}" />'
        )
        self.handlers.add(handler)
        beside = [exit for exit in self.block(undone.handler, []) if exit[0] != handler]
        if beside:
            self.end(End(self.name("end")), beside)
        return out

    def draw_compensate(self, block: Compensate, exits: list[Exit]) -> list[Exit]:
        definition = _DEFINITION.format(f' activityRef="{block.activity}"' if block.activity else "")
        if not block.is_end:
            return self.node("intermediateThrowEvent", block.id, exits, definition)
        self.end(End(block.id, outcome=block.outcome), exits)
        self.level[-1] = self.level[-1].replace("</bpmn:endEvent>", definition + "</bpmn:endEvent>")
        return []


def draw_undoing(tree: Tree, seed: int) -> Drawn:
    drawing = _UndoingDrawing(Random(seed))
    body = drawing.inside(tree.scope)
    called = {process: drawing.file(process, inner) for process, inner in drawing.called.items()}
    decisions = {name: text.encode() for name, text in drawing.decisions.items()}
    return Drawn(drawing.file(tree.id, body), decisions, called)


def drawn_undoing(seed: int, *, races: bool = False) -> tuple[Tree, Process]:
    tree = generate_undoing(seed, races=races)
    return tree, compile_process(*draw_undoing(tree, seed))


@dataclass
class UndoingPlay(Play):
    """No token is moved: what a move leaves of compensation is told in tests/engine/spiff/rules/compensation."""

    laws: tuple[type[Any], ...] = (SomethingIsWaited,)

    def __post_init__(self) -> None:
        self.moves = MOST_MOVES

    def next_input(self) -> Input:
        """An edit is of the variables at some open wait, or of the case's."""
        given = super().next_input()
        is_edit = isinstance(given, VariableEdited)
        return replace(given, place=self.random.choice(["", *self.machine.waits])) if is_edit else given

    def refused_moves(self, at: Any) -> Any:
        return iter(())

    def tell(self, applied: Applied) -> None:
        """What is undone was completed, and is undone once."""
        undone = [event for event in applied.activities if event.event == "compensated"]
        super().tell(applied._replace(activities=tuple(e for e in applied.activities if e.event != "compensated")))
        kinds = {part.id: type(part.activity).__name__ for part in self.tree.parts if isinstance(part, Undone)}
        handlers = {p.handler.id: type(p.handler).__name__ for p in self.tree.parts if isinstance(p, Undone)}
        self.tally.update(f"{kinds.get(event.element, 'its parts')} undone" for event in undone)
        done = [event.element for event in applied.activities if event.event in ("completed", "skipped")]
        self.tally.update(f"by {handlers[element]}" for element in done if element in handlers)
        for event in undone if self.checks_snapshots else ():
            if self.history.get(event.address) != "completed":
                raise Mismatch(f"{event} was {self.history.get(event.address)}")
            self.history[event.address] = event.event


@dataclass
class RacingPlay(UndoingPlay):
    """Without the reference, which would have to say who is first: what holds whoever is.

    What is undone was completed and is undone once; the history, snapshots, replays and refusals are as in every play.
    """

    checks_reference: bool = False

    def judge(self, given: Input, applied: Applied) -> None:
        super().judge(given, applied)
        self.tell(applied)
        self.check()

    def compare(self) -> None:
        pass
