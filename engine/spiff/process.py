"""A compiled diagram: SpiffWorkflow's spec graph plus what the host needs to know of every element. Never mutated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.flow.compensation import Undoing
from engine.language.decisions import DecisionTable
from engine.language.expressions import Expression
from engine.language.schedules import Schedule
from engine.spiff.regions import Regions

EACH = "__each."  # the wrapped task of a multi-instance activity: this and its own id
UNDO = "__undo."  # the scope a compensation handler runs in: this and the handler's id
HIDDEN = "__"  # ids of what the compiler adds begin so; a diagram's own may not
_TAKEN_IDS = {"Start", "End"}  # SpiffWorkflow's own specs in every scope; it takes them for an element of that id
_TAKEN_ENDINGS = (".EndJoin", ".BoundaryEventSplit", ".BoundaryEventJoin")

Reach = Mapping[
    str, frozenset[str]
]  # spec → sources of a gateway's incoming flows that a token standing there can reach
Expressions = tuple[tuple[str, Expression], ...]  # by name


@dataclass(frozen=True, slots=True)
class Element:
    """What the outside may know of an element. kind: BPMN tag (`userTask`), `eventSubProcess` for a triggered subprocess.

    lane: id of the lane it is drawn in, inherited by the elements of a subprocess, "" without lanes.
    """

    id: str
    kind: str
    name: str
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """Multi-instance: over `cardinality` or the items of `collection`, one of the two.

    item: variable of an instance's own item, "" for none; item_key: what it is known by. output: variable that takes the
    results; output_item: the one variable of an instance that is collected, "" for all it wrote. condition: see docs/elements.md.
    """

    is_sequential: bool
    cardinality: Expression | None = None
    collection: Expression | None = None
    item: str = ""
    item_key: Expression | None = None
    output: str = ""
    output_item: str = ""
    condition: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One flow node as the host runs it. Texts are as drawn, expressions compiled; fields that do not apply are empty.

    trigger: "timer" | "message" | "error" | "escalation" | "compensate" | "" of an event, for a throwing one also "signal" |
    "terminate". activity: what alone a compensation event compensates, "" for all of its scope.
    repeats: how often a cycle timer fires, -1 for ever, 0 for one that is no cycle; its `timer` is the period.
    error_code: what an error or escalation event catches or throws, "" catches all.
    is_outcome: the end event's outcome is the case's.
    payload: what a thrown message carries, by name. called: id of the process a call activity calls; inputs: what that sees,
    outputs: what the caller takes from it when it ends, both by name.
    pauses: lanes while a user task of which is open a timer's clock stands still.
    schedule: of a timer that starts cases. correlation_result: of a message that does, the variable that takes the value it
    came with.
    attached_to: diagram id of the activity a boundary event sits on; "" for the start event of an event subprocess, which
    the compiled graph carries as a boundary event of its whole scope.
    """

    id: str
    kind: str
    name: str = ""
    lane: str = ""
    form: str = ""
    due: str = ""
    priority: int = 50
    service: str = ""
    parameters: Expressions = ()
    result: str = ""
    decision: str = ""
    trigger: str = ""
    timer: str = ""
    repeats: int = 0
    pauses: tuple[str, ...] = ()
    schedule: Schedule | None = None
    message: str = ""
    correlation: Expression | None = None
    correlation_result: str = ""
    payload: Expressions = ()
    called: str = ""
    inputs: Expressions = ()
    outputs: Expressions = ()
    many: Many | None = None
    error_code: str = ""
    activity: str = ""
    is_interrupting: bool = True
    attached_to: str = ""
    outcome: str = ""
    is_outcome: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """One version of a flow's diagrams, shared by all its cases in this operating-system process.

    digest: SHA-256 hex of the canonical XML without diagram positions, and of the decision tables. specs: SpiffWorkflow's
    process spec by scope name, the whole process under `top`, a called one under its id.
    conditions: compiled conditions by their text. regions: the parallel parts of the scopes, by element.
    has_clocks: some timer's clock may stand still.
    starts: the start events of the process that cases run, in document order.
    merges: of each inclusive gateway that joins, which of its incoming flows a token can still reach, by spec (joins.py).
    undoing: which activities have compensation handlers, and which have to be remembered for one.
    """

    process_id: str
    digest: str
    elements: Mapping[str, Element]
    specs: Mapping[str, Any]  # BpmnProcessSpec; SpiffWorkflow ships no types
    top: str
    conditions: Mapping[str, Expression]
    decisions: Mapping[str, DecisionTable]
    has_clocks: bool = False
    starts: tuple[Node, ...] = ()
    regions: Regions = field(default_factory=Regions)
    merges: Mapping[str, Reach] = field(default_factory=dict)
    undoing: Undoing = field(default_factory=Undoing)

    def nodes(self) -> Iterator[Node]:
        """Every flow node, of called and inner scopes, too."""
        for spec in self.specs.values():
            for task_spec in spec.task_specs.values():
                node = getattr(task_spec, "node", None)  # SpiffWorkflow's own Start and End have none
                if isinstance(node, Node):
                    yield node

    def start_event(self, element: str) -> Node | None:
        """The start event of this id, for "" the one without a trigger; None where there is none."""
        return next((node for node in self.starts if (node.id == element if element else not node.trigger)), None)


def spec_name(element: str) -> str:
    """The id SpiffWorkflow sees."""
    is_taken = element in _TAKEN_IDS or element.endswith(_TAKEN_ENDINGS)
    return f"{HIDDEN}id.{element}" if is_taken else element
