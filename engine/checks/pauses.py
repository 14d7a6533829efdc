"""Clocks that stand still (`pauses_while`): for which lanes, on which timers, and whether they ever do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.vocabulary import PAUSES_WHILE
from engine.language.expressions import InvalidExpression
from engine.language.timers_text import may_stand_still


def check_pauses(diagrams: Sequence[Diagram], *, is_alone: bool) -> Iterator[Problem]:
    """diagrams: the flow's own, then those it calls. is_alone: nothing is known of what is called."""
    lanes = {lane for diagram in diagrams for lane in diagram.lanes}
    for diagram in diagrams:
        for node in diagram.nodes.values():
            named = node.properties.get(PAUSES_WHILE, "").split()
            if not named or not node.event or diagram.begins_cases(node):
                continue  # of others the property is told to have no effect
            if not _has_clock(node):
                told = f"{node.label} 没有可以暂停的时钟：只有边界事件和事件子流程的 timeDuration 有，时刻和周期没有"
                yield found(node.id, "timer.pauses", told)
                continue
            unknown = [lane for lane in named if lane not in lanes]
            for lane in unknown:
                yield found(node.id, "timer.pauses", f"没有泳道 {lane[:60]}，时钟不会为它暂停")
            if not unknown and not is_alone and not _ever_pauses(diagram, node, frozenset(named)):
                yield found(node.id, "timer.never_pauses", f"{node.label} 的范围内没有这些泳道的用户任务，时钟不会暂停")


def _has_clock(node: Node) -> bool:
    text = node.time("timeDuration") if node.event == "timer" else None
    if text is None or node.kind == "intermediateCatchEvent":
        return False
    try:
        return may_stand_still(text)
    except InvalidExpression:
        return True  # told by check_tasks


def _ever_pauses(diagram: Diagram, node: Node, lanes: frozenset[str]) -> bool:
    """Whether a user task of these lanes is in the scope the timer stands in, or in what that calls."""
    scope = (
        diagram.nodes[node.scope] if node.kind == "startEvent" else node
    )  # a handler's start stands around the handler
    inside = [inner for each in diagram.within(scope.scope) for inner in diagram.contents(each)]
    if any(each.kind == "userTask" and each.lane in lanes for each in inside):
        return True
    todo = [each.called for each in inside if each.kind == "callActivity"]
    seen: set[str] = set()
    while todo:
        called = diagram.further.get(todo.pop())
        if called is None or called.process_id in seen:
            continue
        seen.add(called.process_id)
        if any(each.kind == "userTask" and each.lane in lanes for each in called.nodes.values()):
            return True
        todo += [each.called for each in called.nodes.values() if each.kind == "callActivity"]
    return False
