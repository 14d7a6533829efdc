"""What each task and event says it needs: forms, services and their parameters, decisions, timers, messages, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from engine.checks.expressions import cycle_problems, expression_problems, timer_problems, variable_problems
from engine.checks.folder import Folder
from engine.checks.loops import loop_problems
from engine.errors import NotFound, Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node, body
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name
from engine.flows import NOBODY
from engine.service_tasks import ServiceTask, find_service_task


def check_tasks(diagram: Diagram, folder: Folder) -> Iterator[Problem]:
    """Every node's own configuration, and every expression of the diagram."""
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
        elif node.event or node.kind == "sendTask":
            yield from _event(diagram, node)


def _user_task(diagram: Diagram, folder: Folder, node: Node) -> Iterator[Problem]:
    properties = node.properties
    form, priority = properties.get("form", ""), properties.get("priority", "50").strip()
    if properties.get("due"):
        yield from timer_problems(node.id, properties["due"])
    if not (priority.isascii() and priority.isdigit() and int(priority[:9]) <= 100):
        yield found(node.id, "user_task.priority", f"优先级应为 0 到 100 的整数：{priority[:20]}")
    for other in properties.get("not_same_person_as", "").split():
        if other == node.id or getattr(diagram.nodes.get(other), "kind", "") != "userTask":
            yield found(node.id, "user_task.four_eyes", f"not_same_person_as 提到的 {other[:60]} 不是另一个用户任务")
    yield from _time_limit(diagram, node)
    if folder.config is None:
        return
    if not form:
        yield found(node.id, "user_task.no_form", f"{node.label} 没有表单")
    elif form not in folder.forms and form not in folder.broken_forms:
        yield found(node.id, "form.missing", f"没有表单 forms/{form[:60]}.json")
    lane = diagram.lane(node)
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
    timers = [event for event in node.boundaries if event.event == "timer"]
    around = {outer.id for outer in diagram.enclosing(node)}  # what started a handler is no limit for it
    for scope in (*diagram.enclosing(node), None):
        if scope is not None:
            timers += [event for event in scope.boundaries if event.event == "timer"]
        inside = diagram.within(scope.id if scope else diagram.process_id)
        handlers = [handler.id for handler in inside if handler.is_event_subprocess]
        timers += [
            start
            for handler in handlers
            for start in diagram.within(handler)
            if start.kind == "startEvent" and start.event == "timer" and handler not in around
        ]
    for caller, call in diagram.callers:
        timers += _timers_around(caller, call)
    return timers


def _service_task(diagram: Diagram, node: Node) -> Iterator[Problem]:
    operator = node.extension("serviceTaskOperator")
    if operator is None or not node.operator:
        yield found(node.id, "service_task.no_operator", f"{node.label} 没有指明调用的服务")
        return
    result = operator.get("resultVariable", "")
    if result:
        yield from variable_problems(node.id, result)
    given = parameters(operator)
    for name, text in given:
        yield from (
            found(node.id, p.code, f"参数 {name[:40]}：{p.message}") for p in expression_problems(node.id, text)
        )
    try:
        task = find_service_task(node.operator)
    except NotFound:
        yield found(node.id, "service_task.unknown", f"没有登记服务任务 {node.operator[:80]}")
        return
    yield from _parameters(node, task.parameters, [name for name, _ in given])
    if result and task.result is None:
        yield found(node.id, "service_task.no_result", f"{task.name} 不返回结果，{result} 不会有值")
    yield from _errors(diagram, node, task)


def parameters(operator: Xml) -> list[tuple[str, str]]:
    """Name and expression of each parameter of a serviceTaskOperator."""
    return [(p.get("id", ""), p.get("value", "None")) for p in operator.iter() if local_name(p) == "parameter"]


def _parameters(node: Node, model: type[BaseModel], given: list[str]) -> Iterator[Problem]:
    names = {info.alias or name: info.is_required() for name, info in model.model_fields.items()}
    for name in given:
        if name not in names or given.count(name) > 1:
            known = "、".join(names) or "无"
            yield found(
                node.id,
                "service_task.parameter_unknown",
                f"{node.operator} 没有参数 {name[:40]} 或重复给出；可用：{known}",
            )
    for name, is_required in names.items():
        if is_required and name not in given:
            yield found(node.id, "service_task.parameter_missing", f"{node.operator} 缺少参数 {name}")


def _errors(diagram: Diagram, node: Node, task: ServiceTask) -> Iterator[Problem]:
    for code in task.errors:
        if not is_caught(diagram, node, code):
            yield found(node.id, "error.not_caught", f"{task.name} 的错误 {code} 没有边界事件接住")
    for event in node.boundaries:
        code = error_code(diagram, event)
        if event.event == "error" and code and code not in task.errors:
            yield found(event.id, "error.not_raised", f"{task.name} 不会给出错误 {code}")


