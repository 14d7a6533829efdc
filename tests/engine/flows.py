"""Small flows for the engine's tests, made in memory, and the service tasks they name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from engine.errors import BusinessError
from engine.flow.flow import Flow, flow_of_files
from engine.services.registry import service_task

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="definitions" targetNamespace="https://example.test/flow">
  <bpmn:message id="message_withdraw" name="withdraw" />
  <bpmn:error id="error_blurred" name="blurred" errorCode="photo.blurred" />
"""

# fill → read (job) → decide (timer: one day → expired) → record (in transaction) → approved; withdraw at any time.
LEAVE = (
    HEAD
    + """<bpmn:process id="leave" isExecutable="true">
  <bpmn:laneSet id="lanes">
    <bpmn:lane id="applicant" name="申请人"><bpmn:flowNodeRef>start</bpmn:flowNodeRef><bpmn:flowNodeRef>fill</bpmn:flowNodeRef>
      <bpmn:flowNodeRef>withdrawal</bpmn:flowNodeRef></bpmn:lane>
    <bpmn:lane id="system" name="系统"><bpmn:flowNodeRef>read</bpmn:flowNodeRef><bpmn:flowNodeRef>record</bpmn:flowNodeRef>
      <bpmn:flowNodeRef>approved</bpmn:flowNodeRef><bpmn:flowNodeRef>expired</bpmn:flowNodeRef>
      <bpmn:flowNodeRef>unreadable</bpmn:flowNodeRef><bpmn:flowNodeRef>blurred</bpmn:flowNodeRef></bpmn:lane>
    <bpmn:lane id="reviewer" name="审核员"><bpmn:flowNodeRef>decide</bpmn:flowNodeRef>
      <bpmn:flowNodeRef>late</bpmn:flowNodeRef></bpmn:lane>
  </bpmn:laneSet>
  <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="fill" />
  <bpmn:userTask id="fill" name="填写"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="fill" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="f2" sourceRef="fill" targetRef="read" />
  <bpmn:serviceTask id="read" name="识别"><bpmn:extensionElements>
      <spiffworkflow:serviceTaskOperator id="test.read" resultVariable="reading"><spiffworkflow:parameters>
        <spiffworkflow:parameter id="text" type="str" value="number" /></spiffworkflow:parameters>
      </spiffworkflow:serviceTaskOperator></bpmn:extensionElements>
    <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:serviceTask>
  <bpmn:boundaryEvent id="blurred" attachedToRef="read"><bpmn:outgoing>f8</bpmn:outgoing>
    <bpmn:errorEventDefinition id="blurred_error" errorRef="error_blurred" /></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f8" sourceRef="blurred" targetRef="unreadable" />
  <bpmn:endEvent id="unreadable"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="outcome" value="unreadable" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f8</bpmn:incoming></bpmn:endEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="read" targetRef="decide" />
  <bpmn:userTask id="decide" name="审核"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="decide" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4</bpmn:outgoing></bpmn:userTask>
  <bpmn:boundaryEvent id="late" attachedToRef="decide"><bpmn:outgoing>f6</bpmn:outgoing>
    <bpmn:timerEventDefinition id="late_timer"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P1D</bpmn:timeDuration>
    </bpmn:timerEventDefinition></bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f6" sourceRef="late" targetRef="expired" />
  <bpmn:endEvent id="expired"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="outcome" value="expired" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f6</bpmn:incoming></bpmn:endEvent>
  <bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="record" />
  <bpmn:serviceTask id="record" name="登记"><bpmn:extensionElements>
      <spiffworkflow:serviceTaskOperator id="test.record" resultVariable="recorded"><spiffworkflow:parameters>
        <spiffworkflow:parameter id="text" type="str" value="opinion" /></spiffworkflow:parameters>
      </spiffworkflow:serviceTaskOperator></bpmn:extensionElements>
    <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing></bpmn:serviceTask>
  <bpmn:sequenceFlow id="f5" sourceRef="record" targetRef="approved" />
  <bpmn:endEvent id="approved"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="outcome" value="approved" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f5</bpmn:incoming></bpmn:endEvent>
  <bpmn:subProcess id="withdrawal" triggeredByEvent="true">
    <bpmn:startEvent id="withdrawing" isInterrupting="true"><bpmn:outgoing>f7</bpmn:outgoing>
      <bpmn:messageEventDefinition id="withdraw_message" messageRef="message_withdraw" /></bpmn:startEvent>
    <bpmn:sequenceFlow id="f7" sourceRef="withdrawing" targetRef="withdrawn" />
    <bpmn:endEvent id="withdrawn"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="outcome" value="withdrawn" /></spiffworkflow:properties></bpmn:extensionElements>
      <bpmn:incoming>f7</bpmn:incoming></bpmn:endEvent>
  </bpmn:subProcess>
</bpmn:process></bpmn:definitions>
"""
)

LEAVE_TOML = """key = "leave"
title = "请假"
[start]
who = ["applicant"]
one_running_per_starter = {exclusive}
[lanes]
applicant = "starter"
system = "-"
reviewer = "leave.reviewer:{{office}}"
[variables]
public = ["number"]
search = ["number"]
[outcomes.approved]
label = "已批准"
state = "success"
[outcomes.expired]
label = "已过期"
[outcomes.withdrawn]
label = "已撤回"
[outcomes.unreadable]
label = "无法识别"
state = "failure"
[progress]
fill = "填写中"
read = "识别中"
decide = "审核中"
[messages.withdraw]
label = "撤回"
who = "starter"
"""

FORMS = {
    "fill": {"number": {"type": "string"}, "office": {"type": "string"}, "photo": {"type": "string"}},
    "decide": {"opinion": {"type": "string"}},
}


def a_flow(bpmn: str = LEAVE, toml: str = "", *, exclusive: bool = False) -> Flow:
    """The leave flow, or another diagram with the same forms."""
    files = {
        "flow.toml": (toml or LEAVE_TOML.format(exclusive="true" if exclusive else "false")).encode(),
        "process.bpmn": bpmn.encode(),
    }
    for name, properties in FORMS.items():
        files[f"forms/{name}.json"] = to_json(a_form(name, properties))
    return flow_of_files(files)


def a_form(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    fields = {key: {**schema, "title": key, "ui": {}} for key, schema in properties.items()}
    if "photo" in fields:
        fields["photo"]["ui"] = {"kind": "attachment"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
        "ui": {"title": name, "order": list(fields)},
    }


def to_json(form: dict[str, Any]) -> bytes:
    return json.dumps(form).encode()


class Text(BaseModel):
    text: str | None = None


class Length(BaseModel):
    length: int


Recorder = Callable[[Any, Any], Length]
record: list[Recorder] = []  # what test.record does; a test puts its own here


@service_task("test.read", title="识别", parameters=Text, result=Length, errors=("photo.blurred",), max_attempts=2)
def read_text(parameters: Text, context: Any) -> Length:
    if parameters.text == "blurred":
        raise BusinessError("photo.blurred")
    return Length(length=len(parameters.text or ""))


@service_task("test.record", title="登记", parameters=Text, result=Length, in_transaction=True)
def record_text(parameters: Text, context: Any) -> Length:
    if parameters.text == "fails":
        raise RuntimeError("a defect of the task")
    return record[-1](parameters, context) if record else Length(length=len(parameters.text or ""))
