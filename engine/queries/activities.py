"""Activities as the history shows them, from the events of a run instead of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.machine import ActivityEvent, Process
from engine.queries.views import ActivityView


def activity_views(process: Process, events: Iterable[ActivityEvent]) -> list[ActivityView]:
    """One for each activation, in the order they began: as sync.py keeps them."""
    found: dict[str, ActivityView] = {}
    for event in events:
        left_at = None if event.event == "entered" else event.at
        known = found.get(event.address)
        if known is not None:
            found[event.address] = replace(known, how=event.event, left_at=left_at)
            continue
        element = process.elements.get(event.element)
        title = element.name or event.element if element else event.element
        found[event.address] = ActivityView(
            element=event.element,
            title=title,
            kind=event.kind,
            address=event.address,
            entered_at=event.at,
            left_at=left_at,
            how=event.event,
        )
    return list(found.values())
