"""The token game on a graph: tokens lie on flows, a node takes some and lays others. It knows nothing of the machine.

At an inclusive gateway BPMN 2.0.2, 13.4.3 is taken by its words, path by path: it may fire when at least one of its flows has a
token, and for every path from a token to one of its flows without one, not through the gateway, there is also such a path from
that token to one of its flows with one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.engine.random.graphs import Flow, Graph

MOST_TOKENS = 40


class TooWild(Exception):
    """More tokens than is worth following, or two inclusive gateways that may fire at once: which is first is open."""


class Game:
    """tokens: on flows. active: user tasks under way, by element. Tokens in one place are all alike."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tokens: Counter[Flow] = Counter(graph.out_of("start"))
        self.active: Counter[str] = Counter()
        self.variables: dict[str, Any] = {}
        self.play()

    @property
    def is_ended(self) -> bool:
        return not self.tokens and not self.active

    @property
    def is_stuck(self) -> bool:
        return bool(self.tokens) and not self.active

    def complete(self, task: str, answer: int) -> None:
        self.variables[f"v_{task}"] = answer
        self.active[task] -= 1
        self.active += Counter()
        self.lay(self.graph.out_of(task))
        self.play()

    def lay(self, flows: list[Flow]) -> None:
        self.tokens.update(flows)

    def play(self) -> None:
        while self._fire_one() or self._fire_inclusive():
            if sum(self.tokens.values()) + sum(self.active.values()) > MOST_TOKENS:
                raise TooWild
        self.tokens += Counter()

    def _take(self, flow: Flow) -> None:
        self.tokens[flow] -= 1
        self.tokens += Counter()

    def _fire_one(self) -> bool:
        """Whatever fires here fires whatever else does: the order makes no difference."""
        for flow in list(self.tokens):
            node = flow.target
            kind = self.graph.nodes[node]
            if kind == "or" and len(self.graph.into(node)) > 1:
                continue
            if kind == "and" and not all(self.tokens[other] for other in self.graph.into(node)):
                continue
            for taken in self.graph.into(node) if kind == "and" else [flow]:
                self._take(taken)
            if kind == "user":
                self.active[node] += 1
            else:
                self.lay(self._chosen(node, kind))
            return True
        return False

    def _chosen(self, node: str, kind: str) -> list[Flow]:
        leaving = self.graph.out_of(node)
        if kind not in ("xor", "or"):
            return leaving
        holding = [flow for flow in leaving if flow.variable and self.variables.get(flow.variable) == flow.wanted]
        found = holding or [flow for flow in leaving if not flow.variable]
        return found[:1] if kind == "xor" else found

    def _fire_inclusive(self) -> bool:
        merges = [node for node, kind in self.graph.nodes.items() if kind == "or" and len(self.graph.into(node)) > 1]
        enabled = [node for node in merges if self._may_fire(node)]
        if len(enabled) > 1:
            raise TooWild
        for node in enabled:
            for flow in self.graph.into(node):
                if self.tokens[flow]:
                    self._take(flow)
            self.lay(self._chosen(node, "or"))
        return bool(enabled)

    def _may_fire(self, gateway: str) -> bool:
        into = self.graph.into(gateway)
        filled = {flow for flow in into if self.tokens[flow]}
        standing = [[flow] for flow in self.tokens if flow.target != gateway]
        standing += [self.graph.out_of(task) for task in self.active]
        for starts in standing if filled else ():
            met = self._met(starts, gateway)
            if met & (set(into) - filled) and not met & filled:
                return False
        return bool(filled)

    def _met(self, starts: list[Flow], gateway: str) -> set[Flow]:
        """The gateway's flows on some path that begins with one of these and does not go through it."""
        seen, todo = set(starts), list(starts)
        while todo:
            flow = todo.pop()
            if flow.target != gateway:
                onward = [after for after in self.graph.out_of(flow.target) if after not in seen]
                seen.update(onward)
                todo += onward
        return {flow for flow in seen if flow.target == gateway}
