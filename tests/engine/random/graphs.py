"""Random unstructured graphs: gateways of all kinds that fork and join as they like, user tasks, loops through user tasks.

A graph is plain data (`as_json`), so that one on which something failed can be made smaller and kept as a file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

from engine.machine import Process
from tests.engine.diagrams import Diagram

KINDS = ("user", "user", "xor", "and", "or")
ANSWERS = (1, 2, 3)


@dataclass(frozen=True)
class Flow:
    """variable, wanted: of the condition `variable == wanted`; "" for a default flow or one without a condition."""

    source: str
    target: str
    variable: str = ""
    wanted: int = 0


@dataclass(frozen=True)
class Graph:
    """nodes: kind by id, from "start" on; kinds: start, end, user, xor, and, or."""

    nodes: dict[str, str]
    flows: tuple[Flow, ...]

    def into(self, node: str) -> list[Flow]:
        return [flow for flow in self.flows if flow.target == node]

    def out_of(self, node: str) -> list[Flow]:
        return [flow for flow in self.flows if flow.source == node]

    def as_json(self) -> dict[str, Any]:
        return {"nodes": self.nodes, "flows": [asdict(flow) for flow in self.flows]}


def graph_of(kept: dict[str, Any]) -> Graph:
    return Graph(kept["nodes"], tuple(Flow(**flow) for flow in kept["flows"]))


def random_graph(seed: int) -> Graph:
    """4 to 12 nodes in a row; flows lead forward, or backward from a user task, so that every loop waits."""
    random = Random(seed)
    inner = [f"n{number}" for number in range(random.randint(3, 10))]
    nodes = {"start": "start", **{node: random.choice(KINDS) for node in inner}, "end": "end"}
    order = list(nodes)
    flows: list[tuple[str, str]] = [("start", inner[0])]
    for place, node in enumerate(order[1:-1], 1):
        is_task = nodes[node] == "user"
        count = 1 if is_task else random.choice((1, 2, 2, 3))
        later, earlier = order[place + 1 :], order[1 : place + 1]
        targets = random.sample(later, min(count, len(later)))
        if is_task and random.random() < 0.3:
            targets = [random.choice(earlier)]
        flows += [(node, target) for target in targets]
    return _conditions(_sound(nodes, flows), random)


def _sound(nodes: dict[str, str], flows: list[tuple[str, str]]) -> Graph:
    """Without what the start does not reach; what nothing leads to an end is cut short there."""
    reached, todo = {"start"}, ["start"]
    while todo:
        at = todo.pop()
        for source, target in flows:
            if source == at and target not in reached:
                reached.add(target)
                todo.append(target)
    reached.add("end")
    kept = [(source, target) for source, target in flows if source in reached and target in reached]
    if not any(target == "end" for _, target in kept):
        last = [node for node in nodes if node in reached and node != "end"][-1]
        kept = [(s, t) for s, t in kept if s != last] if nodes[last] == "user" else kept
        return _sound(nodes, [*kept, (last, "end")])
    return Graph(
        {n: kind for n, kind in nodes.items() if n in reached}, tuple(Flow(*ends) for ends in dict.fromkeys(kept))
    )


def _conditions(graph: Graph, random: Random) -> Graph:
    """The last flow out of a choice is its default, or the only one it has."""
    names = [f"v_{node}" for node, kind in graph.nodes.items() if kind == "user"] or ["v_none"]
    flows: list[Flow] = []
    for node, kind in graph.nodes.items():
        leaving = graph.out_of(node)
        for flow in leaving:
            is_chosen = kind in ("xor", "or") and flow is not leaving[-1]
            chosen = replace(flow, variable=random.choice(names), wanted=random.choice(ANSWERS))
            flows.append(chosen if is_chosen else flow)
    return Graph(graph.nodes, tuple(flows))


def compiled(graph: Graph) -> Process:
    d = Diagram()
    draw = {"start": d.start, "end": d.end, "user": d.user, "xor": d.xor, "and": d.parallel, "or": d.inclusive}
    for node, kind in graph.nodes.items():
        draw[kind](node)
    for node, kind in graph.nodes.items():
        leaving = graph.out_of(node)
        for flow in leaving:
            is_choice = kind in ("xor", "or") and len(leaving) > 1
            when = f"{flow.variable} == {flow.wanted}" if flow.variable else ""
            d.flow(flow.source, flow.target, when=when, default=is_choice and not flow.variable)
    return d.compile()
