"""What a diagram says of compensation: for the machine and for the deployment check.

BPMN 2.0.2, 10.5.6 and 13.5.5. What it means here: docs/elements.md, "Compensation".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.flow.diagram import Diagram, Node
from engine.flow.vocabulary import COMPENSABLE, COMPENSATION

UNWISE = frozenset({"compensation.nothing", "compensation.unused"})  # findings that keep nothing from running
Finding = tuple[str, str, str]  # element, code of docs/check-codes.md, message


@dataclass(frozen=True, slots=True)
class Throw:
    """A compensation throw or end event. activity: what alone it compensates, "" for all of its scope.

    visible: the activities it may name: of its own scope and, inside event subprocesses, of the scope they belong to.
    """

    id: str
    activity: str
    visible: frozenset[str]


@dataclass(slots=True)
class Realm:
    """A process or subprocess with its event subprocesses: what one throw event compensates. id: of the process or subprocess.

    activities: what may stand in its ledger, with the realm inside each: itself, the process it calls, "" for a task.
    """

    id: str
    activities: dict[str, str] = field(default_factory=dict)
    throws: list[Throw] = field(default_factory=list)


@dataclass(slots=True)
class CompensationParts:
    """Of one process. handlers: handler by activity. islands: by handler, the handler, its boundary events, what follows them."""

    realms: dict[str, Realm] = field(default_factory=dict)
    handlers: dict[str, str] = field(default_factory=dict)
    islands: dict[str, frozenset[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Undoing:
    """What the throw events of a flow's diagrams can reach.

    handlers: handler by activity, of all diagrams. kept: the activities whose completion has to be remembered.
    """

    handlers: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()


def is_compensating(node: Node) -> bool:
    """An event with a compensation definition."""
    return any(definition.kind == COMPENSATION for definition in node.definitions)


def read_compensation(diagram: Diagram) -> CompensationParts:
    """Never raises: what is wrong is in `findings`."""
    parts = CompensationParts()
    _Reader(parts, diagram).read(diagram.process_id, diagram.process_id, frozenset())
    used = list(parts.handlers.values())
    for handler in dict.fromkeys(used):
        if used.count(handler) > 1:
            parts.findings.append((handler, "compensation.handler_shared", "一个补偿活动只能属于一个活动"))
    return parts


class _Reader:
    def __init__(self, parts: CompensationParts, diagram: Diagram) -> None:
        self.parts, self.diagram = parts, diagram

    def read(self, scope: str, realm_id: str, around: frozenset[str]) -> None:
        """around: activities of the scopes this event subprocess belongs to, from the inside out."""
        drawn = _Drawn(self.diagram, scope)
        realm = self.parts.realms.setdefault(realm_id, Realm(realm_id))
        self._handlers(drawn)
        islands = [self.parts.islands[handler] for handler in drawn.handlers]
        beside = frozenset().union(*islands)
        own = {
            element: element if node.kind == "subProcess" else node.called
            for element, node in drawn.members.items()
            if node.kind in COMPENSABLE and not node.is_triggered and element not in beside
        }
        realm.activities.update(own)
        self._islands(drawn, islands)
        visible = around | own.keys()
        for element, node in drawn.members.items():
            if node.kind in {"intermediateThrowEvent", "endEvent"} and is_compensating(node):
                realm.throws.append(self._throw(node, visible))
            elif node.kind == "subProcess":
                is_part = node.is_triggered
                self.read(element, realm_id if is_part else element, visible if is_part else frozenset())

    def _tell(self, element: str, code: str, message: str) -> None:
        self.parts.findings.append((element, code, message))

    def _handlers(self, drawn: _Drawn) -> None:
        attached: set[str] = set()
        for event in drawn.boundaries:
            seat = drawn.members[event].attached_to
            if drawn.flows.get(event) or event in drawn.entered:
                self._tell(event, "compensation.flows", "补偿边界事件不能有顺序流；用关联线连到补偿活动")
            led_to = self.diagram.associations.get(event, ())
            handlers = [target for target in led_to if target in drawn.handlers]
            if len(handlers) != 1:
                self._tell(event, "compensation.no_handler", "补偿边界事件应有一条关联线，连到同一层的一个补偿活动")
                continue
            attached.add(handlers[0])
            if seat in self.parts.handlers:
                self._tell(event, "compensation.several", "一个活动只能有一个补偿边界事件")
            self.parts.handlers[seat] = handlers[0]
        for handler in drawn.handlers:
            if drawn.flows.get(handler) or handler in drawn.entered:
                self._tell(handler, "compensation.flows", "补偿活动不在顺序流上，不能有进出的顺序流")
            if handler not in attached:
                self._tell(handler, "compensation.unattached", "没有补偿边界事件连到这个补偿活动")
            self.parts.islands[handler] = frozenset(drawn.reached([handler]))

    def _islands(self, drawn: _Drawn, islands: list[frozenset[str]]) -> None:
        main = drawn.reached([element for element, node in drawn.members.items() if node.kind == "startEvent"])
        for number, island in enumerate(islands):
            others = main.union(*islands[:number], *islands[number + 1 :])
            for element in drawn.ordered(island & others):
                self._tell(element, "compensation.path", "补偿活动的边界事件之后的路径不能与别的路径相连")
            for element in drawn.ordered(island):
                is_undone = any(event in drawn.boundaries for event in drawn.seats.get(element, ()))
                if is_undone or is_compensating(drawn.members[element]):
                    self._tell(element, "compensation.nested", "补偿活动及其边界事件之后不能再抛出补偿或被补偿")

    def _throw(self, node: Node, visible: frozenset[str]) -> Throw:
        definition = next(each for each in node.definitions if each.kind == COMPENSATION)
        if not definition.is_awaited:
            self._tell(node.id, "compensation.not_awaited", "补偿事件总要等补偿完成，不支持 waitForCompletion=false")
        activity = definition.activity
        if activity and activity not in visible:
            self._tell(node.id, "compensation.activity", f"补偿事件所指的 {activity[:60]} 不是它所在范围内的活动")
        return Throw(node.id, activity, visible)


class _Drawn:
    """The elements and flows directly in one scope."""

    def __init__(self, diagram: Diagram, scope: str) -> None:
        self.members = {node.id: node for node in diagram.within(scope)}
        self.flows: dict[str, list[str]] = {}
        self.entered: set[str] = set()
        for flow in diagram.all_flows:
            if flow.scope == scope:
                self.flows.setdefault(flow.source, []).append(flow.target)
                self.entered.add(flow.target)
        events = [node for node in self.members.values() if node.kind == "boundaryEvent"]
        self.boundaries = [node.id for node in events if is_compensating(node)]
        self.seats: dict[str, list[str]] = {}
        for node in events:
            self.seats.setdefault(node.attached_to, []).append(node.id)
        self.handlers = [
            element
            for element, node in self.members.items()
            if node.is_for_compensation and node.kind in COMPENSABLE and not node.is_triggered
        ]

    def reached(self, starts: Iterable[str]) -> set[str]:
        """What a token at one of these can come to, boundary events included; not by way of compensation."""
        todo = [start for start in starts if start in self.members]
        seen = set(todo)
        while todo:
            at = todo.pop()
            for after in (*self.flows.get(at, ()), *self.seats.get(at, ())):
                if after not in seen and after in self.members and after not in self.boundaries:
                    seen.add(after)
                    todo.append(after)
        return seen

    def ordered(self, elements: Iterable[str]) -> Iterator[str]:
        wanted = set(elements)
        return (element for element in self.members if element in wanted)


class _Flow:
    """The realms of all diagrams of a flow, and what reaches what."""

    def __init__(self, parts: Iterable[CompensationParts]) -> None:
        self.realms: dict[str, Realm] = {}
        self.handlers: dict[str, str] = {}
        for part in parts:
            self.realms |= part.realms
            self.handlers |= part.handlers

    def undoable(self, realm: Realm, activity: str, above: frozenset[str] = frozenset()) -> bool:
        """It has a handler, or holds something that has."""
        if activity in self.handlers:
            return True
        inside = realm.activities[activity]
        inner = self.realms.get(inside)
        if inner is None or inside in above:
            return bool(inside)  # a process that is not among these diagrams: it may
        return any(self.undoable(inner, each, above | {inside}) for each in inner.activities)

    @cached_property
    def kept(self) -> frozenset[str]:
        kept: set[str] = set()
        whole: set[str] = set()  # realms that are compensated as a whole, from outside
        while True:
            before = len(kept), len(whole)
            for realm in self.realms.values():
                named = {throw.activity for throw in realm.throws}
                wanted = realm.activities if "" in named or realm.id in whole else named & realm.activities.keys()
                for activity in wanted:
                    if self.undoable(realm, activity):
                        kept.add(activity)
                        if activity not in self.handlers:
                            whole.add(realm.activities[activity])
            if (len(kept), len(whole)) == before:
                return frozenset(kept)


def read_undoing(parts: Iterable[CompensationParts]) -> Undoing:
    """parts: of all diagrams of a flow."""
    flow = _Flow(parts)
    return Undoing(flow.handlers, flow.kept)


def reach_findings(parts: Iterable[CompensationParts]) -> Iterator[Finding]:
    """Throw events that can compensate nothing, and handlers that nothing ever calls for."""
    flow = _Flow(parts)
    for realm in flow.realms.values():
        for throw in realm.throws:
            if throw.activity in throw.visible and not flow.undoable(realm, throw.activity):
                yield throw.id, "compensation.activity", f"{throw.activity[:60]} 没有补偿活动，里面也没有可补偿的活动"
            elif not throw.activity and not any(flow.undoable(realm, each) for each in realm.activities):
                yield throw.id, "compensation.nothing", "这个范围内没有可补偿的活动，抛出后没有作用"
        for activity in realm.activities:
            if activity in flow.handlers and activity not in flow.kept:
                yield activity, "compensation.unused", "没有补偿事件会补偿这个活动，它的补偿活动永远不会执行"
