"""Which parallel parts of its scope each element stands in: what an operator's move must not tear apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.flow.graph import Edges, meeting_points, reachable, reversed_edges
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name
from engine.spiff.wiring import children_of

SEVERAL = -1  # an element that more than one branch of a split can reach, and that is not where they meet
BESIDE = -2  # on the path of a non-interrupting boundary event
_SPLITS = {"parallelGateway", "inclusiveGateway"}
_TAKE_ALL = {"errorEventDefinition", "terminateEventDefinition"}  # at an end event: what else is in the scope is over

Part = tuple[str, int]  # the split or non-interrupting event that opens it; which of its branches
Region = tuple[Part, ...]  # from the outside in


@dataclass(slots=True)
class Regions:
    """of: by element, () in none. meets: where the branches of a split meet again, by split."""

    of: dict[str, Region] = field(default_factory=dict)
    meets: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: Regions) -> Regions:
        return Regions(self.of | other.of, self.meets | other.meets)


def read_regions(scope: Xml) -> Regions:
    """Of one process or subprocess as drawn, without what is inside its subprocesses."""
    kinds = {child.get("id", ""): local_name(child) for child in scope if child.get("id")}
    flows: dict[str, list[str]] = {element: [] for element in kinds}
    for flow in children_of(scope, "sequenceFlow"):
        flows.setdefault(flow.get("sourceRef", ""), []).append(flow.get("targetRef", ""))
    beside: dict[str, str] = {}
    onward = {element: list(targets) for element, targets in flows.items()}
    for event in children_of(scope, "boundaryEvent"):
        if event.get("cancelActivity", "true") == "false":
            beside[event.get("id", "")] = event.get("attachedToRef", "")
        else:
            onward.setdefault(event.get("attachedToRef", ""), []).append(event.get("id", ""))
    meets = {split: met for split, met in _meetings(scope, flows).items() if kinds.get(split) in _SPLITS}
    parts: dict[str, dict[str, int]] = {element: {} for element in kinds}
    for split, kind in kinds.items():
        if kind in _SPLITS and len(flows[split]) > 1:
            _branches(split, flows[split], onward, meets.get(split, split), parts)
    main = reachable([element for element, kind in kinds.items() if kind == "startEvent"], onward)
    for reminder in beside:
        for element in reachable([reminder], onward) - main:
            parts[element][reminder] = BESIDE
    return Regions({element: _outside_in(inside, parts) for element, inside in parts.items()}, meets)


def _meetings(scope: Xml, flows: Mapping[str, list[str]]) -> dict[str, str]:
    """Where the ways from an element meet again; one that only fails or terminates the scope need not come there.

    None where fewer than two ways go on: what follows the one that is left is no place where they meet.
    """
    fatal = {end.get("id", "") for end in children_of(scope, "endEvent") if {local_name(e) for e in end} & _TAKE_ALL}
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
