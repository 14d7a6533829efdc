"""A machine that tells which rule of which decision table matched, and on what: for evidence, never for moving cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.machine import Machine, Process
from engine.spiff.rules.host import Host
from engine.spiff.store import Store
from engine.spiff.tree import Token


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """inputs: by the column's label. rules: ids of those that matched, in table order. outputs: what became variables."""

    address: str
    element: str
    decision: str
    hit_policy: str
    inputs: Mapping[str, Any]  # Any: JSON
    rules: tuple[str, ...]
    outputs: Mapping[str, Any]


class _WatchingHost(Host):
    def __init__(self, process: Process, store: Store, at: Any) -> None:
        super().__init__(process, store, at)
        self.made: list[DecisionMade] = []

    def decide(self, token: Token) -> None:
        node = token.task_spec.node
        table = self.process.decisions[node.decision]
        seen = dict(self.view(token))
        super().decide(token)  # raises where the table gives no answer
        found = table.decide(seen)
        self.made.append(
            DecisionMade(
                address=self.address_of(token),
                element=node.id,
                decision=table.id,
                hit_policy=table.hit_policy.value,
                inputs={column.label or column.id: column.expression.evaluate(seen) for column in table.inputs},
                rules=found.rules,
                outputs=found.outputs,
            )
        )


class WatchingMachine(Machine):
    host_class = _WatchingHost

    def take_decisions(self) -> list[DecisionMade]:
        """What was decided since this was asked last."""
        host = self._host
        assert isinstance(host, _WatchingHost), "made by host_class"
        made, host.made = host.made, []
        return made
