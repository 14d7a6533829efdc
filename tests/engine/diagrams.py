"""A small builder of diagrams in the flows' dialect, for tests.

    d = Diagram()
    d.start("begin")
    d.user("fill", form="information")
    d.end("done", outcome="verified")
    d.flow("begin", "fill", "done")
    process = d.compile()

Every method that draws takes the element's id first. Subprocesses are drawn the same way: `with`-free, on what
`d.subprocess("check")` or `d.event_subprocess("withdraw")` gives back.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from engine.machine import Process, compile_process

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"


class Scope:
    """What can be drawn in a process or a subprocess."""

    def __init__(self, top: Diagram | None = None) -> None:
        self._top: Diagram = top if top is not None else self  # type: ignore[assignment]
        self._parts: list[str] = []
        self._inner: list[tuple[str, Scope]] = []
        self._defaults: dict[str, str] = {}
        self._flows: list[str] = []
        self._handlers: list[str] = []

    def start(self, element: str = "begin", event: str = "", **properties: str) -> str:
        """event: what `timer`, `message` or `error` gives, for the start of an event subprocess."""
        return self._draw("startEvent", element, event, properties)

    def end(self, element: str = "done", outcome: str = "", event: str = "", **properties: str) -> str:
        """event: what the end event throws."""
        given = {"outcome": outcome} if outcome else {}
        return self._draw("endEvent", element, event, given | dotted(properties))

    def error_end(self, element: str, code: str) -> str:
        return self._draw("endEvent", element, self._top.error(code), {})

    def user(self, element: str, *, many: str = "", **properties: object) -> str:
        """properties: form, due, priority. many: what `many()` gives."""
        return self._draw("userTask", element, many, {name: str(value) for name, value in properties.items()})

    def service(self, element: str, service: str = "", *, result: str = "", many: str = "", **parameters: str) -> str:
        """parameters: expressions by parameter name. service: the element's id where empty."""
        given = "".join(
            f'<spiffworkflow:parameter id="{name}" type="any" value={quoteattr(text)}/>'
            for name, text in parameters.items()
        )
        variable = f' resultVariable="{result}"' if result else ""
        operator = (
            f'<spiffworkflow:serviceTaskOperator id="{service or element}"{variable}>'
            f"<spiffworkflow:parameters>{given}</spiffworkflow:parameters></spiffworkflow:serviceTaskOperator>"
        )
        return self._draw("serviceTask", element, many, {}, extension=operator)

    def rule(self, element: str, decision: str) -> str:
        called = f"<spiffworkflow:calledDecisionId>{decision}</spiffworkflow:calledDecisionId>"
        return self._draw("businessRuleTask", element, "", {}, extension=called)

    def xor(self, element: str) -> str:
        return self._draw("exclusiveGateway", element, "", {})

    def inclusive(self, element: str) -> str:
        return self._draw("inclusiveGateway", element, "", {})

    def parallel(self, element: str) -> str:
        return self._draw("parallelGateway", element, "", {})

    def race(self, element: str) -> str:
        """An event-based gateway."""
        return self._draw("eventBasedGateway", element, "", {})

    def catch(self, element: str, event: str, **properties: str) -> str:
        """An intermediate event. event: what `timer` or `message` gives."""
        return self._draw("intermediateCatchEvent", element, event, properties)

    def boundary(self, element: str, on: str, event: str, *, interrupting: bool = True, **properties: str) -> str:
        """event: what `timer`, `message` or `error` gives. properties: result, correlation."""
        more = f' attachedToRef="{on}" cancelActivity="{str(interrupting).lower()}"'
        return self._draw("boundaryEvent", element, event, properties, attributes=more)

    def throw(self, element: str, event: str, **properties: str) -> str:
        """event: what `message` gives. properties: correlation, and payload_<name> for payload.<name>."""
        return self._draw("intermediateThrowEvent", element, event, dotted(properties))

    def send(self, element: str, message: str, **properties: str) -> str:
        """A send task; properties as of `throw`."""
        self._top.message(message)
        return self._draw("sendTask", element, "", dotted(properties), attributes=f' messageRef="message.{message}"')

    def call(self, element: str, process: str, *, many: str = "", **properties: str) -> str:
        """A call activity. properties: in_<name> → in.<name>, out_<name> → out.<name>."""
        return self._draw("callActivity", element, many, dotted(properties), attributes=f' calledElement="{process}"')

    def subprocess(self, element: str, *, many: str = "") -> Scope:
        scope = self._scope("subProcess", element, "")
        scope.raw(many)
        return scope

    def event_subprocess(
        self, element: str, start: str, event: str, *, interrupting: bool = True, **properties: str
    ) -> Scope:
        """Comes with its start event `start`."""
        scope = self._scope("subProcess", element, ' triggeredByEvent="true"')
        flag = f' isInterrupting="{str(interrupting).lower()}"'
        scope._draw("startEvent", start, event, properties, attributes=flag)
        return scope

    def undone_by(self, activity: str, handler: str) -> None:
        """A compensation boundary event `undo.<activity>` that leads to `handler`, which is drawn already and becomes one."""
        event = f"undo.{activity}"
        self._draw("boundaryEvent", event, self.compensation(), {}, attributes=f' attachedToRef="{activity}"')
        self.raw(f'<bpmn:association id="to.{handler}" sourceRef="{event}" targetRef="{handler}"/>')
        self._handlers.append(handler)

    @staticmethod
    def compensation(activity: str = "") -> str:
        """activity "": everything of the scope."""
        reference = f' activityRef="{activity}"' if activity else ""
        return f"<bpmn:compensateEventDefinition{reference}/>"

    def flow(self, *elements: str, when: str = "", default: bool = False) -> None:
        """Sequence flows from each element to the next. when: condition of the first of them."""
        for source, target in pairwise(elements):
            name = f"flow.{source}.{target}.{len(self._top.flows)}"
            self._top.flows.append(name)
            condition = f"<bpmn:conditionExpression>{escape(when)}</bpmn:conditionExpression>" if when else ""
            self._flows.append(
                f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{condition}</bpmn:sequenceFlow>'
            )
            if default:
                self._defaults[source] = name
            when, default = "", False

    def raw(self, xml: str) -> None:
        """Anything else, as BPMN XML."""
        self._parts.append(xml)

    def body(self) -> str:
        drawn = "".join(part() if callable(part) else part for part in self._parts)
        for element, flow in self._defaults.items():
            drawn = drawn.replace(f' id="{element}"', f' id="{element}" default="{flow}"', 1)
        for handler in self._handlers:
            drawn = drawn.replace(f' id="{handler}"', f' id="{handler}" isForCompensation="true"', 1)
        return drawn + "".join(self._flows)

    def _scope(self, kind: str, element: str, attributes: str) -> Scope:
        scope = Scope(self._top)
        self._parts.append(lambda: f'<bpmn:{kind} id="{element}"{attributes}>{scope.body()}</bpmn:{kind}>')  # type: ignore[arg-type]
        return scope

    def _draw(
        self,
        kind: str,
        element: str,
        event: str,
        properties: Mapping[str, str],
        *,
        attributes: str = "",
        extension: str = "",
    ) -> str:
        entries = "".join(
            f"<spiffworkflow:property name={quoteattr(name)} value={quoteattr(value)}/>"
            for name, value in properties.items()
        )
        if entries:
            extension += f"<spiffworkflow:properties>{entries}</spiffworkflow:properties>"
        if extension:
            extension = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>"
        self._parts.append(f'<bpmn:{kind} id="{element}" name="{element}"{attributes}>{extension}{event}</bpmn:{kind}>')
        return element


