"""Who writes which variable, and who reads one that nobody writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.checks.expressions import RESERVED
from engine.checks.folder import Folder
from engine.checks.loops import loop_expressions, loop_names
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.flow import FlowConfig
from engine.flow.groups import pattern_variables
from engine.flow.vocabulary import KINDS
from engine.language.expressions import InvalidExpression, compile_expression
from engine.language.timers_text import compile_timer


def written_by(diagram: Diagram, folder: Folder) -> dict[str, frozenset[str]]:
    """The variables each node writes, by node id: form fields, results, decision outputs, message payloads."""
    return {node.id: frozenset(_writes(diagram, folder, node)) for node in diagram.nodes.values()}


def _writes(diagram: Diagram, folder: Folder, node: Node) -> Iterator[str]:
    properties = node.properties
    if node.loop is not None:  # what an instance writes is its own
        yield from filter(None, [node.loop.output])
    elif node.kind == "userTask":
        form = folder.forms.get(properties.get("form", ""))
        yield from form.fields if form else ()
    elif node.kind == "serviceTask":
        if node.operator is not None and node.operator.result:
            yield node.operator.result
    elif node.kind == "businessRuleTask":
        table = folder.tables.get(node.decision)
        yield from table.outputs if table else ()
    elif node.kind == "callActivity":
        yield from (name for name, _ in node.prefixed("out."))
    elif node.event and not (node.is_throwing and KINDS[node.kind].names_message):
        yield from filter(None, (properties.get("result"), properties.get("correlation_result")))
        form = folder.forms.get(properties.get("form", "")) if diagram.begins_cases(node) else None
        yield from form.fields if form else ()


def check_variables(diagram: Diagram, folder: Folder, writes: dict[str, frozenset[str]]) -> Iterator[Problem]:
    """Reserved names written, and (info) reads of what nothing in the diagram writes: often a misspelling."""
    for element, names in writes.items():
        for name in sorted(names & RESERVED):
            yield found(element, "variable.name", f"{name} 是保留名，不能写入")
    if folder.config is None or folder.broken_forms or folder.has_broken_tables:
        return
    start = folder.forms.get(folder.config.start.form) if not diagram.is_called else None
    given = (name for _, call in diagram.callers() for name, _ in call.prefixed("in."))
    known = RESERVED.union(*writes.values(), start.fields if start else (), given, loop_names(diagram))
    yield from _groups(diagram, folder.config, known)
    told: set[str] = set()
    for element, names in _reads(diagram, folder):
        for name in sorted(names - known - told):
            told.add(name)
            yield found(element, "variable.unknown", f"变量 {name} 没有任何地方写入，读到的总是空")


def _groups(diagram: Diagram, config: FlowConfig, known: frozenset[str]) -> Iterator[Problem]:
    """Groups named after a variable that is never written: an item nobody would see, a message nobody could send."""
    for lane, rules in config.lanes.items():
        if lane not in diagram.lanes:
            continue
        for name in sorted(pattern_variables(rules.group) - known):
            yield found(lane, "lane.variable", f"泳道 {lane} 的岗位取自变量 {name}，没有任何地方写入它，待办将无人可办")
    for message, sending in () if diagram.is_called else config.messages.items():
        for name in sorted(frozenset[str]().union(*map(pattern_variables, sending.who)) - known):
            yield found(message, "message.variable", f"消息 {message} 的发送人取自变量 {name}，没有任何地方写入它")


def _reads(diagram: Diagram, folder: Folder) -> Iterator[tuple[str, frozenset[str]]]:
    for _, call in diagram.callers():
        yield call.id, _names(text for _, text in call.prefixed("out."))
    for flow in diagram.flows:
        yield flow.id or flow.source, _names([flow.condition or ""])
    for node in diagram.nodes.values():
        properties = node.properties
        texts = [properties.get("correlation", "")]
        texts += [text for _, text in node.operator.parameters] if node.operator else ()
        texts += [text for _, text in (*node.prefixed("in."), *node.prefixed("payload."))]
        texts += loop_expressions(node)
        form = folder.forms.get(properties.get("form", "")) if node.kind == "userTask" else None
        shown = frozenset(form.shows) if form else frozenset()
        texts += form.prefill.values() if form else ()
        table = folder.tables.get(node.decision) if node.kind == "businessRuleTask" else None
        timers = _timer_names([properties.get("due", ""), node.time() or ""])
        yield node.id, _names(texts) | shown | timers | (table.names if table else frozenset())
    if folder.config is None:
        return
    for name in () if diagram.is_called else (*folder.config.variables.public, *folder.config.variables.search):
        yield "flow.toml", frozenset({name})


def _names(texts: Iterable[str]) -> frozenset[str]:
    names: set[str] = set()
    for text in texts:
        try:
            names |= compile_expression(text).names if text else frozenset()
        except InvalidExpression:
            continue  # told by check_tasks
    return frozenset(names)


def _timer_names(texts: Iterable[str]) -> frozenset[str]:
    names: set[str] = set()
    for text in texts:
        try:
            names |= compile_timer(text).names if text else frozenset()
        except InvalidExpression:
            continue  # told by check_tasks
    return frozenset(names)
