"""How the elements hang together: flows, starts and ends, gateways, boundary events. The check and the compiler ask it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Flow, Node
from engine.flow.graph import entrances, reachable, reversed_edges, scope_edges
from engine.flow.vocabulary import ACTIVITIES, CASE_STARTS, CHOICES, FORKS, HOSTED, NOT_HOSTED


def shape_problems(diagram: Diagram) -> Iterator[Problem]:
    """Sequence flows, start events, gateways, reachability, scope by scope."""
    yield from _flows(diagram)
    for scope in diagram.scopes():
        yield from _starts(diagram, scope)
        yield from _ways(diagram, scope)
    for node in diagram.nodes.values():
        yield from _gateway(diagram, node)
        if node.kind == "boundaryEvent":
            yield from _boundary(diagram, node)


def _flows(diagram: Diagram) -> Iterator[Problem]:
    for flow in diagram.all_flows:
        source, target = diagram.nodes.get(flow.source), diagram.nodes.get(flow.target)
        place = flow.id or flow.source
        if source is None or target is None:
            if flow.source in diagram.nodes or flow.target in diagram.nodes or not (flow.source and flow.target):
                yield found(place, "flow.dangling", f"顺序流从 {flow.source or '（无）'} 到 {flow.target or '（无）'}")
            continue
        if not source.scope == target.scope == flow.scope:
            yield found(place, "flow.crosses_scope", f"{source.label} 与 {target.label} 不在同一层")
        no_way_in = target.kind in ("startEvent", "boundaryEvent") or target.is_event_subprocess
        if no_way_in or source.kind == "endEvent" or source.is_event_subprocess:
            yield found(place, "flow.misplaced", f"不能从 {source.label} 连到 {target.label}")
        if flow.condition is not None and source.kind in HOSTED - CHOICES:
            yield found(place, "flow.condition_misplaced", f"{source.label} 不是排他或包容网关，它的出口不能有条件")
    for node in diagram.nodes.values():
        if len(node.outgoing) > 1 and not node.kind.endswith("Gateway"):
            yield found(node.id, "flow.implicit_split", f"{node.label} 有 {len(node.outgoing)} 个出口")


def _starts(diagram: Diagram, scope: str) -> Iterator[Problem]:
    starts = [node for node in diagram.within(scope) if node.kind == "startEvent"]
    owner = diagram.nodes.get(scope)
    begins_cases = scope == diagram.process_id and not diagram.is_called
    if begins_cases:
        yield from _case_starts(scope, starts)
    elif len(starts) != 1:
        yield found(scope, "scope.start", f"应有一个开始事件，现有 {len(starts)} 个")
    for start in starts:
        if owner is not None and owner.is_event_subprocess:
            if not start.event:
                yield found(start.id, "scope.start", "事件子流程的开始事件应为消息、信号、定时、升级或错误事件")
            elif start.event == "error" and not start.is_interrupting:
                yield found(start.id, "event.definition", "错误事件子流程只能是中断的")
        elif start.event and not begins_cases:
            yield found(start.id, "scope.start", "子流程和被调用的流程直接开始，开始事件不能带事件定义")
    if not any(node.kind == "endEvent" for node in diagram.within(scope)):
        yield found(scope, "scope.no_end", "这里没有结束事件")


def _case_starts(process: str, starts: Sequence[Node]) -> Iterator[Problem]:
    """Which start events the process that cases run may have."""
    plain = [start for start in starts if not start.event]
    if not starts or len(plain) > 1:
        yield found(process, "scope.start", f"应有开始事件，其中不带事件定义的至多一个，现有 {len(plain)} 个")
    for start in starts:
        if start.event and start.event not in CASE_STARTS:
            yield found(start.id, "event.definition", f"{start.label}：流程只能由人、消息或定时启动")


def _ways(diagram: Diagram, scope: str) -> Iterator[Problem]:
    """Unreachable elements, dead ends, and elements from which no end is ahead."""
    edges = scope_edges(diagram, scope)
    reached = reachable(entrances(diagram, scope), edges)
    ends = [node.id for node in diagram.within(scope) if node.kind == "endEvent"]
    finishing = reachable(ends, reversed_edges(edges))
    for node in diagram.within(scope):
        if node.is_undone_event or (node.is_for_compensation and not node.outgoing):
            continue  # check_compensation's matter
        if node.id not in reached:
            yield found(node.id, "element.unreachable", f"从开始事件到不了 {node.label}")
        elif not node.outgoing and node.kind != "endEvent" and not node.is_event_subprocess:
            yield found(node.id, "element.dead_end", f"{node.label} 没有出口")
        elif node.id not in finishing and not node.is_event_subprocess:
            yield found(node.id, "element.no_end_ahead", f"从 {node.label} 到不了任何结束事件")


def _gateway(diagram: Diagram, node: Node) -> Iterator[Problem]:
    if node.kind in CHOICES:
        yield from _choice(node)
    if node.kind in FORKS:
        sources = [flow.source for flow in node.incoming]
        for source in sorted({source for source in sources if sources.count(source) > 1}):
            yield found(node.id, "join.doubled", f"{diagram.nodes[source].label} 有两条顺序流进入 {node.label}")
    if node.kind == "eventBasedGateway":
        for flow in node.outgoing:
            target = diagram.nodes[flow.target]
            if target.kind != "intermediateCatchEvent" or len(target.incoming) > 1:
                yield found(node.id, "gateway.event_targets", f"{node.label} 的出口 {target.label} 不是独占的中间事件")
        if len(node.outgoing) < 2:
            yield found(node.id, "gateway.event_targets", f"{node.label} 应至少有两个出口")


def _choice(node: Node) -> Iterator[Problem]:
    default = node.default
    if default and default not in [flow.id for flow in node.outgoing]:
        yield found(node.id, "gateway.bad_default", f"{default} 不是 {node.label} 的出口")
    for flow in node.outgoing:
        if default and flow.id == default and flow.condition:
            yield found(flow.id, "flow.default_condition", f"{node.label} 的默认出口不能带条件")
    conditional = [flow for flow in node.outgoing if flow.id != default or not default]
    if len(node.outgoing) > 1:
        for flow in conditional:
            if not flow.condition:
                yield found(flow.id or node.id, "flow.no_condition", f"{node.label} 的这个出口没有条件，也不是默认出口")
    if default or not conditional or not all(flow.condition for flow in conditional):
        return
    if not _is_exhaustive(conditional):
        yield found(node.id, "gateway.no_default", f"{node.label} 没有默认出口；条件都不成立时成为异常")


def _is_exhaustive(flows: list[Flow]) -> bool:
    """Two conditions of which one is exactly the other's opposite. Orders are not: both are false for a missing value."""
    if len(flows) != 2:
        return False
    try:
        one, other = (ast.parse((flow.condition or "").strip(), mode="eval").body for flow in flows)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _is_opposite(one, other) or _is_opposite(other, one)


_OPPOSITES = {ast.Eq: ast.NotEq, ast.Is: ast.IsNot, ast.In: ast.NotIn}


def _is_opposite(one: ast.expr, other: ast.expr) -> bool:
    if isinstance(other, ast.UnaryOp) and isinstance(other.op, ast.Not):
        return ast.dump(one) == ast.dump(other.operand)
    if not (isinstance(one, ast.Compare) and isinstance(other, ast.Compare) and len(one.ops) == len(other.ops) == 1):
        return False
    same = ast.dump(one.left) == ast.dump(other.left) and ast.dump(one.comparators[0]) == ast.dump(other.comparators[0])
    return same and _OPPOSITES.get(type(one.ops[0])) is type(other.ops[0])


def _boundary(diagram: Diagram, node: Node) -> Iterator[Problem]:
    host = diagram.nodes.get(node.attached_to)
    if host is not None and host.kind in NOT_HOSTED:
        return
    if host is None or host.scope != node.scope or host.kind not in ACTIVITIES or host.is_event_subprocess:
        yield found(node.id, "event.boundary", f"{node.label} 没有附着在同一层的任务或子流程上")
