"""Random block-structured processes, the same for the same seed.

What is kept out, because no diagram that passes the deployment check has it or because its result would hang on the order
in which parallel branches of one run are executed:
- a way around every wait of a loop's body;
- an end event in a branch of a parallel gateway, unless it throws an error, and then right after a wait;
- a parallel gateway outside a subprocess in the handler of a non-interrupting boundary event;
- a decision's output read anywhere but right behind the decision.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.engine.random.blocks import (
    Block,
    Boundary,
    Call,
    Catch,
    Condition,
    End,
    Error,
    Escalate,
    Escalation,
    Event,
    EventSub,
    Given,
    Job,
    Loop,
    Many,
    Message,
    Or,
    Par,
    Race,
    Row,
    Rule,
    Scope,
    Send,
    Seq,
    Sub,
    Timer,
    TimerText,
    Tree,
    User,
    Xor,
)
from tests.engine.random.clocks import with_clocks

# Two kinds of falsy and of truthy each, and never 1 beside True: what `True == 1` should be is not this test's matter.
VALUES: tuple[Any, ...] = (0, False, "", None, 2, 3, "a", "b", True)
CONSTANTS: tuple[Any, ...] = (2, 3, "a", "b", "E1")
ERRORS = ("E1", "E2", "E3")
ESCALATIONS = ("up", "over")
START_VARIABLES = ("s_1", "s_2", "s_3")
MOMENTS = {
    "m_soon": "PT10M",
    "m_later": "P2D",
    "m_day": "2026-03-04T09:00:00+08:00",
    "m_bad": "soon",
}  # the last is none
LISTS = {
    "l_texts": ["x", "y", "z"],
    "l_people": [{"id": "p", "n": 2}, {"id": "q", "n": 3}, {"id": "p"}],
    "l_empty": [],
    "l_bad": "none",
}
GIVEN = MOMENTS | LISTS
LITERALS = ("PT5M", "PT1H30M", "P3D", "PT0M", "2026-03-02T18:00:00+08:00", "2026-03-09T00:00:00+00:00")


def generate(seed: int) -> Tree:
    """A process of some 5 to 60 elements."""
    random = Random(seed)
    maker = _Maker(random, size=random.randint(6, 30))
    place = Place(depth=random.randint(2, 4), is_top=True, may_end=True)
    tree = Tree(f"Random_{seed}", maker.scope(place, is_top=True), {"face_step": maker.random.random() < 0.5})
    return with_clocks(tree, Random(f"clocks {seed}"))


@dataclass(frozen=True)
class Place:
    """Where a block is to stand. depth: how deep blocks may still nest. may_end: a plain end event may stand here.

    may_fork: a parallel gateway may stand here. is_top: an outcome may be reached here. is_alone: nothing runs beside this
    in the run that gets here, so an error may be thrown at once. may_fail: an error may be thrown here: in a branch of an
    inclusive gateway a token that stands at an error nobody caught would keep the reference waiting, and nobody else.
    """

    depth: int
    is_top: bool = False
    may_end: bool = False
    may_fork: bool = True
    is_alone: bool = True
    may_fail: bool = True

    def deeper(self, **changes: Any) -> Place:
        return replace(self, depth=self.depth - 1, **changes)


class _Maker:
    """size: from this many elements on, only small blocks are added."""

    def __init__(self, random: Random, size: int) -> None:
        self.random, self.size = random, size
        self.count = 0
        self.pool = [*START_VARIABLES, "settings.face_step"]

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def variable(self) -> str:
        return self.random.choice(self.pool)

    # -- scopes

    def scope(self, place: Place, *, is_top: bool = False) -> Scope:
        body = self.seq(place, 3 if is_top else 2)
        handlers = tuple(
            self.event_sub(place) for _ in range(self.random.choice((0, 0, 1, 1, 2) if place.depth > 0 else (0,)))
        )
        return Scope(body, self._distinct(handlers), self.id("outcome_") if place.is_top and self.chance(0.7) else "")

    def _distinct(self, handlers: tuple[Any, ...]) -> tuple[Any, ...]:
        """At most one catcher of an error code in a place: which of two equals catches is nobody's promise."""
        seen: set[Any] = set()
        kept = []
        for handler in handlers:
            event = handler.event
            code = (type(event), event.code) if isinstance(event, Error | Escalation) else None
            if code is None or code not in seen:
                kept.append(handler)
            if code is not None:
                seen.add(code)
        return tuple(kept)

    def event_sub(self, place: Place, event: Event | None = None) -> EventSub:
        event = event or self.event(errors=True, escalations=True)
        interrupting = isinstance(event, Error) or self.chance(0.5)
        inside = place.deeper(may_end=True, may_fork=True, may_fail=True, is_top=place.is_top and interrupting)
        id, start, event = self.id("Handler"), self.id("begin"), self.maybe_cycle(event, interrupting=interrupting)
        scope = self.scope(inside)
        if isinstance(event, Escalation) and not interrupting:
            scope = replace(scope, body=Seq((self.user(replace(inside, depth=0)), scope.body)))
        return EventSub(id, start, event, interrupting, scope)

    # -- events

    def maybe_cycle(self, event: Event, *, interrupting: bool) -> Event:
        if isinstance(event, Timer) and not interrupting and self.chance(0.5):
            period = self.random.choice(("PT10M", "PT1H30M", "P1D"))
            return Timer(TimerText("literal", period), self.random.choice((1, 2, 3, -1)))
        return event

    def event(self, *, errors: bool = False, escalations: bool = False) -> Event:
        if escalations and self.chance(0.3):
            return Escalation(self.random.choice((*ESCALATIONS, "")), self.result(".code"))
        if errors and self.chance(0.5):
            return Error(self.random.choice((*ERRORS, "", "")), self.result(".code"))
        return Timer(self.timer()) if self.chance(0.5) else self.message()

    def timer(self) -> TimerText:
        roll = self.random.random()
        if roll < 0.2:
            return TimerText("variable", self.random.choice(tuple(MOMENTS)))
        if roll < 0.35:
            return TimerText("working_days", str(self.random.randint(1, 4)))
        return TimerText("literal", self.random.choice(LITERALS))

    def message(self) -> Message:
        name = self.random.choice(("withdraw", "remind", "answer", "signal:closing"))
        correlation = "" if name.startswith("signal:") else self.random.choice(("", "", "s_1"))
        return Message(name, correlation, self.result(".k"))

    def result(self, part: str) -> str:
        """Perhaps a variable for what an event brings; conditions may read a part of it."""
        if self.chance(0.5):
            return ""
        name = self.id("m_")
        self.pool.append(name + part)
        return name

    def condition(self, variable: str = "") -> Condition:
        operator = self.random.choice(("is", "is", "is not", "truthy", "falsy"))
        if self.chance(0.04):
            operator = "less"
        constant = self.random.choice((2, 3)) if operator == "less" else self.random.choice(CONSTANTS)
        return Condition(variable or self.variable(), operator, constant)  # type: ignore[arg-type]

    # -- blocks

    def seq(self, place: Place, longest: int = 3) -> Seq:
        made = [self.block(place) for _ in range(self.random.randint(1, longest))]
        return Seq(tuple(made))

    def block(self, place: Place) -> Block:
        makers: list[Any] = [self.user, self.user, self.job, self.catch]
        makers += [self.send] if self.chance(0.5) else []
        if place.depth > 0 and self.count < self.size:
            makers += [self.xor, self.decide, self.race, self.loop]
            makers += [self.raise_error] if place.may_fail else []
            makers += 2 * [self.sub] + 2 * [self.attempt] + [self.call] + 2 * [self.many]
            makers += [self.par, self.par, self.inclusive] if place.may_fork else []
            makers += [self.escalate, self.terminate, self.appeal]
            makers += [self.way_out, self.send_off] if place.may_end else []
        made: Block = self.random.choice(makers)(place)
        return made

    def user(self, place: Place) -> User:
        id = self.id("ask")
        writes = (f"v_{id}",)
        self.pool += writes
        due = self.timer() if self.chance(0.3) else None
        return User(id, writes, due, self.boundaries(place, errors=False))

    def job(self, place: Place) -> Job:
        id = self.id("work")
        parameters = tuple((f"p{n}", self.variable()) for n in range(self.random.randint(0, 2)))
        result = f"v_{id}" if self.chance(0.8) else ""
        made = Job(id, f"service.{id}", parameters, result, self.boundaries(place, errors=True))
        self.pool += [result] if result else []
        return made

    def boundaries(self, place: Place, *, errors: bool, escalations: bool = False) -> tuple[Boundary, ...]:
        if place.depth <= 0 or self.count >= self.size:
            return ()
        number = self.random.choice((0, 0, 1, 1, 2, 2))
        return self._distinct(
            tuple(self.boundary(place, errors=errors, escalations=escalations) for _ in range(number))
        )

    def boundary(
        self, place: Place, *, errors: bool, escalations: bool = False, event: Event | None = None
    ) -> Boundary:
        event = event or self.event(errors=errors, escalations=escalations)
        interrupting = isinstance(event, Error) or self.chance(0.55)
        event = self.maybe_cycle(event, interrupting=interrupting)
        if interrupting:
            handler = self.seq(place.deeper(), 2)
        else:
            beside = place.deeper(may_end=True, may_fork=False, is_top=False)
            handler = self.seq(beside, 2)
            if isinstance(event, Escalation):
                handler = Seq((self.user(replace(beside, depth=0)), *handler.blocks))
        return Boundary(self.id("on"), event, interrupting, Seq() if self.chance(0.2) and interrupting else handler)

    def catch(self, place: Place) -> Catch:
        event = self.event()
        assert not isinstance(event, Error)
        return Catch(self.id("until"), event)

    def xor(self, place: Place) -> Xor:
        number = self.random.randint(1, 2)
        branches = tuple((self.condition(), self.branch(place)) for _ in range(number))
        return Xor(self.id("choose"), branches, self.branch(place) if self.chance(0.8) else None)

    def branch(self, place: Place) -> Block:
        return Seq() if self.chance(0.15) else self.seq(place.deeper(), 2)

    def decide(self, place: Place) -> Seq:
        """A decision and the gateway that reads it."""
        id = self.id("decide")
        policy = self.random.choice(("FIRST", "FIRST", "UNIQUE", "COLLECT"))
        rows = tuple(
            Row(tuple(self.random.sample(CONSTANTS, self.random.randint(1, 2))), self.random.choice(CONSTANTS))
            for _ in range(2)
        )
        if policy != "UNIQUE" and self.chance(0.8):
            rows += (Row(None, self.random.choice(CONSTANTS)),)
        rule = Rule(id, self.variable(), f"r_{id}", policy, rows)  # type: ignore[arg-type]
        ways = tuple((self.condition(rule.writes), self.branch(place)) for _ in range(2))
        return Seq((rule, Xor(self.id("choose"), ways, self.branch(place))))

    def par(self, place: Place) -> Par:
        inside = place.deeper(may_end=False, is_alone=False)
        return Par(self.id("both"), tuple(self.alone(inside) for _ in range(self.random.choice((2, 2, 3)))))

    def alone(self, place: Place) -> Seq:
        """A branch that reads nothing the others write: that could happen in one run with it."""
        outer = list(self.pool)
        made = self.seq(place, 2)
        self.pool = outer
        return made

    def inclusive(self, place: Place) -> Or:
        inside = place.deeper(may_end=False, is_alone=False, may_fail=False)
        branches = tuple((self.condition(), self.alone(inside)) for _ in range(self.random.randint(2, 3)))
        return Or(self.id("some"), branches, self.alone(inside) if self.chance(0.8) else None)

    def escalate(self, place: Place, code: str = "") -> Seq:
        """Before what an escalation may take away, a person, unless nothing else runs."""
        first = () if place.is_alone and self.chance(0.5) else (self.user(replace(place, depth=0)),)
        code = code or self.random.choice(ESCALATIONS)
        if place.may_end and self.chance(0.3):
            end = End(self.id("leave"), escalation=code)
            return Seq((*first, Xor(self.id("choose"), ((self.condition(), end),), Seq())))
        return Seq((*first, Escalate(self.id("raise"), code)))

    def terminate(self, place: Place) -> Seq:
        outcome = self.id("outcome_") if place.is_top and self.chance(0.5) else ""
        over = End(self.id("stop"), outcome=outcome, terminates=True)
        asked = self.user(replace(place, depth=0))
        return Seq((asked, Xor(self.id("choose"), ((self.condition(asked.writes[0]), over),), Seq())))

    def race(self, place: Place) -> Race:
        return Race(
            self.id("first"),
            tuple((self.catch(place), self.branch(place)) for _ in range(self.random.choice((2, 2, 3)))),
        )

    def loop(self, place: Place) -> Loop:
        inside = place.deeper()
        before = [self.block(inside)] if self.chance(0.6) else []
        if place.may_fork and self.chance(0.3):
            before.append(self.par(inside))  # a join that sees the tokens of every pass
        return Loop(self.id("again"), Seq((*before, self.user(inside))), self.condition())

    def sub(self, place: Place) -> Sub:
        inside = place.deeper(may_end=True, may_fork=True, is_top=False, may_fail=True)
        return Sub(self.id("Sub"), self.scope(inside), self.boundaries(place, errors=True, escalations=True))

    def given(self, prefix: str) -> Given:
        """Some variables, and perhaps whether something holds, which may fail."""
        count = self.random.randint(0, 2)
        read: list[str | Condition] = [self.variable() for _ in range(count)]
        read += [self.condition()] if self.chance(0.3) else []
        return tuple((self.id(prefix), of) for of in read)

    def call(self, place: Place) -> Call:
        """Within the called process only what is given to it may be read."""
        id = self.id("Call")
        called = self.called(id, place)
        self.pool += [name for name, _ in called.outputs]
        return replace(called, boundaries=self.boundaries(place, errors=True, escalations=True))

    def called(self, id: str, place: Place, *, waits_first: bool = False) -> Call:
        inputs = (*self.given("in_"), *((name, name) for name in GIVEN))
        outer, self.pool = self.pool, [*(name for name, _ in inputs if name not in GIVEN), "settings.face_step"]
        scope = self.inside(place, waits_first=waits_first)
        outputs = self.given("out_")
        self.pool = outer
        return Call(id, f"Process_{id}", scope, inputs, outputs)

    def inside(self, place: Place, *, waits_first: bool) -> Scope:
        """The scope of a subprocess or called process; waits_first: whatever happens in it, a person comes before it."""
        deeper = place.deeper(may_end=True, may_fork=True, is_top=False, may_fail=True)
        first = self.user(replace(deeper, depth=0)) if waits_first else None
        scope = self.scope(deeper)
        return scope if first is None else replace(scope, body=Seq((first, scope.body)), handlers=())

    def many(self, place: Place) -> Many:
        """Instances begin with a wait: which of several that never wait is done first is nobody's promise."""
        id = self.id("Each")
        times, outer = self.random.choice((0, 0, 2, 3)), list(self.pool)
        item = self.id("item_") if self.chance(0.7) else ""
        inside = place.deeper(is_top=False, is_alone=False)
        makers: tuple[Any, ...] = (self.each_user, self.each_user, self.each_job, self.each_sub, self.each_call)
        lists = self.random.choice(("l_texts", "l_texts", "l_people", "l_people", "l_empty", "l_bad"))
        self.pool += [item] if item else []
        self.pool += [f"{item}.n"] if item and not times and lists == "l_people" else []
        inner = self.random.choice(makers)(id, inside)
        self.pool = outer
        own = isinstance(inner, User | Job) and (isinstance(inner, User) or bool(inner.result))
        enough = self.random.choice(
            (None, None, ("done", 1), ("done", 2), ("half", None), ("value", self.random.choice((2, "a"))))
        )
        if enough and enough[0] == "value" and not own:
            enough = None
        output = self.id("all_") if self.chance(0.8) else ""
        output_item = f"v_{id}" if own and self.chance(0.4) else ""
        bounds = self.boundaries(place, errors=not isinstance(inner, User))
        return Many(id, inner, lists, times, self.chance(0.4), item, output, output_item, enough, bounds)

    def each_user(self, id: str, place: Place) -> User:
        return User(id, (f"v_{id}",), self.timer() if self.chance(0.3) else None)

    def each_job(self, id: str, place: Place) -> Job:
        parameters = tuple((f"p{n}", self.variable()) for n in range(self.random.randint(0, 2)))
        return Job(id, f"service.{id}", parameters, f"v_{id}" if self.chance(0.8) else "")

    def each_sub(self, id: str, place: Place) -> Sub:
        return Sub(id, self.inside(place, waits_first=True))

    def each_call(self, id: str, place: Place) -> Call:
        return self.called(id, place, waits_first=True)

    def send(self, place: Place, *, is_last: bool = False) -> Send:
        kinds = ("endEvent",) if is_last else ("intermediateThrowEvent", "sendTask")
        correlation = self.variable() if self.chance(0.5) else ""
        kind = self.random.choice(kinds)
        if kind != "sendTask" and self.chance(0.3):
            return Send(self.id("tell"), kind, "signal:closing", "", self.given("p_"))
        return Send(self.id("tell"), kind, "told", correlation, self.given("p_"))

    def send_off(self, place: Place) -> Xor:
        return Xor(self.id("choose"), ((self.condition(), self.send(place, is_last=True)),), Seq())

    def attempt(self, place: Place) -> Sub:
        """A subprocess that may fail, and what to do then: for its error, for any other, or both."""
        inside = place.deeper(may_end=True, may_fork=True, is_top=False, may_fail=True)
        code = self.random.choice(ERRORS)
        body = Seq((*self.seq(inside, 1).blocks, self.raise_error(inside, code)))
        codes = self.random.choice(((code,), ("",), (code, ""), ("", code)))
        caught = tuple(
            Boundary(self.id("on"), Error(wanted, self.result(".code")), True, self.branch(place)) for wanted in codes
        )
        return Sub(self.id("Sub"), Scope(body), self._distinct((*caught, *self.boundaries(place, errors=False))))

    def appeal(self, place: Place) -> Sub:
        """A subprocess that escalates, and who takes it: at its boundary or inside."""
        inside = place.deeper(may_end=True, may_fork=True, is_top=False, may_fail=True)
        code = self.random.choice(ESCALATIONS)
        raised = self.escalate(replace(inside, may_end=False), code)
        again = self.escalate(inside, code).blocks if self.chance(0.6) else ()
        body = Seq((*self.seq(inside, 1).blocks, *raised.blocks, *self.seq(inside, 1).blocks, *again))
        handlers = (self.event_sub(inside, Escalation(code, self.result(".code"))),) if self.chance(0.4) else ()
        caught = self.boundary(
            place, errors=False, event=Escalation(self.random.choice((code, "")), self.result(".code"))
        )
        more = self.boundaries(place, errors=True, escalations=True)
        return Sub(self.id("Sub"), Scope(body, handlers), self._distinct((caught, *more)))

    def raise_error(self, place: Place, code: str = "") -> Seq:
        """The scope may end with an error: because of a person's answer, or at once."""
        failed = End(self.id("fail"), error=code or self.random.choice(ERRORS))
        if place.is_alone and self.chance(0.4):
            return Seq((Xor(self.id("choose"), ((self.condition(), failed),), Seq()),))
        asked = self.user(replace(place, depth=0))
        return Seq((asked, Xor(self.id("choose"), ((self.condition(asked.writes[0]), failed),), Seq())))

    def way_out(self, place: Place) -> Xor:
        end = End(self.id("leave"), outcome=self.id("outcome_") if place.is_top else "")
        return Xor(self.id("choose"), ((self.condition(), Seq((*self.maybe_first(place), end))),), Seq())

    def maybe_first(self, place: Place) -> tuple[Block, ...]:
        return (self.job(place.deeper()),) if self.chance(0.4) else ()