class Diagram(Scope):
    """A whole file with one executable process. lanes: lane id → ids of the elements drawn in it."""

    def __init__(self, process_id: str = "process", lanes: Mapping[str, list[str]] | None = None) -> None:
        super().__init__()
        self.process_id = process_id
        self.flows: list[str] = []
        self._lanes = lanes or {}
        self._named: dict[str, str] = {}

    @staticmethod
    def timer(text: str, kind: str = "timeDuration") -> str:
        return f"<bpmn:timerEventDefinition><bpmn:{kind}>{escape(text)}</bpmn:{kind}></bpmn:timerEventDefinition>"

    def message(self, name: str) -> str:
        self._named[f"message.{name}"] = f'<bpmn:message id="message.{name}" name="{name}"/>'
        return f'<bpmn:messageEventDefinition messageRef="message.{name}"/>'

    def signal(self, name: str) -> str:
        self._named[f"signal.{name}"] = f'<bpmn:signal id="signal.{name}" name="{name}"/>'
        return f'<bpmn:signalEventDefinition signalRef="signal.{name}"/>'

    def escalation(self, code: str = "") -> str:
        """code "": catches all."""
        if not code:
            return "<bpmn:escalationEventDefinition/>"
        self._named[f"escalation.{code}"] = f'<bpmn:escalation id="escalation.{code}" escalationCode="{code}"/>'
        return f'<bpmn:escalationEventDefinition escalationRef="escalation.{code}"/>'

    @staticmethod
    def terminate() -> str:
        return "<bpmn:terminateEventDefinition/>"

    def error(self, code: str = "") -> str:
        """code "": catches all."""
        if not code:
            return "<bpmn:errorEventDefinition/>"
        self._named[f"error.{code}"] = f'<bpmn:error id="error.{code}" name="{code}" errorCode="{code}"/>'
        return f'<bpmn:errorEventDefinition errorRef="error.{code}"/>'

    def xml(self) -> bytes:
        lanes = "".join(
            f'<bpmn:lane id="{lane}" name="lane {lane}">'
            + "".join(f"<bpmn:flowNodeRef>{element}</bpmn:flowNodeRef>" for element in elements)
            + "</bpmn:lane>"
            for lane, elements in self._lanes.items()
        )
        lane_set = f'<bpmn:laneSet id="lanes">{lanes}</bpmn:laneSet>' if lanes else ""
        return (
            f'<bpmn:definitions xmlns:bpmn="{BPMN}" xmlns:spiffworkflow="{SPIFF}" id="definitions" targetNamespace="test">'
            f'<bpmn:process id="{self.process_id}" isExecutable="true">{lane_set}{self.body()}</bpmn:process>'
            f"{''.join(self._named.values())}</bpmn:definitions>"
        ).encode()

    def compile(self, decisions: Mapping[str, bytes] | None = None, *called: Diagram) -> Process:
        return compile_process(self.xml(), decisions or {}, {f"{d.process_id}.bpmn": d.xml() for d in called})


