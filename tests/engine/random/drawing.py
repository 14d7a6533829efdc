"""Draws a block tree as BPMN XML in the dialect of the flows, with the gateways and flows a person would draw."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from tests.engine.random.blocks import (
    Activity,
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
from tests.engine.random.clocks import LANES

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"


class Drawn(NamedTuple):
    """BPMN XML; by decision id, DMN XML; by process id, the BPMN XML of the processes it calls."""

    xml: bytes
    decisions: dict[str, bytes]
    called: dict[str, bytes]


def draw(tree: Tree, seed: int) -> Drawn:
    """The seed decides where flows meet: in a gateway or at the next element."""
    drawing = _Drawing(Random(seed))
    body = drawing.inside(tree.scope)
    called = {process: drawing.file(process, inner) for process, inner in drawing.called.items()}
    decisions = {name: text.encode() for name, text in drawing.decisions.items()}
    return Drawn(drawing.file(tree.id, body), decisions, called)


def condition_text(condition: Condition) -> str:
    name = condition.variable
    return {
        "is": f"{name} == {condition.constant!r}",
        "is not": f"{name} != {condition.constant!r}",
        "truthy": name,
        "falsy": f"not {name}",
        "less": f"{name} < {condition.constant!r}",
    }[condition.operator]


def timer_text(text: TimerText) -> str:
    return f"working_days({text.text})" if text.kind == "working_days" else text.text


class _Drawing:
    """Exits are (element, condition text or None, is default) of flows that still look for their target."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.level: list[str] = []
        self.flows: dict[str, str] = {}
        self.roots: dict[str, str] = {}
        self.decisions: dict[str, str] = {}
        self.called: dict[str, str] = {}
        self.names = 0
        self.has_lanes = False
        self.lanes: dict[str, str] = {}  # lane by user task
        self.loops: dict[str, str] = {}  # loop characteristics that an element still to be drawn has

    def file(self, process: str, body: str) -> bytes:
        xml = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<bpmn:definitions xmlns:bpmn="{BPMN}" xmlns:spiffworkflow="{SPIFF}" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="definitions" '
            'targetNamespace="http://bpmn.io/schema/bpmn">\n'
            f'<bpmn:process id={quoteattr(process)} isExecutable="true">{self.lane_set(body)}\n{body}\n</bpmn:process>\n'
            + "\n".join(self.roots.values())
            + "\n</bpmn:definitions>\n"
        )
        return xml.encode()

    def lane_set(self, body: str) -> str:
        """The lanes that the file's own clocks and user tasks name; a called process has the same ones for its own."""
        drawn = "".join(
            f'<bpmn:lane id="{lane}">'
            + "".join(
                f"<bpmn:flowNodeRef>{task}</bpmn:flowNodeRef>"
                for task, of in self.lanes.items()
                if of == lane and f'id="{task}"' in body
            )
            + "</bpmn:lane>"
            for lane in LANES
        )
        return f'<bpmn:laneSet id="lanes">{drawn}</bpmn:laneSet>' if self.has_lanes else ""

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}_{self.names}"

    def connect(self, exits: Iterable[Exit], target: str) -> None:
        for source, flow, condition in exits:
            inner = (
                f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{escape(condition)}</bpmn:conditionExpression>'
                if condition
                else ""
            )
            ends = f'sourceRef="{source}" targetRef="{target}"'
            self.flows[flow] = f'<bpmn:sequenceFlow id="{flow}" {ends}>{inner}</bpmn:sequenceFlow>'

    def exit(self, source: str, condition: str = "") -> Exit:
        return source, self.name("flow"), condition

    def node(self, kind: str, id: str, exits: Sequence[Exit], inner: str = "", attributes: str = "") -> list[Exit]:
        """Draw an element, lead the exits to it, and give its one exit."""
        self.level.append(f'<bpmn:{kind} id="{id}"{attributes}>{self.loops.pop(id, "")}{inner}</bpmn:{kind}>')
        self.connect(exits, id)
        return [self.exit(id)]

    def merged(self, exits: list[Exit]) -> list[Exit]:
        """At most one exit: several meet in an exclusive gateway."""
        return self.node("exclusiveGateway", self.name("merge"), exits) if len(exits) > 1 else exits

    def maybe_merged(self, exits: list[Exit]) -> list[Exit]:
        return self.merged(exits) if self.random.random() < 0.5 else exits

    # -- scopes

    def scope(self, scope: Scope, start: str = "", start_inner: str = "", start_attributes: str = "") -> None:
        entry = self.node("startEvent", start or self.name("start"), [], start_inner, start_attributes)
        exits = self.block(scope.body, entry)
        if exits:
            self.end(End(self.name("end"), outcome=scope.outcome), self.maybe_merged(exits))
        for handler in scope.handlers:
            self.event_sub(handler)

    def inside(self, scope: Scope, start: str = "", start_inner: str = "", start_attributes: str = "") -> str:
        """The elements of a scope, then its flows: a gateway tries its ways out in the order the file has them."""
        outer, self.level, self.flows = (self.level, self.flows), [], {}
        self.scope(scope, start, start_inner, start_attributes)
        inner = "\n".join([*self.level, *(self.flows[flow] for flow in sorted(self.flows, key=number_of))])
        self.level, self.flows = outer
        return inner

    def event_sub(self, handler: EventSub) -> None:
        interrupting = f' isInterrupting="{str(handler.interrupting).lower()}"'
        inner = self.inside(handler.scope, handler.start, self.event(handler.event), interrupting)
        self.level.append(f'<bpmn:subProcess id="{handler.id}" triggeredByEvent="true">{inner}</bpmn:subProcess>')

    # -- blocks: each leads the exits it is given to itself and returns its own

    def block(self, block: Block, exits: list[Exit]) -> list[Exit]:
        draw = getattr(self, f"draw_{type(block).__name__.lower()}")
        result: list[Exit] = draw(block, exits)
        return result

    def draw_seq(self, seq: Seq, exits: list[Exit]) -> list[Exit]:
        for block in seq.blocks:
            exits = self.block(block, self.maybe_merged(exits))
        return exits

    def draw_user(self, user: User, exits: list[Exit]) -> list[Exit]:
        settings = {"form": user.id.lower()}
        if user.lane:
            self.lanes[user.id] = user.lane
            self.has_lanes = True
        if user.due:
            settings["due"] = timer_text(user.due)
        out = self.node("userTask", user.id, exits, self.extension(properties(settings)))
        return out + self.boundaries(user)

    def draw_job(self, job: Job, exits: list[Exit]) -> list[Exit]:
        given = "".join(
            f'<spiffworkflow:parameter id="{name}" type="str" value="{variable}" />'
            for name, variable in job.parameters
        )
        result = f' resultVariable="{job.result}"' if job.result else ""
        operator = (
            f'<spiffworkflow:serviceTaskOperator id="{job.service}"{result}>'
            f"<spiffworkflow:parameters>{given}</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator>"
        )
        return self.node("serviceTask", job.id, exits, self.extension(operator)) + self.boundaries(job)

    def draw_rule(self, rule: Rule, exits: list[Exit]) -> list[Exit]:
        decision = f"decision_{rule.id}"
        self.decisions[decision] = decision_xml(decision, rule)
        called = f"<spiffworkflow:calledDecisionId>{decision}</spiffworkflow:calledDecisionId>"
        return self.node("businessRuleTask", rule.id, exits, self.extension(called))

    def draw_xor(self, xor: Xor, exits: list[Exit]) -> list[Exit]:
        ways = [(self.exit(xor.id, condition_text(condition)), branch) for condition, branch in xor.branches]
        default = ""
        if xor.otherwise is not None:
            way = self.exit(xor.id)
            default = f' default="{way[1]}"'
            ways.append((way, xor.otherwise))
        self.level.append(f'<bpmn:exclusiveGateway id="{xor.id}"{default} />')
        self.connect(exits, xor.id)
        return [out for way, branch in ways for out in self.block(branch, [way])]

    def draw_or(self, block: Or, exits: list[Exit]) -> list[Exit]:
        ways = [(self.exit(block.id, condition_text(condition)), branch) for condition, branch in block.branches]
        default = ""
        if block.otherwise is not None:
            way = self.exit(block.id)
            default = f' default="{way[1]}"'
            ways.append((way, block.otherwise))
        self.level.append(f'<bpmn:inclusiveGateway id="{block.id}"{default} />')
        self.connect(self.merged(exits), block.id)  # two flows into it would make it a join
        ends = [out for way, branch in ways for out in self.apart(way, branch)]
        return self.node("inclusiveGateway", f"{block.id}_join", ends)

    def apart(self, way: Exit, branch: Block) -> list[Exit]:
        """The one exit of a branch that is not the gateway's own: each flow into the join comes from somewhere else."""
        ends = self.merged(self.block(branch, [way]))
        return self.node("exclusiveGateway", self.name("merge"), ends) if ends == [way] else ends

    def draw_escalate(self, block: Escalate, exits: list[Exit]) -> list[Exit]:
        return self.node("intermediateThrowEvent", block.id, exits, self.event(Escalation(block.code)))

    def draw_par(self, par: Par, exits: list[Exit]) -> list[Exit]:
        self.node("parallelGateway", par.id, self.merged(exits))  # two flows into it would make it a join
        ends = [out for branch in par.branches for out in self.merged(self.block(branch, [self.exit(par.id)]))]
        return self.node("parallelGateway", f"{par.id}_join", ends)

    def draw_catch(self, catch: Catch, exits: list[Exit]) -> list[Exit]:
        return self.node("intermediateCatchEvent", catch.id, exits, self.event(catch.event))

    def draw_race(self, race: Race, exits: list[Exit]) -> list[Exit]:
        self.level.append(f'<bpmn:eventBasedGateway id="{race.id}" />')
        self.connect(exits, race.id)
        return [
            out
            for catch, branch in race.branches
            for out in self.block(branch, self.draw_catch(catch, [self.exit(race.id)]))
        ]

    def draw_loop(self, loop: Loop, exits: list[Exit]) -> list[Exit]:
        again = self.exit(loop.id, condition_text(loop.again))
        entry = self.node("exclusiveGateway", f"{loop.id}_in", [*exits, again])
        ends = self.block(loop.body, entry)
        out = self.exit(loop.id)
        self.level.append(f'<bpmn:exclusiveGateway id="{loop.id}" default="{out[1]}" />')
        self.connect(ends, loop.id)
        return [out]

    def draw_end(self, end: End, exits: list[Exit]) -> list[Exit]:
        self.end(end, exits)
        return []

    def draw_sub(self, sub: Sub, exits: list[Exit]) -> list[Exit]:
        return self.node("subProcess", sub.id, exits, self.inside(sub.scope)) + self.boundaries(sub)

    def draw_call(self, call: Call, exits: list[Exit]) -> list[Exit]:
        self.called[call.process] = self.inside(call.scope)
        given = given_texts("in.", call.inputs) | given_texts("out.", call.outputs)
        attributes = f' calledElement="{call.process}"'
        out = self.node("callActivity", call.id, exits, self.extension(properties(given)), attributes)
        return out + self.boundaries(call)

    def draw_send(self, send: Send, exits: list[Exit]) -> list[Exit]:
        given = {"correlation": send.correlation} if send.correlation else {}
        inner = self.extension(properties(given | given_texts("payload.", send.payload)))
        if send.message.startswith("signal:"):
            out = self.node(send.kind, send.id, exits, inner + self.signal(send.message))
            return [] if send.kind == "endEvent" else out
        self.roots[f"message_{send.message}"] = f'<bpmn:message id="message_{send.message}" name="{send.message}" />'
        reference = f'messageRef="message_{send.message}"'
        if send.kind == "sendTask":
            return self.node("sendTask", send.id, exits, inner, f" {reference}")
        out = self.node(send.kind, send.id, exits, f"{inner}<bpmn:messageEventDefinition {reference} />")
        return [] if send.kind == "endEvent" else out

    def draw_many(self, many: Many, exits: list[Exit]) -> list[Exit]:
        self.loops[many.id] = loop_xml(many)
        return self.block(many.inner, exits) + self.boundaries(many)

    # -- details

    def boundaries(self, activity: Activity) -> list[Exit]:
        exits: list[Exit] = []
        for boundary in activity.boundaries:
            exits += self.boundary(boundary, activity.id)
        return exits

    def boundary(self, boundary: Boundary, host: str) -> list[Exit]:
        attributes = f' attachedToRef="{host}" cancelActivity="{str(boundary.interrupting).lower()}"'
        out = self.node("boundaryEvent", boundary.id, [], self.event(boundary.event), attributes)
        exits = self.block(boundary.handler, out)
        if boundary.interrupting:
            return exits
        if exits:
            self.end(End(self.name("end")), exits)
        return []

    def end(self, end: End, exits: list[Exit]) -> None:
        inner = self.extension(properties({"outcome": end.outcome})) if end.outcome else ""
        self.node("endEvent", end.id, exits, inner + self.thrown(end))

    def thrown(self, end: End) -> str:
        if end.terminates:
            return "<bpmn:terminateEventDefinition />"
        if end.escalation:
            return self.event(Escalation(end.escalation))
        return self.event(Error(end.error)) if end.error else ""

    def signal(self, message: str) -> str:
        name = message.removeprefix("signal:")
        self.roots[f"signal_{name}"] = f'<bpmn:signal id="signal_{name}" name="{name}" />'
        return f'<bpmn:signalEventDefinition signalRef="signal_{name}" />'

    def event(self, event: Event) -> str:
        if isinstance(event, Timer) and event.cycle:
            text = f"R{event.cycle if event.cycle > 0 else ''}/{event.text.text}"
            return f"<bpmn:timerEventDefinition><bpmn:timeCycle>{text}</bpmn:timeCycle></bpmn:timerEventDefinition>"
        if isinstance(event, Timer):
            text = timer_text(event.text)
            kind = "timeDate" if text[:2].isdigit() else "timeDuration"
            drawn = f"<bpmn:timerEventDefinition><bpmn:{kind}>{escape(text)}</bpmn:{kind}></bpmn:timerEventDefinition>"
            if not event.pauses:
                return drawn
            self.has_lanes = True
            return self.extension(properties({"pauses_while": " ".join(event.pauses)})) + drawn
        settings = {"correlation": getattr(event, "correlation", ""), "result": event.result}
        given = {name: value for name, value in settings.items() if value}
        extension = self.extension(properties(given)) if given else ""
        if isinstance(event, Message) and event.name.startswith("signal:"):
            return extension + self.signal(event.name)
        if isinstance(event, Message):
            self.roots[f"message_{event.name}"] = f'<bpmn:message id="message_{event.name}" name="{event.name}" />'
            return extension + f'<bpmn:messageEventDefinition messageRef="message_{event.name}" />'
        what = "error" if isinstance(event, Error) else "escalation"
        if not event.code:
            return extension + f"<bpmn:{what}EventDefinition />"
        self.roots[f"{what}_{event.code}"] = f'<bpmn:{what} id="{what}_{event.code}" {what}Code="{event.code}" />'
        return extension + f'<bpmn:{what}EventDefinition {what}Ref="{what}_{event.code}" />'

    def extension(self, inner: str) -> str:
        return f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>"