def is_caught(diagram: Diagram, node: Node, code: str, event: str = "error") -> bool:
    """A boundary event on the node or around it, or an event subprocess, takes this error or escalation."""
    handlers = [each for outer in (node, *diagram.enclosing(node)) for each in outer.boundaries]
    scope: str | None = node.scope
    while scope is not None:
        for handler in diagram.within(scope):
            if handler.is_event_subprocess and handler.id != node.scope:
                handlers += [start for start in diagram.within(handler.id) if start.kind == "startEvent"]
        scope = diagram.nodes[scope].scope if scope in diagram.nodes else None
    codes = diagram.errors if event == "error" else diagram.escalations
    if any(each.event == event and named_by(each, event, codes) in ("", code) for each in handlers):
        return True
    return bool(diagram.callers) and all(is_caught(caller, call, code, event) for caller, call in diagram.callers)


def definition_of(node: Node) -> Xml | None:
    return next((child for child in node.xml if local_name(child).endswith("EventDefinition")), None)


def error_code(diagram: Diagram, node: Node) -> str:
    """The code an error event throws or catches, "" for all."""
    definition = definition_of(node)
    return diagram.errors.get(definition.get("errorRef", ""), "") if definition is not None else ""


def message_name(diagram: Diagram, node: Node) -> str:
    definition = node.xml if node.kind == "sendTask" else definition_of(node)
    return diagram.messages.get(definition.get("messageRef", ""), "") if definition is not None else ""


def timer_text(node: Node, *names: str) -> str | None:
    """Body of timeDuration or timeDate (or of these parts instead); None where there is none."""
    definition = definition_of(node)
    for part in definition if definition is not None else ():
        if local_name(part) in (names or ("timeDuration", "timeDate")):
            return body(part)
    return None


def _business_rule_task(folder: Folder, node: Node) -> Iterator[Problem]:
    called = called_decision(node)
    if not called:
        yield found(node.id, "decision.missing", f"{node.label} 没有指明决策")
    elif not folder.is_alone and called not in folder.tables and not folder.has_broken_tables:
        yield found(node.id, "decision.unknown", f"没有决策 {called[:60]}")


def called_decision(node: Node) -> str:
    extension = node.extension("calledDecisionId")
    return "" if extension is None else body(extension)


def _call(node: Node) -> Iterator[Problem]:
    """Which process it calls is check_calls()'s matter."""
    for name, text in (*node.prefixed("in."), *node.prefixed("out.")):
        yield from variable_problems(node.id, name)
        yield from expression_problems(node.id, text)


def _event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    properties = node.properties
    if node.event == "timer":
        yield from () if diagram.begins_cases(node) else _timer(node)
    elif node.event == "message" or node.kind == "sendTask":
        name = message_name(diagram, node)
        if not name or name.startswith("signal:"):
            yield found(node.id, "message.unknown", f"{node.label} 没有指明有名称的消息，或名称以 signal: 开头")
        if properties.get("correlation"):
            yield from expression_problems(node.id, properties["correlation"])
        if properties.get("correlation_result"):
            yield from variable_problems(node.id, properties["correlation_result"])
    elif node.event == "signal":
        if not named_by(node, "signal", diagram.signals):
            yield found(node.id, "signal.unknown", f"{node.label} 没有指明有名称的信号")
    elif node.event == "error":
        yield from _error_event(diagram, node)
    elif node.event == "escalation":
        yield from _escalation_event(diagram, node)
    for _, text in node.prefixed("payload.") if node.is_throwing else ():
        yield from expression_problems(node.id, text)
    if properties.get("result"):
        yield from variable_problems(node.id, properties["result"])


def named_by(node: Node, what: str, names: Mapping[str, str]) -> str:
    """The name or code an event's definition refers to, "" for none."""
    definition = definition_of(node)
    return names.get(definition.get(f"{what}Ref", ""), "") if definition is not None else ""


def _timer(node: Node) -> Iterator[Problem]:
    text, cycle = timer_text(node), timer_text(node, "timeCycle")
    if text is not None:
        yield from timer_problems(node.id, text)
    elif cycle is None:
        yield found(node.id, "timer.invalid", f"{node.label} 应写明 timeDuration、timeDate 或 timeCycle")
    elif node.kind not in ("boundaryEvent", "startEvent") or node.is_interrupting:
        yield found(node.id, "timer.invalid", f"{node.label}：timeCycle 只用于非中断的边界事件和事件子流程")
    else:
        yield from cycle_problems(node.id, cycle)


def _escalation_event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    definition = definition_of(node)
    reference = definition.get("escalationRef", "") if definition is not None else ""
    code = named_by(node, "escalation", diagram.escalations)
    if not code and (reference or node.is_throwing):
        yield found(node.id, "escalation.unknown", f"{node.label} 没有指明有代码的升级")
    elif node.is_throwing and not is_caught(diagram, node, code, "escalation"):
        yield found(node.id, "escalation.not_caught", f"升级 {code} 没有事件接住，抛出后没有作用")


def _error_event(diagram: Diagram, node: Node) -> Iterator[Problem]:
    definition = definition_of(node)
    reference = definition.get("errorRef", "") if definition is not None else ""
    code = error_code(diagram, node)
    if not code and (reference or node.kind == "endEvent"):
        yield found(node.id, "error.unknown", f"{node.label} 没有指明有代码的错误")
    elif node.kind == "endEvent" and not is_caught(diagram, node, code):
        yield found(node.id, "error.not_caught", f"错误 {code} 没有事件接住，发生时成为异常")
