"""A diagram as the check, the compiler and four-eyes see it: nodes, flows and scopes, frozen, texts as they count.

reading.py makes it from XML without SpiffWorkflow and without believing anything. Nothing here knows XML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.errors import Problem
from engine.flow.vocabulary import COMPENSATION, KINDS, TIMES

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Definition:
    """One event definition, or the message of a send task. kind: `timer`, `message`, `error` …

    reference: id of the message, signal, error or escalation; name: its name or code, "" where there is none.
    times: `timeDuration`, `timeDate`, `timeCycle` by the text in them, as written. activity: what a compensation names.
    """

    kind: str
    reference: str = ""
    name: str = ""
    times: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    activity: str = ""
    is_awaited: bool = True

    @property
    def time(self) -> tuple[str, str]:
        """Part and text of the time that counts, "" and "" without one."""
        return next(((part, self.times[part]) for part in TIMES if self.times.get(part)), ("", ""))


@dataclass(frozen=True, slots=True)
class Operator:
    """What a service task calls. id: name of the capability. parameters: name and expression of each, as often as given."""

    id: str
    result: str
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Multi-instance. Expressions: cardinality, collection, condition. Variables: item, output, output_item."""

    is_sequential: bool
    cardinality: str
    collection: str
    condition: str
    item: str
    output: str
    output_item: str


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A sequence flow. condition: None without a conditionExpression."""

    id: str
    source: str
    target: str
    scope: str
    condition: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A flow node. kind: BPMN tag (`userTask`). name: as drawn. scope: id of the process or subprocess it stands in.

    lane: id of its own or the nearest enclosing lane, "" for none. attached_to: host of a boundary event. is_interrupting:
    of a boundary event, or of the start event of an event subprocess. is_for_compensation: a handler, in no sequence flow.
    called: process of a call activity. default: id of a gateway's default exit. others: who did these may not do this.
    properties: by name, without blanks around. definitions: of an event, in the order of the file.
    incoming, outgoing: flows with both ends among the nodes.
    """

    id: str
    kind: str
    name: str
    scope: str
    lane: str = ""
    attached_to: str = ""
    is_interrupting: bool = True
    is_triggered: bool = False
    is_for_compensation: bool = False
    called: str = ""
    decision: str = ""
    default: str = ""
    priority: int = 50
    others: tuple[str, ...] = ()
    operator: Operator | None = None
    loop: Loop | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    definitions: tuple[Definition, ...] = ()
    incoming: tuple[Flow, ...] = ()
    outgoing: tuple[Flow, ...] = ()

    @property
    def definition(self) -> Definition | None:
        """The event definition that counts."""
        return self.definitions[0] if self.definitions else None

    @property
    def event(self) -> str:
        """Kind of its event definition (`timer`), "" for none; `message` of a send task."""
        return self.definitions[0].kind if self.definitions else ""

    @property
    def told(self) -> str:
        """The message or signal name, error or escalation code of its definition, "" for none."""
        return self.definitions[0].name if self.definitions else ""

    @property
    def is_event_subprocess(self) -> bool:
        return self.kind == "subProcess" and self.is_triggered

    @property
    def is_undone_event(self) -> bool:
        """A compensation boundary event: no token ever passes it."""
        return self.kind == "boundaryEvent" and self.event == COMPENSATION

    @property
    def is_throwing(self) -> bool:
        return self.kind in KINDS and KINDS[self.kind].is_throwing

    @property
    def label(self) -> str:
        name = " ".join(self.name.split())
        return f"“{name}”" if name else self.id

    def time(self, *parts: str) -> str | None:
        """Text of the definition's timeDuration or timeDate (or of these parts instead); None where there is none."""
        times = self.definitions[0].times if self.definitions else NOTHING
        return next((times[part] for part in parts or TIMES[:2] if part in times), None)

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and expression of the properties `<prefix><name>`."""
        given = self.properties.items()
        return [(name.removeprefix(prefix), text) for name, text in given if name.startswith(prefix)]


@dataclass(frozen=True, slots=True, eq=False)
class Diagram:
    """One process. nodes: flow nodes by id, in document order. flows: with both ends among the nodes, all_flows: every one.

    lanes: id → name. boundaries: boundary events by their host. associations: what the element of this id leads to.
    ids: of every BPMN element inside the process. findings: what of it cannot be deployed as it is written, and what no
    part of the platform reads.
    further: the diagrams that call activities can call, by process id; calls: who calls each of them. Both are the whole
    flow's, empty for a diagram read alone.
    """

    process_id: str
    nodes: Mapping[str, Node]
    all_flows: tuple[Flow, ...]
    flows: tuple[Flow, ...]
    lanes: Mapping[str, str]
    boundaries: Mapping[str, tuple[Node, ...]]
    associations: Mapping[str, tuple[str, ...]]
    ids: tuple[str, ...]
    findings: tuple[Problem, ...]
    is_called: bool
    further: Mapping[str, Diagram]
    calls: Mapping[str, tuple[tuple[Diagram, Node], ...]]

    def within(self, scope: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.scope == scope]

    def scopes(self) -> list[str]:
        """The process and every subprocess, outer ones first."""
        return [self.process_id, *(node.id for node in self.nodes.values() if node.kind == "subProcess")]

    def enclosing(self, node: Node) -> Iterator[Node]:
        """The subprocesses around a node, from the inside out."""
        while node.scope in self.nodes:
            node = self.nodes[node.scope]
            yield node

    def contents(self, node: Node) -> Iterator[Node]:
        """The node itself and everything inside it."""
        yield node
        for inner in self.within(node.id):
            yield from self.contents(inner)

    def boundaries_of(self, node: Node) -> tuple[Node, ...]:
        return self.boundaries.get(node.id, ())

    def begins_cases(self, node: Node) -> bool:
        """Whether it is a start event of the process that cases run."""
        return node.kind == "startEvent" and node.scope == self.process_id and not self.is_called

    def gives_outcome(self, node: Node) -> bool:
        """Whether the outcome of an end event here is the case's: in the process, or in event subprocesses of it alone."""
        return not self.is_called and all(outer.is_event_subprocess for outer in self.enclosing(node))

    def callers(self) -> tuple[tuple[Diagram, Node], ...]:
        """The call activities that call this diagram, with their own."""
        return self.calls.get(self.process_id, ()) if self.is_called else ()


@dataclass(frozen=True, slots=True)
class DiagramFile:
    """One BPMN file. diagrams: one for each of its processes, of which a flow's file has one.

    findings: what of the file as a whole cannot be deployed; each diagram has its own.
    """

    diagrams: tuple[Diagram, ...]
    findings: tuple[Problem, ...]

    @property
    def diagram(self) -> Diagram:
        return self.diagrams[0]