def many(over: str = "", *, times: str = "", in_turn: bool = False, until: str = "", **names: str) -> str:
    """Loop characteristics over a collection or a number of times. names: item, output, output_item."""
    parts = {"loopCardinality": times, "loopDataInputRef": over}
    xml = "".join(f"<bpmn:{tag}>{escape(text)}</bpmn:{tag}>" for tag, text in parts.items() if text)
    xml += f'<bpmn:inputDataItem id="{names["item"]}"/>' if "item" in names else ""
    xml += f"<bpmn:loopDataOutputRef>{names['output']}</bpmn:loopDataOutputRef>" if "output" in names else ""
    xml += f'<bpmn:outputDataItem id="{names["output_item"]}"/>' if "output_item" in names else ""
    xml += f"<bpmn:completionCondition>{escape(until)}</bpmn:completionCondition>" if until else ""
    tag = "bpmn:multiInstanceLoopCharacteristics"
    return f'<{tag} isSequential="{str(in_turn).lower()}">{xml}</{tag}>'


def dotted(properties: Mapping[str, str]) -> dict[str, str]:
    """`in_x` → `in.x`, `out_x` → `out.x`, `payload_x` → `payload.x`."""
    return {name.replace("_", ".", 1) if "_" in name else name: text for name, text in properties.items()}


def decision_table(
    decision: str, inputs: list[str], outputs: list[str], rules: list[list[str]], *, hit_policy: str = "FIRST"
) -> bytes:
    """A DMN file with one table. inputs: expressions. rules: the cells of each row, inputs first."""
    columns = "".join(
        f'<input id="in{n}"><inputExpression id="ie{n}"><text>{escape(text)}</text></inputExpression></input>'
        for n, text in enumerate(inputs)
    ) + "".join(f'<output id="out{n}" name="{name}"/>' for n, name in enumerate(outputs))
    rows = ""
    for number, cells in enumerate(rules):
        tests, results = cells[: len(inputs)], cells[len(inputs) :]
        rows += f'<rule id="rule{number}">'
        rows += "".join(
            f'<inputEntry id="r{number}i{n}"><text>{escape(t)}</text></inputEntry>' for n, t in enumerate(tests)
        )
        rows += "".join(
            f'<outputEntry id="r{number}o{n}"><text>{escape(t)}</text></outputEntry>' for n, t in enumerate(results)
        )
        rows += "</rule>"
    return (
        f'<definitions xmlns="{DMN}" id="d" name="d" namespace="test"><decision id="{decision}" name="{decision}">'
        f'<decisionTable id="table" hitPolicy="{hit_policy}">{columns}{rows}</decisionTable></decision></definitions>'
    ).encode()


def two_tasks() -> Diagram:
    """begin → first (user) → second (service `work`, result into `result`) → done, outcome "done"."""
    d = Diagram()
    d.start("begin")
    d.user("first", form="first")
    d.service("second", "work", result="result")
    d.end("done", outcome="done")
    d.flow("begin", "first", "second", "done")
    return d
