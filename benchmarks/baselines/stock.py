"""SpiffWorkflow as its documentation uses it, on the same diagram: the baseline of benchmarks/engine.py.

Its own parser, task tree, engine steps and serializer. For the sake of like with like: the same expression language (so
that neither side pays for `eval`), service tasks that stay STARTED until their result comes in, and no event subprocess
(its own does not hold). Decision tables are not on the measured path and are left out.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser.BpmnParser import full_tag
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.serializer.default.workflow import BpmnWorkflowConverter
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import ServiceTaskParser, SpiffTaskParser
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG, ServiceTaskConverter
from SpiffWorkflow.spiff.specs.defaults import NoneTask, ServiceTask
from SpiffWorkflow.util.task import TaskState

from benchmarks.fixtures import real_name as flow
from engine.language.expressions import compile_expression


class AsynchronousServiceTask(ServiceTask):  # type: ignore[misc]  # SpiffWorkflow ships no types
    def _execute(self, task: Any) -> None:
        self.evaluate_params(task)


class Parser(SpiffBpmnParser):  # type: ignore[misc]
    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("serviceTask"): (ServiceTaskParser, AsynchronousServiceTask),
        full_tag("businessRuleTask"): (SpiffTaskParser, NoneTask),
    }

    def _find_dependencies(self, process: Any) -> None:
        pass


class Environment(TaskDataEnvironment):  # type: ignore[misc]
    def evaluate(self, expression: str, context: dict[str, Any], external_context: Any = None) -> Any:
        return compile_expression(expression).evaluate(context)


ENGINE = PythonScriptEngine(Environment())


def parsed() -> tuple[Any, dict[str, Any]]:
    root = etree.fromstring(flow.BPMN)
    for parent in list(root.iter()):
        for handler in parent.findall("*[@triggeredByEvent='true']"):
            parent.remove(handler)
    parser = Parser()
    parser.add_bpmn_xml(root)
    return parser.get_spec("real_name"), parser.get_subprocess_specs("real_name")


class _StateOnly(BpmnWorkflowConverter):  # type: ignore[misc]
    """The documented converter without the spec: it is kept by the process (round-tripped once, as it must be)."""

    spec: Any = None

    def to_dict(self, workflow: Any) -> dict[str, Any]:
        spec, workflow.spec = workflow.spec, None
        try:
            state: dict[str, Any] = super().to_dict(workflow)
        finally:
            workflow.spec = spec
        return state

    def from_dict(self, state: dict[str, Any]) -> Any:
        workflow = BpmnWorkflow(self.spec, {}, deserializing=True)
        workflow.tasks = self.mapping_from_dict(state["tasks"], UUID, workflow=workflow)
        workflow.task_tree = workflow.tasks[UUID(state["root"])]
        self.set_default_attributes(workflow, state)
        return workflow


def serializer(*, is_spec_cached: bool) -> BpmnWorkflowSerializer:
    config = {**SPIFF_CONFIG, AsynchronousServiceTask: ServiceTaskConverter}
    plain = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(config))
    if not is_spec_cached:
        return plain
    spec, subprocesses = parsed()
    whole = json.loads(plain.serialize_json(BpmnWorkflow(spec, subprocesses, script_engine=ENGINE)))
    _StateOnly.spec = plain.registry.restore(whole["spec"])
    return BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure({**config, BpmnWorkflow: _StateOnly}))


def at_information() -> Any:
    """A running workflow that stands at its first `information`."""
    spec, subprocesses = parsed()
    workflow = BpmnWorkflow(spec, subprocesses, script_engine=ENGINE)
    workflow.task_tree.data["settings"] = flow.SETTINGS
    workflow.do_engine_steps()
    complete(workflow, "consent", flow.CONSENT)
    complete_job(workflow, "record_consent", {})
    return workflow


def complete(workflow: Any, element: str, values: dict[str, Any]) -> None:
    task = workflow.get_next_task(spec_name=element, state=TaskState.READY)
    task.data.update(values)
    task.run()
    workflow.do_engine_steps()


def complete_job(workflow: Any, element: str, result: dict[str, Any]) -> None:
    task = workflow.get_next_task(spec_name=element, state=TaskState.STARTED)
    task.data.update(result)
    task.complete()
    workflow.do_engine_steps()


def loop(workflow: Any) -> None:
    complete(workflow, "information", flow.INFORMATION)
    complete_job(workflow, "check_information", {"information_check": flow.WRONG})


def step(stored: str, own: BpmnWorkflowSerializer) -> str:
    """Load, complete one user task, run to the next wait, save."""
    workflow = own.deserialize_json(stored)
    workflow.script_engine = ENGINE
    complete(workflow, "information", flow.INFORMATION)
    saved: str = own.serialize_json(workflow)
    return saved
