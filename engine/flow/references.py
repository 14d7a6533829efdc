"""What elements name that has to be there: messages, signals, codes, operators, times. The check and the compiler ask it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.vocabulary import ERROR, ESCALATION, MESSAGE, SIGNAL, SIGNALLED, TIMER


def reference_problems(diagram: Diagram) -> Iterator[Problem]:
    """Of every node; whether what is named does something is told elsewhere."""
    for node in diagram.nodes.values():
        if node.kind == "serviceTask" and (node.operator is None or not node.operator.id):
            yield found(node.id, "service_task.no_operator", f"{node.label} 没有指明调用的服务")
        elif node.event == TIMER and not diagram.begins_cases(node):
            yield from _timer(node)
        elif node.event == MESSAGE:
            if not node.told or node.told.startswith(SIGNALLED):
                yield found(node.id, "message.unknown", f"{node.label} 没有指明有名称的消息，或名称以 signal: 开头")
        elif node.event == SIGNAL and not node.told:
            yield found(node.id, "signal.unknown", f"{node.label} 没有指明有名称的信号")
        elif node.event in (ERROR, ESCALATION):
            yield from _code(node)


def _timer(node: Node) -> Iterator[Problem]:
    part, _ = node.definition.time if node.definition else ("", "")
    if not part:
        yield found(node.id, "timer.invalid", f"{node.label} 应写明 timeDuration、timeDate 或 timeCycle")
    elif part == "timeCycle" and (node.kind not in ("boundaryEvent", "startEvent") or node.is_interrupting):
        yield found(node.id, "timer.invalid", f"{node.label}：timeCycle 只用于非中断的边界事件和事件子流程")


def _code(node: Node) -> Iterator[Problem]:
    """A catching event without a reference catches all."""
    reference = node.definition.reference if node.definition else ""
    if not node.told and (reference or node.is_throwing):
        code, what = ("error.unknown", "错误") if node.event == ERROR else ("escalation.unknown", "升级")
        yield found(node.id, code, f"{node.label} 没有指明有代码的{what}")
