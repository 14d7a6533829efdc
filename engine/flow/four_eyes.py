"""Whom a diagram keeps apart: property `not_same_person_as` of a user task, ids of others with blanks between them."""

from __future__ import annotations

from engine.flow.flow import Flow
from engine.flow.reading import read_alone


def others_of(flow: Flow, element: str) -> tuple[str, ...]:
    """Elements whose completer may not do this one."""
    for path, content in flow.files.items():
        if path.endswith(".bpmn"):
            task = read_alone(content).nodes.get(element)
            if task is not None and task.others:
                return task.others
    return ()
