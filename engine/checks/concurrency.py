"""What runs at the same time: branches of a parallel gateway, and handlers beside what they do not interrupt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.graph import in_order, meeting_points, reachable, scope_edges
from engine.flow.vocabulary import FORKS

Writes = Mapping[str, frozenset[str]]  # node id → variables it writes
Deep = Mapping[str, set[str]]  # the same with what is inside the node


def check_concurrency(diagram: Diagram, writes: Writes) -> Iterator[Problem]:
    """Parallel writes to one variable, joins that two tokens can reach by one flow, handlers that share a join's tokens."""
    deep = _with_insides(diagram, writes)
    for scope in diagram.scopes():
        edges = scope_edges(diagram, scope)
        meets = meeting_points(edges)
        for node in diagram.within(scope):
            if node.kind in FORKS and len(node.outgoing) > 1:
                branches = _branches(node, edges, meets.get(node.id))
                yield from _parallel_writes(node, branches, deep)
                yield from _crowded_joins(diagram, scope, node, branches)
            elif node.kind == "boundaryEvent" and not node.is_interrupting and not node.is_undone_event:
                yield from _handler(diagram, node, edges, deep)
        yield from _event_handlers(diagram, scope, deep)


def _branches(gateway: Node, edges: Mapping[str, list[str]], meet: str | None) -> list[set[str]]:
    """The nodes of each branch up to where all branches meet again."""
    outside = frozenset({gateway.id, meet or gateway.id})
    return [reachable([flow.target], edges, outside) for flow in gateway.outgoing]


def _with_insides(diagram: Diagram, writes: Writes) -> Deep:
    """The variables written by each node and by what is inside it."""
    deep: dict[str, set[str]] = {node.id: set(writes.get(node.id, ())) for node in diagram.nodes.values()}
    for node in diagram.nodes.values():
        for scope in diagram.enclosing(node):
            if scope.loop is not None:
                break  # each instance has a frame of its own
            deep[scope.id] |= writes.get(node.id, frozenset())
    return deep


def _written(nodes: set[str], writes: Deep) -> set[str]:
    return set().union(*(writes[node] for node in nodes))


def _parallel_writes(gateway: Node, branches: list[set[str]], writes: Deep) -> Iterator[Problem]:
    told: set[str] = set()
    for one, other in combinations(branches, 2):
        # What both branches can reach runs after either; it is the joins' business, not a write of two branches.
        both = _written(one - other, writes) & _written(other - one, writes)
        for variable in sorted(both - told):
            told.add(variable)
            yield found(gateway.id, "variable.parallel_write", f"{gateway.label} 之后有两个并行分支都写变量 {variable}")


def _crowded_joins(diagram: Diagram, scope: str, split: Node, branches: list[set[str]]) -> Iterator[Problem]:
    for join in diagram.within(scope):
        if join.kind != "parallelGateway" or len(join.incoming) < 2:
            continue
        for flow in join.incoming:
            direct = sum(leaving.id == flow.id for leaving in split.outgoing) if flow.source == split.id else 0
            if direct + sum(flow.source in branch for branch in branches) > 1:
                message = f"{split.label} 的多个分支会从同一条入口到达 {join.label}，汇合可能提前或落空"
                yield found(join.id, "join.many_tokens", message)


def _handler(diagram: Diagram, event: Node, edges: Mapping[str, list[str]], writes: Deep) -> Iterator[Problem]:
    """A non-interrupting boundary event: its path runs beside its host and all that follows the host."""
    host = diagram.nodes.get(event.attached_to)
    if host is None:
        return
    path = reachable([event.id], edges)
    beside = reachable([host.id], {**edges, host.id: [flow.target for flow in host.outgoing]})
    for variable in sorted(_written(path - beside, writes) & _written(beside, writes)):
        yield found(event.id, "variable.handler_write", f"{event.label} 的处理路径与主流程都写变量 {variable}")
    is_repeatable = event.event in ("message", "signal", "escalation") or event.time("timeCycle") is not None
    for gateway in in_order(diagram, path):
        if gateway.kind not in FORKS:
            continue
        if is_repeatable:
            message = f"{event.label} 可重复触发，几次处理会混用 {gateway.label} 的令牌；请放进子流程"
            yield found(event.id, "handler.parallel", message)
            break
        if any(flow.source in path and flow.source in beside for flow in gateway.incoming):
            message = f"{event.label} 的处理路径与主流程会从同一条入口到达 {gateway.label}"
            yield found(gateway.id, "join.many_tokens", message)


def _event_handlers(diagram: Diagram, scope: str, writes: Deep) -> Iterator[Problem]:
    """Non-interrupting event subprocesses: they run beside everything else in their scope."""
    for handler in diagram.within(scope):
        starts = [node for node in diagram.within(handler.id) if node.kind == "startEvent"]
        if not handler.is_event_subprocess or all(start.is_interrupting for start in starts):
            continue
        others = {node.id for node in diagram.within(scope)} - {handler.id}
        both = _written({handler.id}, writes) & _written(others, writes)
        for variable in sorted(both):
            yield found(handler.id, "variable.handler_write", f"{handler.label} 与主流程都写变量 {variable}")
