"""Comparing faces needs a consent of its own before it, and never may be the only way (PIPL; face rules of 2025-06-01)."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.folder import Folder
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.compensation import read_compensation
from engine.flow.diagram import Diagram, Node
from engine.flow.graph import reachable

_EXIT = "/exit"  # no element's id holds a slash
_UNDONE = "/undone"


def check_faces(diagram: Diagram, folder: Folder) -> Iterator[Problem]:
    """Nothing is said of a diagram checked alone: its forms, and so its consents, are not known."""
    steps = [node for node in diagram.nodes.values() if node.operator and node.operator.id.startswith("face.")]
    if not steps or folder.is_alone or folder.broken_forms:
        return
    consents = [node for node in diagram.nodes.values() if _asks_for_face(folder, node)]
    entry = [node.id for node in diagram.within(diagram.process_id) if node.kind == "startEvent"]
    entry += [node.id for node in diagram.within(diagram.process_id) if node.is_event_subprocess]
    without_consent = reachable(entry, _edges(diagram, through={node.id for node in consents}))
    forward = _edges(diagram, with_events=False)
    for step in steps:
        if step.id in without_consent:
            yield found(step.id, "face.no_consent", f"不经过人脸同意就能到达 {step.label}")
            continue
        away = frozenset(step.id for step in steps)
        for consent in consents:
            if step.id not in reachable([consent.id], forward):
                continue
            if diagram.process_id + _EXIT not in reachable([consent.id], forward, avoiding=away):
                yield found(step.id, "face.no_alternative", f"在 {consent.label} 之后，没有不比对人脸也能办完的路径")


def _asks_for_face(folder: Folder, node: Node) -> bool:
    form = folder.forms.get(node.properties.get("form", "")) if node.kind == "userTask" else None
    return form is not None and any("face" in purpose for purpose in form.consent_purposes)


def _edges(diagram: Diagram, *, through: set[str] | None = None, with_events: bool = True) -> dict[str, list[str]]:
    """Where a token may go next, across scopes; a scope's exit is `<id>/exit`.

    through: consents whose completion is left out (their boundary events are not: they mean nobody agreed).
    with_events: also boundary events, compensation handlers and event subprocesses, which may go off at any time.
    """
    edges: dict[str, list[str]] = {}
    handlers = read_compensation(diagram).handlers
    for node in diagram.nodes.values():
        onward = [flow.target for flow in node.outgoing]
        if node.is_undone_event:
            onward = [handlers.get(node.attached_to, "")]
        elif node.is_for_compensation:  # it leads back to who called for it, where what was agreed to has not changed
            onward = [node.id + _UNDONE]
        after = edges.setdefault(node.id, [])
        if with_events:
            after += [event.id for event in diagram.boundaries_of(node)]
        if node.kind == "subProcess":
            inside = diagram.within(node.id)
            after += [n.id for n in inside if n.kind == "startEvent" or (with_events and n.is_event_subprocess)]
            out = onward or [node.scope + _EXIT]
            edges.setdefault(node.id + _EXIT, []).extend([node.scope + _EXIT] if node.is_event_subprocess else out)
        elif node.id not in (through or ()):
            after += onward or [node.scope + _EXIT]
    return edges