Exit = tuple[str, str, str]  # source element, id of the flow, condition text


def number_of(flow: str) -> int:
    return int(flow.removeprefix("flow_"))


def loop_xml(many: Many) -> str:
    over = f"<bpmn:loopDataInputRef>{many.collection}</bpmn:loopDataInputRef>"
    inner = f"<bpmn:loopCardinality>{many.times}</bpmn:loopCardinality>" if many.times else over
    inner += f'<bpmn:inputDataItem id="{many.item}" />' if many.item else ""
    inner += f"<bpmn:loopDataOutputRef>{many.output}</bpmn:loopDataOutputRef>" if many.output else ""
    inner += f'<bpmn:outputDataItem id="{many.output_item}" />' if many.output_item else ""
    if many.enough is not None:
        kind, wanted = many.enough
        own = "results" if many.output_item else f'column(results, "v_{many.id}")'
        text = {"done": f"done >= {wanted}", "half": "done * 2 > total", "value": f"count({own}, {wanted!r}) > 0"}[kind]
        inner += f"<bpmn:completionCondition>{escape(text)}</bpmn:completionCondition>"
    tag = "bpmn:multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{str(many.in_turn).lower()}">{inner}</{tag}>'


def given_texts(prefix: str, given: Given) -> dict[str, str]:
    return {
        prefix + name: f"True if {condition_text(of)} else False" if isinstance(of, Condition) else of
        for name, of in given
    }


