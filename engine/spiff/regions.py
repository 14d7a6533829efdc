"""Which parallel parts of its scope each element stands in: what an operator's move must not tear apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.flow.diagram import Diagram, Node
from engine.flow.graph import Edges, meeting_points, reachable, reversed_edges
from engine.flow.vocabulary import ERROR, FORKS, TERMINATE

SEVERAL = -1  # an element that more than one branch of a split can reach, and that is not where they meet
BESIDE = -2  # on the path of a non-interrupting boundary event
_TAKE_ALL = {ERROR, TERMINATE}  # at an end event: what else is in the scope is over

Part = tuple[str, int]  # the split or non-interrupting event that opens it; which of its branches
Region = tuple[Part, ...]  # from the outside in


@dataclass(slots=True)
class Regions:
    """of: by element, () in none. meets: where the branches of a split meet again, by split."""

    of: dict[str, Region] = field(default_factory=dict)
    meets: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: Regions) -> Regions:
        return Regions(self.of | other.of, self.meets | other.meets)


def read_regions(diagram: Diagram, scope: str) -> Regions:
    """Of one process or subprocess as drawn, without what is inside its subprocesses."""
    nodes = {node.id: node for node in diagram.within(scope)}
    flows = {node.id: [flow.target for flow in node.outgoing] for node in nodes.values()}
    beside: set[str] = set()
    onward = {element: list(targets) for element, targets in flows.items()}
    for event in nodes.values():
        if event.kind == "boundaryEvent" and event.is_interrupting:
            onward[event.attached_to].append(event.id)
        elif event.kind == "boundaryEvent":
            beside.add(event.id)
    meets = {split: met for split, met in _meetings(nodes, flows).items() if nodes[split].kind in FORKS}
    parts: dict[str, dict[str, int]] = {element: {} for element in nodes}
    for split, node in nodes.items():
        if node.kind in FORKS and len(flows[split]) > 1:
            _branches(split, flows[split], onward, meets.get(split, split), parts)
    main = reachable([node.id for node in nodes.values() if node.kind == "startEvent"], onward)
    for reminder in nodes:
        if reminder not in beside:
            continue
        for element in reachable([reminder], onward) - main:
            parts[element][reminder] = BESIDE
    return Regions({element: _outside_in(inside, parts) for element, inside in parts.items()}, meets)


def _meetings(nodes: Mapping[str, Node], flows: Mapping[str, list[str]]) -> dict[str, str]:
    """Where the ways from an element meet again; one that only fails or terminates the scope need not come there.

    None where fewer than two ways go on: what follows the one that is left is no place where they meet.
    """
    fatal = {node.id for node in nodes.values() if node.kind == "endEvent" and node.event in _TAKE_ALL}
    ends = [element for element, targets in flows.items() if not targets and element not in fatal]
    lasting = reachable(ends, reversed_edges(flows))
    kept = {
        element: [to for to in targets if to in lasting] for element, targets in flows.items() if element in lasting
    }
    return {element: met for element, met in meeting_points(kept).items() if len(kept[element]) > 1}


def _branches(split: str, firsts: list[str], onward: Edges, meet: str, parts: Mapping[str, dict[str, int]]) -> None:
    for number, first in enumerate(firsts):
        for element in reachable([first], onward, frozenset({split, meet})):
            parts[element][split] = SEVERAL if split in parts[element] else number


def _outside_in(inside: dict[str, int], parts: Mapping[str, dict[str, int]]) -> Region:
    """What opens a part stands itself in fewer parts than what it holds."""
    return tuple(sorted(inside.items(), key=lambda part: (len(parts[part[0]]), part)))
