"""What never fires, and loops that nothing stops; the rest of a diagram's shape is engine/flow/shape.py."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import NotFound, Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.graph import components, in_order, reachable, scope_edges
from engine.flow.shape import shape_problems
from engine.flow.vocabulary import ACTIVITIES, KINDS, NOT_HOSTED
from engine.services.registry import find_service_task


def check_shape(diagram: Diagram) -> Iterator[Problem]:
    """What hangs together wrongly, what never fires, and loops."""
    yield from shape_problems(diagram)
    for node in diagram.nodes.values():
        if node.kind == "boundaryEvent":
            yield from _never_fires(diagram, node)
    yield from _loops(diagram, {}, frozenset({diagram.process_id}))


def _never_fires(diagram: Diagram, node: Node) -> Iterator[Problem]:
    host = diagram.nodes.get(node.attached_to)
    if host is None or host.scope != node.scope or host.kind not in ACTIVITIES or host.is_event_subprocess:
        return  # told by shape_problems
    if node.is_undone_event:
        return
    if host.kind == "userTask" and node.event in ("error", "escalation"):
        yield found(node.id, "event.never_fires", f"用户任务 {host.label} 不会出错，也不会升级")
    elif node.event == "escalation" and host.kind not in ("subProcess", "callActivity"):
        yield found(node.id, "event.never_fires", f"{host.label} 不会升级")
    elif host.kind in ("businessRuleTask", "sendTask") or (is_instant(host) and node.event != "error"):
        yield found(node.id, "event.never_fires", f"{host.label} 当场完成，等不到这个事件")


def is_instant(node: Node) -> bool:
    """A service task that runs inside the transaction of the step: no wait."""
    if node.kind != "serviceTask":
        return False
    try:
        return find_service_task(node.operator.id if node.operator else "").in_transaction
    except NotFound:
        return False


def _waits(diagram: Diagram, node: Node, passable: dict[str, bool], above: frozenset[str]) -> bool:
    """A token stops here until something comes in."""
    if node.kind == "callActivity":
        return node.called not in diagram.further or not is_passable(diagram.further[node.called], above=above)
    if node.kind in NOT_HOSTED or KINDS[node.kind].waits:
        return True
    if node.kind == "serviceTask":
        return not is_instant(node)
    if node.kind == "boundaryEvent":
        return node.event not in ("error", "escalation")
    return node.kind == "subProcess" and not passable.get(node.id, True)


def is_passable(diagram: Diagram, *, above: frozenset[str] = frozenset()) -> bool:
    """Whether a called process can end without waiting. One that calls itself is refused elsewhere."""
    if diagram.process_id in above:
        return False
    passable: dict[str, bool] = {}
    list(_loops(diagram, passable, above | {diagram.process_id}))
    return passable[diagram.process_id]


def _loops(diagram: Diagram, passable: dict[str, bool], above: frozenset[str]) -> Iterator[Problem]:
    """Cycles no element of which waits. Inner scopes first: a subprocess waits if every way through it does.

    passable takes whether each scope has a way through without a wait.
    """
    for scope in reversed(diagram.scopes()):
        edges = scope_edges(diagram, scope)
        waiting = frozenset(n.id for n in diagram.within(scope) if _waits(diagram, n, passable, above))
        running = {
            source: [target for target in targets if target not in waiting]
            for source, targets in edges.items()
            if source not in waiting
        }
        for cycle in components(running):
            members = in_order(diagram, cycle)
            names = "、".join(node.label for node in members[:6])
            yield found(members[0].id, "loop.no_wait", f"循环中没有等待：{names}")
        starts = [node.id for node in diagram.within(scope) if node.kind == "startEvent"]
        through = reachable(starts, running)
        passable[scope] = any(diagram.nodes[node].kind == "endEvent" or not edges[node] for node in through)
