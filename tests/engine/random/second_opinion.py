"""The untouched library on random diagrams of the class on which it is right, beside the machine.

Stock SpiffWorkflow gets its own copy of the diagram: timers that lie far ahead, so that its clock plays no part, and variables
that are there from the start, since it knows no missing ones. What it runs is given one input at a time. Compared after each:
which elements wait, how many times each, and whether the case has ended. The class is told by the generator below; what was left
out of it, and what stock does there, is pinned in test_second_opinion.py.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import (
    BoundaryEvent,
    EventBasedGateway,
    IntermediateCatchEvent,
)
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition
from SpiffWorkflow.util.task import TaskState

from engine.inputs import Input, MessageReceived, Started, TimerFired, WorkItemCompleted
from engine.machine import Machine, compile_process
from engine.waits import MessageWait, TimerWait, UserTaskWait, Wait
from tests.engine.random import blocks
from tests.engine.random.blocks import Block, Boundary, Condition, Message, Scope, Seq, Timer, TimerText, Tree, User
from tests.engine.random.drawing import Drawn, draw
from tests.engine.random.play import MONDAY
from tests.engine.spiff.stock import every

ANSWERS = (2, 3, "a")
STARTED_WITH = {"s_1": 2, "s_2": "a", "s_3": 3, "l_items": ["x", "y"]}
LONGEST_PATH = 20
_THROWN = ("ErrorEventDefinition", "EscalationEventDefinition")  # nothing from outside brings them
STRAIGHT = ("sub", "call", "each", "in_turn", "until")  # nothing in them that a look back from a join could miss
COMMON = ("xor", "par", "either", "race", "sub", "call", "loop", "until", "stop", "leave")
WITH_EVENTS = (*COMMON, "deadline", "withdrawn", "reminded", "interrupted", "raising")
WITH_INSTANCES = (*COMMON, "each", "in_turn")


def generate(seed: int, kinds: tuple[str, ...]) -> Tree:
    """A process of some 4 to 20 elements of these kinds, and user tasks."""
    random = Random(seed)
    maker = _Maker(random, kinds, random.randint(4, 14))
    return Tree(f"Opinion_{seed}", Scope(maker.seq(3)), {})


@dataclass
class _Maker:
    """read: variables a condition may read here: the answer of the task right before, or what nobody ever writes."""

    random: Random
    kinds: tuple[str, ...]
    size: int
    count: int = 0
    read: list[str] = field(default_factory=lambda: ["s_1", "s_2"])
    loops: int = 0

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def seq(self, depth: int) -> Seq:
        return Seq(tuple(self.block(depth) for _ in range(self.random.randint(1, 3))))

    def block(self, depth: int) -> Block:
        kinds = self.kinds if depth > 0 and self.count < self.size else ()
        kind = self.random.choice(("user", "user", *kinds))
        made: Block = getattr(self, f"make_{kind}")(depth)
        return made

    def make_user(self, depth: int, *boundaries: Boundary) -> User:
        id = self.id("ask")
        return User(id, (f"v_{id}",), None, boundaries)

    def asked(self) -> tuple[User, Condition]:
        """A person and a condition on the answer."""
        user = self.make_user(0)
        return user, Condition(user.writes[0], "is", self.random.choice(ANSWERS))

    def condition(self) -> Condition:
        return Condition(self.random.choice(self.read), "is", self.random.choice(ANSWERS))

    def make_xor(self, depth: int) -> Seq:
        asked, condition = self.asked()
        return Seq((asked, blocks.Xor(self.id("choose"), ((condition, self.seq(depth - 1)),), self.seq(depth - 1))))

    def make_par(self, depth: int) -> Block:
        if self.loops:
            return self.make_user(depth)
        outer, self.kinds = self.kinds, tuple(kind for kind in self.kinds if kind != "leave")
        made = blocks.Par(self.id("both"), tuple(self.seq(depth - 1) for _ in range(2)))
        self.kinds = outer
        return made

    def make_either(self, depth: int) -> Block:
        if self.loops:
            return self.make_user(depth)
        asked, condition = self.asked()
        other = Condition(condition.variable, "is not", self.random.choice(ANSWERS))
        outer, self.kinds = self.kinds, tuple(kind for kind in self.kinds if kind in STRAIGHT)
        ways = ((condition, self.seq(depth - 1)), (other, self.seq(depth - 1)))
        made = Seq((asked, blocks.Or(self.id("some"), ways, self.seq(depth - 1))))
        self.kinds = outer
        return made

    def message(self) -> Message:
        return Message(self.id("news"))

    def timer(self) -> Timer:
        return Timer(TimerText("literal", "PT1H"))

    def make_until(self, depth: int) -> blocks.Catch:
        return blocks.Catch(self.id("until"), self.random.choice((self.message(), self.timer())))

    def make_race(self, depth: int) -> blocks.Race:
        events = (self.message(), self.random.choice((self.message(), self.timer())))
        return blocks.Race(
            self.id("first"), tuple((blocks.Catch(self.id("until"), event), self.seq(depth - 1)) for event in events)
        )

    def make_sub(self, depth: int) -> blocks.Sub:
        return blocks.Sub(self.id("Sub"), Scope(self.seq(depth - 1)))

    def make_call(self, depth: int) -> blocks.Call:
        id = self.id("Call")
        outer, self.read = self.read, []
        scope = Scope(self.seq(depth - 1))
        self.read = outer
        return blocks.Call(id, f"Process_{id}", scope, (("l_items", "l_items"),), ())

    def many(self, *, in_turn: bool) -> blocks.Many:
        id, times = self.id("Each"), self.random.choice((0, 2, 3))
        item = "" if times else self.id("item_")
        return blocks.Many(
            id, User(id, (f"v_{id}",)), "l_items", times, in_turn, item, self.id("all_"), f"v_{id}", None
        )

    def make_each(self, depth: int) -> Block:
        return self.make_user(depth) if self.loops else self.many(in_turn=False)

    def make_in_turn(self, depth: int) -> Block:
        return self.make_user(depth) if self.loops else self.many(in_turn=True)

    def make_loop(self, depth: int) -> blocks.Loop:
        self.loops += 1
        body = self.seq(depth - 1)
        asked, again = self.asked()
        self.loops -= 1
        return blocks.Loop(self.id("again"), Seq((body, asked)), again)

    def make_deadline(self, depth: int) -> User:
        return self.make_user(0, Boundary(self.id("on"), self.timer(), True, self.seq(depth - 1)))

    def make_withdrawn(self, depth: int) -> User:
        return self.make_user(0, Boundary(self.id("on"), self.message(), True, self.seq(depth - 1)))

    def make_reminded(self, depth: int) -> User:
        return self.make_user(0, Boundary(self.id("on"), self.timer(), False, Seq((self.make_user(0),))))

    def make_interrupted(self, depth: int) -> blocks.Sub:
        event = self.random.choice((self.message(), self.timer()))
        return blocks.Sub(
            self.id("Sub"), Scope(self.seq(depth - 1)), (Boundary(self.id("on"), event, True, self.seq(depth - 1)),)
        )

    def make_stop(self, depth: int) -> Seq:
        asked, condition = self.asked()
        over = blocks.End(self.id("stop"), terminates=True)
        return Seq((asked, blocks.Xor(self.id("choose"), ((condition, over),), Seq())))

    def make_leave(self, depth: int) -> Seq:
        asked, condition = self.asked()
        return Seq((asked, blocks.Xor(self.id("choose"), ((condition, blocks.End(self.id("leave"))),), Seq())))

    def make_raising(self, depth: int) -> blocks.Sub:
        raised = blocks.Escalate(self.id("raise"), "up")
        interrupting = self.random.random() < 0.5
        caught = Boundary(self.id("on"), blocks.Escalation("up"), interrupting, Seq((self.make_user(0),)))
        return blocks.Sub(
            self.id("Sub"), Scope(Seq((self.make_user(0), raised, *self.seq(depth - 1).blocks))), (caught,)
        )


# -- both


@dataclass
class Opinions:
    """One case on the machine and one on the untouched library. differs(): what they disagree about, "" for nothing."""

    tree: Tree
    seed: int
    machine_class: type[Machine] = Machine
    inputs: list[Input] = field(default_factory=list)

    def __post_init__(self) -> None:
        drawn = draw(self.tree, self.seed)
        started = Started(at=MONDAY, by="starter", variables=STARTED_WITH)
        self.machine, _ = self.machine_class.start(compile_process(*drawn), started)
        written = {name for part in self.tree.parts for name in getattr(part, "writes", ())}  # not in instances
        self.stock = begun(drawn, self.tree.id, STARTED_WITH | dict.fromkeys(written))

    def differs(self) -> str:
        ours = Counter(wait.element for wait in self.machine.waits.values())
        theirs = waiting(self.stock)
        if ours != theirs or self.machine.is_ended != (not theirs):
            return f"ours {dict(ours - theirs)}, stock {dict(theirs - ours)}, ended {self.machine.is_ended}"
        return "" if self.machine.is_ended == self.stock.is_completed() else f"stock ended {self.stock.is_completed()}"

    def take(self, wait: Wait, answer: Any) -> None:
        at, address, element = self.machine.at, wait.address, wait.element
        match wait:
            case UserTaskWait():
                given: Input = WorkItemCompleted(at=at, wait=address, by="somebody", values={f"v_{element}": answer})
                complete(self.stock, element, {f"v_{element}": answer})
            case MessageWait():
                given = MessageReceived(at=at, wait=address, message=wait.message, payload={})
                self.stock.catch(BpmnEvent(MessageEventDefinition(wait.message), {}))
                self.stock.do_engine_steps()
            case TimerWait():
                given = TimerFired(at=max(at, wait.due), wait=address)
                let_its_time_come(self.stock, element)
            case _:
                raise AssertionError(wait)
        self.inputs.append(given)
        self.machine.apply(given)

    def take_next(self, element: str, answer: Any) -> str:
        """Give an input to this element and say what they disagree about then."""
        self.take(next(wait for wait in self.machine.waits.values() if wait.element == element), answer)
        return self.differs()

    def play(self, random: Random) -> str:
        while not (difference := self.differs()) and not self.machine.is_ended and len(self.inputs) < LONGEST_PATH:
            self.take(random.choice(list(self.machine.waits.values())), random.choice(ANSWERS))
        return difference


# -- the untouched library


def begun(drawn: Drawn, process: str, data: dict[str, Any]) -> BpmnWorkflow:
    parser = SpiffBpmnParser()
    for xml in (drawn.xml, *drawn.called.values()):
        far = re.sub(rb">PT1H<", b'>"P9000D"<', xml)
        parser.add_bpmn_xml(etree.fromstring(far))
    workflow = BpmnWorkflow(parser.get_spec(process), parser.get_subprocess_specs(process))
    workflow.task_tree.data.update(data)
    workflow.do_engine_steps()
    return workflow


def waiting(workflow: BpmnWorkflow) -> Counter[str]:
    """Elements that wait for something from outside, as often as they do."""
    found: Counter[str] = Counter()
    for task in every(workflow, TaskState.READY | TaskState.WAITING):
        spec = task.task_spec
        if task.state == TaskState.READY and spec.manual:
            found[name_of(task)] += 1
        elif isinstance(spec, EventBasedGateway):
            found.update(child.name for child in spec.outputs)
        elif isinstance(spec, BoundaryEvent | IntermediateCatchEvent) and task.state == TaskState.WAITING:
            found[name_of(task)] += type(spec.event_definition).__name__ not in _THROWN
    return +found


def name_of(task: Any) -> str:
    return str(task.task_spec.name.removesuffix(" [child]"))


def complete(workflow: BpmnWorkflow, element: str, values: dict[str, Any]) -> None:
    task = next(task for task in every(workflow, TaskState.READY) if name_of(task) == element)
    task.data.update(values)
    task.run()
    workflow.do_engine_steps()


def let_its_time_come(workflow: BpmnWorkflow, element: str) -> None:
    """Of this one timer; after an event-based gateway the gateway keeps it."""
    for task in every(workflow, TaskState.WAITING):
        of_gateway = isinstance(task.task_spec, EventBasedGateway) and element in {
            s.name for s in task.task_spec.outputs
        }
        if name_of(task) == element or of_gateway:
            task._set_internal_data(event_value="2001-01-01T00:00:00+00:00")
    workflow.refresh_timers()
    workflow.do_engine_steps()
