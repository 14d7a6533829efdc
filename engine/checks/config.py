"""The diagram against flow.toml: lanes, outcomes, progress, messages; forms and decisions nobody uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.checks.folder import Folder
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node
from engine.flow.flow import FlowConfig
from engine.flow.graph import reachable, scope_edges


def check_config(diagrams: Sequence[Diagram], folder: Folder) -> Iterator[Problem]:
    """diagrams: the flow's own, then those it calls. Of a diagram checked alone only outcomes without effect are told."""
    for diagram in diagrams:
        yield from _outcome_places(diagram)
    config = folder.config
    if config is None:
        return
    lanes = {lane: name for diagram in diagrams for lane, name in diagram.lanes.items()}
    for lane, name in lanes.items():
        if lane not in config.lanes:
            yield found(lane, "lane.unmapped", f"flow.toml 的 [lanes] 没有泳道 {lane}（{name}）")
    for lane in config.lanes.keys() - lanes.keys():
        yield found(lane, "lane.unused", f"flow.toml 的泳道 {lane} 在流程图中不存在")
    yield from _outcomes(diagrams[0], config)
    nodes = [(diagram, node) for diagram in diagrams for node in diagram.nodes.values()]
    for table, told in (("progress", config.progress), ("changes", config.changes)):
        for element in told.keys() - {node.id for _, node in nodes}:
            yield found(element, "progress.unknown", f"flow.toml 的 [{table}] 提到了不存在的元素 {element}")
    caught = {
        node.told
        for diagram, node in nodes
        if node.event == "message" and not node.is_throwing and not diagram.begins_cases(node)
    }
    for message in config.messages.keys() - caught:
        yield found(message, "message.not_caught", f"流程图中没有接收消息 {message} 的事件")
    # The facet is listed and kept in plain text: what people type freely may be personal.
    facet = config.inbox.facet
    if facet and not folder.broken_forms and facet not in folder.choices():
        yield found(facet, "inbox.facet", f"flow.toml 的待办分类 {facet} 应为表单中的单选字段（enum）")
    yield from _unused([node for _, node in nodes], folder, config)


def _outcome_places(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.nodes.values():
        if node.kind == "endEvent" and node.properties.get("outcome") and not diagram.gives_outcome(node):
            yield found(node.id, "outcome.nested", f"{node.label} 在子流程或被调用的流程里，它的结果不会生效")


def _outcomes(diagram: Diagram, config: FlowConfig) -> Iterator[Problem]:
    given: set[str] = set()
    starts = [node.id for node in diagram.within(diagram.process_id) if node.kind == "startEvent"]
    beside = {node.id for node in diagram.nodes.values() if node.kind == "boundaryEvent" and not node.is_interrupting}
    # A reminder's end is not the end of the case.
    final = reachable(starts, scope_edges(diagram, diagram.process_id), frozenset(beside))
    for node in diagram.nodes.values():
        if node.kind != "endEvent" or node.event in ("error", "escalation") or not diagram.gives_outcome(node):
            continue
        outcome = node.properties.get("outcome", "")
        given.add(outcome)
        if outcome and outcome not in config.outcomes:
            yield found(node.id, "outcome.no_label", f"flow.toml 的 [outcomes] 没有结果 {outcome[:60]}")
        elif not outcome and node.id in final and config.outcomes:
            yield found(node.id, "outcome.none", f"{node.label} 没有写明结果（属性 outcome）")
    for outcome in config.outcomes.keys() - given:
        yield found(outcome, "outcome.unused", f"没有结束事件给出结果 {outcome}")


def _unused(nodes: list[Node], folder: Folder, config: FlowConfig) -> Iterator[Problem]:
    named = {config.start.form: "开始表单"} | {rules.form: "消息表单" for rules in config.messages.values()}
    for stem, what in named.items():
        if stem and stem not in folder.forms and stem not in folder.broken_forms:
            yield found(stem, "form.missing", f"没有{what} forms/{stem}.json")
    used = {node.properties.get("form", "") for node in nodes if node.kind in ("userTask", "startEvent")} | named.keys()
    for stem in sorted(folder.forms.keys() - used):
        yield found(f"forms/{stem}.json", "form.unused", f"没有用户任务使用表单 {stem}")
    called = {node.decision for node in nodes if node.kind == "businessRuleTask"}
    for decision in sorted(folder.tables.keys() - called):
        yield found(decision, "decision.unused", f"没有业务规则任务使用决策 {decision}")
