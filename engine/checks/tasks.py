"""What each task and event says it needs: forms, services and their parameters, decisions, timers, messages, errors."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from engine.checks.expressions import cycle_problems, expression_problems, timer_problems, variable_problems
from engine.checks.folder import Folder
from engine.checks.loops import loop_problems
from engine.errors import NotFound, Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node, Operator
from engine.flow.flow import NOBODY
from engine.flow.references import reference_problems
from engine.flow.vocabulary import MESSAGE
from engine.services.registry import ServiceTask, find_service_task


def check_tasks(diagram: Diagram, folder: Folder) -> Iterator[Problem]:
    """Every node's own configuration, and every expression of the diagram."""
    yield from reference_problems(diagram)
    for flow in diagram.flows:
        if flow.condition is not None:
            yield from expression_problems(flow.id or flow.source, flow.condition)
    for node in diagram.nodes.values():
        yield from loop_problems(node)
        if node.kind == "userTask":
            yield from _user_task(diagram, folder, node)
        elif node.kind == "serviceTask":
            yield from _service_task(diagram, node)
        elif node.kind == "businessRuleTask":
            yield from _business_rule_task(folder, node)
        elif node.kind == "callActivity":
            yield from _call(node)
        elif node.event:
            yield from _event(diagram, node)


def _user_task(diagram: Diagram, folder: Folder, node: Node) -> Iterator[Problem]:
    properties = node.properties
    form = properties.get("form", "")
    if properties.get("due"):
        yield from timer_problems(node.id, properties["due"])
    for other in node.others:
        if other == node.id or getattr(diagram.nodes.get(other), "kind", "") != "userTask":
            yield found(node.id, "user_task.four_eyes", f"not_same_person_as 提到的 {other[:60]} 不是另一个用户任务")
    yield from _time_limit(diagram, node)
    if folder.config is None:
        return
    if not form:
        yield found(node.id, "user_task.no_form", f"{node.label} 没有表单")
    elif form not in folder.forms and form not in folder.broken_forms:
        yield found(node.id, "form.missing", f"没有表单 forms/{form[:60]}.json")
    lane = node.lane
    if not lane:
        yield found(node.id, "user_task.no_lane", f"{node.label} 不在任何泳道中")
    elif folder.config.group_of(lane) == NOBODY:
        yield found(node.id, "user_task.nobody", f"泳道 {lane} 没有办理人，{node.label} 无人可办")


