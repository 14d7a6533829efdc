"""The notices a diagram names against those of flow.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.checks.folder import Folder
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.flow import FlowConfig
from engine.language.expressions import ExpressionFailed, InvalidExpression, compile_expression
from engine.services.registry import NOTICE, declared_service_tasks


def check_notices(diagrams: Sequence[Diagram], folder: Folder) -> Iterator[Problem]:
    """Names that are written out; one that is computed shows itself when it is queued."""
    config = folder.config
    if config is None:
        return
    for diagram in diagrams:
        for node in diagram.nodes.values():
            for name in _named(node):
                if not _has(config, name):
                    told = f"{node.label} 的通知 {name[:80]} 在 flow.toml 的 [notices] 中没有"
                    yield found(node.id, "notice.unknown", told)


def _has(config: FlowConfig, name: str) -> bool:
    flow_key, _, own = name.partition(".")
    return flow_key == config.key and own in config.notices


def _named(node: Node) -> Iterator[str]:
    task = declared_service_tasks().get(node.operator.id) if node.operator else None
    if node.operator is None or task is None:
        return
    for name, text in node.operator.parameters:
        field = task.parameters.model_fields.get(name)
        if field is not None and NOTICE in field.metadata:
            yield from _literal(text)


def _literal(text: str) -> Iterator[str]:
    """The text an expression is whatever the case holds; nothing of one that reads variables."""
    try:
        expression = compile_expression(text)
        value = None if expression.names else expression.evaluate({})
    except (InvalidExpression, ExpressionFailed):
        return
    if isinstance(value, str):
        yield value
