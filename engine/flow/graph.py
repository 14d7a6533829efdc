"""Walks over a diagram's flows, shared by the checks. Nothing here recurses over the graph: a diagram may be long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.flow.diagram import Diagram, Node

Edges = Mapping[str, Iterable[str]]


def reachable(starts: Iterable[str], edges: Edges, avoiding: frozenset[str] = frozenset()) -> set[str]:
    """Everything a walk from `starts` meets, the starts included, nothing in `avoiding` entered."""
    seen = {start for start in starts if start not in avoiding}
    todo = list(seen)
    while todo:
        for after in edges.get(todo.pop(), ()):
            if after not in seen and after not in avoiding:
                seen.add(after)
                todo.append(after)
    return seen


def scope_edges(diagram: Diagram, scope: str) -> dict[str, list[str]]:
    """Where a token in this scope can go next: along flows, and from an activity to its boundary events."""
    return {
        node.id: [flow.target for flow in node.outgoing if diagram.nodes[flow.target].scope == scope]
        + [event.id for event in diagram.boundaries_of(node) if event.scope == scope and not event.is_undone_event]
        for node in diagram.within(scope)
    }


def reversed_edges(edges: Edges) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {}
    for source, targets in edges.items():
        back.setdefault(source, [])
        for target in targets:
            back.setdefault(target, []).append(source)
    return back


def entrances(diagram: Diagram, scope: str) -> list[str]:
    """Where tokens of a scope come from: its start events, its event subprocesses and compensation handlers."""
    inside = diagram.within(scope)
    return [n.id for n in inside if n.kind == "startEvent" or n.is_event_subprocess or n.is_for_compensation]


def components(edges: Edges) -> list[list[str]]:
    """Strongly connected components with a cycle in them (Tarjan, without recursion)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    cycles: list[list[str]] = []
    for root in edges:
        if root in number:
            continue
        walk = [(root, iter(edges.get(root, ())))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while walk:
            node, ahead = walk[-1]
            for after in ahead:
                if after not in number:
                    number[after] = low[after] = len(number)
                    stack.append(after)
                    on_stack.add(after)
                    walk.append((after, iter(edges.get(after, ()))))
                    break
                if after in on_stack:
                    low[node] = min(low[node], number[after])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == number[node]:
                    found_component = _popped(stack, on_stack, node)
                    if len(found_component) > 1 or node in edges.get(node, ()):
                        cycles.append(found_component)
    return cycles


def _popped(stack: list[str], on_stack: set[str], until: str) -> list[str]:
    component: list[str] = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        component.append(node)
        if node == until:
            return component


def meeting_points(edges: Edges) -> dict[str, str]:
    """For each node the first one every walk from it must pass before the scope is left: where its branches meet again.

    A node without an onward edge leaves the scope. Absent: no such node. (Immediate post-dominators; Cooper, Harvey and
    Kennedy, "A Simple, Fast Dominance Algorithm", on the reversed graph with one virtual exit.)
    """
    back = reversed_edges(edges)
    back[_EXIT] = [node for node in back if not edges.get(node)]
    order = _post_order(back)
    rank = {node: place for place, node in enumerate(order)}
    meets: dict[str, str] = {_EXIT: _EXIT}
    changed = True
    while changed:
        changed = False
        for node in reversed(order[:-1]):
            onward = [after for after in edges.get(node) or (_EXIT,) if after in meets]
            if not onward:
                continue
            first = onward[0]
            for other in onward[1:]:
                first = _nearest_common(first, other, meets, rank)
            if meets.get(node) != first:
                meets[node] = first
                changed = True
    return {node: met for node, met in meets.items() if met != _EXIT}


_EXIT = ""  # no element has an empty id


def _nearest_common(one: str, other: str, meets: Mapping[str, str], rank: Mapping[str, int]) -> str:
    while one != other:
        while rank[one] < rank[other]:
            one = meets[one]
        while rank[other] < rank[one]:
            other = meets[other]
    return one


def _post_order(edges: Edges) -> list[str]:
    """Depth first from the virtual exit; the exit comes last."""
    order: list[str] = []
    seen = {_EXIT}
    walk = [(_EXIT, iter(edges[_EXIT]))]
    while walk:
        node, ahead = walk[-1]
        after = next((after for after in ahead if after not in seen), None)
        if after is None:
            order.append(node)
            walk.pop()
        else:
            seen.add(after)
            walk.append((after, iter(edges.get(after, ()))))
    return order


def in_order(diagram: Diagram, ids: Iterable[str]) -> list[Node]:
    """The nodes of these ids in document order."""
    wanted = set(ids)
    return [node for node in diagram.nodes.values() if node.id in wanted]