def _time_limit(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """A timer on the task or around it: one that interrupts is a way out, one that does not is a reminder."""
    timers = _timers_around(diagram, node)
    if not timers:
        yield found(node.id, "user_task.no_timeout", f"{node.label} 没有时限，可能永远无人办理")
    elif not any(event.is_interrupting for event in timers):
        yield found(node.id, "user_task.only_reminded", f"{node.label} 只有催办，没有到期的出口")


def _timers_around(diagram: Diagram, node: Node) -> list[Node]:
    timers = [event for event in diagram.boundaries_of(node) if event.event == "timer"]
    around = {outer.id for outer in diagram.enclosing(node)}  # what started a handler is no limit for it
    for scope in (*diagram.enclosing(node), None):
        if scope is not None:
            timers += [event for event in diagram.boundaries_of(scope) if event.event == "timer"]
        inside = diagram.within(scope.id if scope else diagram.process_id)
        handlers = [handler.id for handler in inside if handler.is_event_subprocess]
        timers += [
            start
            for handler in handlers
            for start in diagram.within(handler)
            if start.kind == "startEvent" and start.event == "timer" and handler not in around
        ]
    for caller, call in diagram.callers():
        timers += _timers_around(caller, call)
    return timers


def _service_task(diagram: Diagram, node: Node) -> Iterator[Problem]:
    operator = node.operator
    if operator is None or not operator.id:
        return
    result = operator.result
    if result:
        yield from variable_problems(node.id, result)
    for name, text in operator.parameters:
        yield from (
            found(node.id, p.code, f"参数 {name[:40]}：{p.message}") for p in expression_problems(node.id, text)
        )
    try:
        task = find_service_task(operator.id)
    except NotFound:
        yield found(node.id, "service_task.unknown", f"没有登记服务任务 {operator.id[:80]}")
        return
    yield from _parameters(node, operator, task.parameters)
    if result and task.result is None:
        yield found(node.id, "service_task.no_result", f"{task.name} 不返回结果，{result} 不会有值")
    yield from _errors(diagram, node, task)


def _parameters(node: Node, operator: Operator, model: type[BaseModel]) -> Iterator[Problem]:
    given = [name for name, _ in operator.parameters]
    names = {info.alias or name: info.is_required() for name, info in model.model_fields.items()}
    for name in given:
        if name not in names or given.count(name) > 1:
            known = "、".join(names) or "无"
            yield found(
                node.id,
                "service_task.parameter_unknown",
                f"{operator.id} 没有参数 {name[:40]} 或重复给出；可用：{known}",
            )
    for name, is_required in names.items():
        if is_required and name not in given:
            yield found(node.id, "service_task.parameter_missing", f"{operator.id} 缺少参数 {name}")


def _errors(diagram: Diagram, node: Node, task: ServiceTask) -> Iterator[Problem]:
    for code in task.errors:
        if not is_caught(diagram, node, code):
            yield found(node.id, "error.not_caught", f"{task.name} 的错误 {code} 没有边界事件接住")
    for event in diagram.boundaries_of(node):
        if event.event == "error" and event.told and event.told not in task.errors:
            yield found(event.id, "error.not_raised", f"{task.name} 不会给出错误 {event.told}")


def is_caught(diagram: Diagram, node: Node, code: str, event: str = "error") -> bool:
    """A boundary event on the node or around it, or an event subprocess, takes this error or escalation."""
    handlers = [each for outer in (node, *diagram.enclosing(node)) for each in diagram.boundaries_of(outer)]
    scope: str | None = node.scope
    while scope is not None:
        for handler in diagram.within(scope):
            if handler.is_event_subprocess and handler.id != node.scope:
                handlers += [start for start in diagram.within(handler.id) if start.kind == "startEvent"]
        scope = diagram.nodes[scope].scope if scope in diagram.nodes else None
    if any(each.event == event and each.told in ("", code) for each in handlers):
        return True
    callers = diagram.callers()
    return bool(callers) and all(is_caught(caller, call, code, event) for caller, call in callers)


def _business_rule_task(folder: Folder, node: Node) -> Iterator[Problem]:
    called = node.decision
    if not called:
        yield found(node.id, "decision.missing", f"{node.label} 没有指明决策")
    elif not folder.is_alone and called not in folder.tables and not folder.has_broken_tables:
        yield found(node.id, "decision.unknown", f"没有决策 {called[:60]}")


def _call(node: Node) -> Iterator[Problem]:
    """Which process it calls is check_calls()'s matter."""
    for name, text in (*node.prefixed("in."), *node.prefixed("out.")):
        yield from variable_problems(node.id, name)
        yield from expression_problems(node.id, text)


def _event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    properties = node.properties
    if node.event == "timer":
        yield from () if diagram.begins_cases(node) else _timer(node)
    elif node.event == MESSAGE:
        if properties.get("correlation"):
            yield from expression_problems(node.id, properties["correlation"])
        if properties.get("correlation_result"):
            yield from variable_problems(node.id, properties["correlation_result"])
    elif node.event == "error":
        yield from _error_event(diagram, node)
    elif node.event == "escalation":
        yield from _escalation_event(diagram, node)
    for _, text in node.prefixed("payload.") if node.is_throwing else ():
        yield from expression_problems(node.id, text)
    if properties.get("result"):
        yield from variable_problems(node.id, properties["result"])


def _timer(node: Node) -> Iterator[Problem]:
    part, text = node.definition.time if node.definition else ("", "")
    if part in ("timeDuration", "timeDate"):
        yield from timer_problems(node.id, text)
    elif part and node.kind in ("boundaryEvent", "startEvent") and not node.is_interrupting:
        yield from cycle_problems(node.id, text)


def _escalation_event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    if node.is_throwing and node.told and not is_caught(diagram, node, node.told, "escalation"):
        yield found(node.id, "escalation.not_caught", f"升级 {node.told} 没有事件接住，抛出后没有作用")


def _error_event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    if node.kind == "endEvent" and node.told and not is_caught(diagram, node, node.told):
        yield found(node.id, "error.not_caught", f"错误 {node.told} 没有事件接住，发生时成为异常")
