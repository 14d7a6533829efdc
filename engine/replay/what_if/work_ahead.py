"""Work that is sure to come after an element: for a what-if run that stops at a service task whose result nobody has.

Without it a candidate that sends cases to a reviewer by way of a new service task would seem to cost no reviewer's time. Sure
is what lies on the only way ahead; errors, deadlines and withdrawals may still prevent it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.flow.lines import Line
from engine.machine import Process

# Where the way divides, waits for others, or leads out of its scope, nothing is sure any more.
_PASSED = frozenset({"serviceTask", "businessRuleTask", "exclusiveGateway", "intermediateThrowEvent", "sendTask"})


def work_ahead(process: Process, lines: Iterable[Line], people: Collection[str], element: str) -> str:
    """The next user task of a group on the only way ahead of `element`, "" where none is sure. people: ids of such tasks."""
    leads: dict[str, list[str]] = {}
    for line in lines:
        leads.setdefault(line.source, []).append(line.target)
    passed = {element}
    while len(ahead := leads.get(element, [])) == 1:
        element = ahead[0]
        if element in people:
            return element
        known = process.elements.get(element)
        if known is None or known.kind not in _PASSED or element in passed:
            return ""
        passed.add(element)
    return ""