def properties(values: dict[str, str]) -> str:
    inner = "".join(
        f'<spiffworkflow:property name="{name}" value={quoteattr(value)} />' for name, value in values.items()
    )
    return f"<spiffworkflow:properties>{inner}</spiffworkflow:properties>"


def decision_xml(decision: str, rule: Rule) -> str:
    rows = "".join(
        f'<rule id="{rule.id}_{n}"><inputEntry id="{rule.id}_{n}_i"><text>{escape(_cell(row.values))}</text></inputEntry>'
        f'<outputEntry id="{rule.id}_{n}_o"><text>{escape(_literal(row.output))}</text></outputEntry></rule>'
        for n, row in enumerate(rule.rows, 1)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<definitions xmlns="{DMN}" id="definitions_{rule.id}" name="decisions" '
        f'namespace="http://camunda.org/schema/1.0/dmn"><decision id="{decision}" name="{decision}">'
        f'<decisionTable id="table_{rule.id}" hitPolicy="{rule.hit_policy}"><input id="in_{rule.id}" label="in">'
        f'<inputExpression id="expression_{rule.id}" typeRef="string"><text>{rule.reads}</text></inputExpression></input>'
        f'<output id="out_{rule.id}" label="out" name="{rule.writes}" typeRef="string" />{rows}'
        "</decisionTable></decision></definitions>"
    )


def _cell(values: tuple[Any, ...] | None) -> str:
    return "-" if values is None else ",".join(_literal(value) for value in values)


def _literal(value: Any) -> str:
    return json.dumps(value)
