"""How cases begin: by hand, by a message, by the clock; what of it no case could come of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.checks.folder import Folder
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.flow import STARTER, FlowConfig
from engine.flow.graph import reachable, scope_edges
from engine.language.expressions import InvalidExpression
from engine.language.schedules import compile_schedule


def check_schedules(diagram: Diagram) -> Iterator[Problem]:
    """Timers that begin cases."""
    for node in diagram.nodes.values():
        if node.event == "timer" and diagram.begins_cases(node):
            yield from _schedule(node)


def _schedule(node: Node) -> Iterator[Problem]:
    times = [(kind, text) for kind, text in (node.definition.times.items() if node.definition else ()) if text]
    if len(times) != 1:
        yield found(node.id, "timer.invalid", f"{node.label} 应写明 timeCycle、timeDate 或 timeDuration 之一")
        return
    try:
        compile_schedule(*times[0])
    except InvalidExpression as error:
        yield found(node.id, "timer.invalid", f"“{times[0][1][:80]}”无效：{error.reason}")


def check_case_starts(diagrams: Sequence[Diagram], folder: Folder) -> Iterator[Problem]:
    """Against flow.toml. diagrams: the flow's own, then those it calls."""
    diagram, config = diagrams[0], folder.config
    if config is None:
        return
    starts = [node for node in diagram.nodes.values() if diagram.begins_cases(node)]
    if config.start.message:
        told = f"[start] message 不再使用；请在流程图中画接收消息 {config.start.message} 的开始事件"
        yield found(config.start.message, "start.in_diagram", told)
    if (config.start.who or config.start.form) and all(start.event for start in starts):
        yield found(
            diagram.process_id, "start.not_by_hand", "流程图没有不带触发方式的开始事件，flow.toml 的 [start] 不起作用"
        )
    names = [(start, start.told) for start in starts if start.event == "message"]
    for number, (start, name) in enumerate(names):
        if name and name in [other for _, other in names[:number]]:
            yield found(start.id, "start.doubled", f"两个开始事件接收同一条消息 {name}")
        form = start.properties.get("form", "")
        if form and form not in folder.forms and form not in folder.broken_forms:
            yield found(start.id, "form.missing", f"没有表单 forms/{form[:60]}.json")
    for start in starts:
        if start.event == "timer":
            yield from _nobodys(diagram, start, config)


def _nobodys(diagram: Diagram, start: Node, config: FlowConfig) -> Iterator[Problem]:
    """Nobody started what the clock did: a task of the starter's would be nobody's."""
    reached = reachable([start.id], scope_edges(diagram, diagram.process_id))
    reached |= {node.id for node in diagram.within(diagram.process_id) if node.is_event_subprocess}
    inside = [inner for element in reached for inner in diagram.contents(diagram.nodes[element])]
    called: set[str] = set()
    while inside:
        node = inside.pop()
        if node.kind == "callActivity" and node.called in diagram.further and node.called not in called:
            called.add(node.called)
            inside += diagram.further[node.called].nodes.values()
        lane = node.lane if node.kind == "userTask" else ""
        if node.kind == "userTask" and (config.group_of(lane) or lane or STARTER) == STARTER:
            yield found(start.id, "start.nobody", f"定时启动的案件没有发起人，{node.label} 将无人可办")
