"""A flow that waits for messages: `order` waits for a payment (correlated by its number) and for anybody's `stop`."""

from __future__ import annotations

from engine.flow.flow import Flow
from tests.engine.diagrams import Diagram
from tests.engine.flows import HEAD, a_flow

MESSAGES = '<bpmn:message id="message_paid" name="paid" /><bpmn:message id="message_stop" name="stop" />'
ORDER = (
    HEAD
    + MESSAGES
    + """<bpmn:process id="order" isExecutable="true">
  <bpmn:laneSet id="lanes"><bpmn:lane id="applicant"><bpmn:flowNodeRef>start</bpmn:flowNodeRef>
    <bpmn:flowNodeRef>fill</bpmn:flowNodeRef><bpmn:flowNodeRef>pay</bpmn:flowNodeRef>
    <bpmn:flowNodeRef>end</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
  <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="fill" />
  <bpmn:userTask id="fill"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="fill" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="f2" sourceRef="fill" targetRef="pay" />
  <bpmn:intermediateCatchEvent id="pay"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="correlation" value="number" /><spiffworkflow:property name="result" value="payment" />
      </spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing>
    <bpmn:messageEventDefinition id="paid" messageRef="message_paid" /></bpmn:intermediateCatchEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="pay" targetRef="end" />
  <bpmn:endEvent id="end"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="outcome" value="paid" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
  <bpmn:subProcess id="stopping" triggeredByEvent="true">
    <bpmn:startEvent id="stopped" isInterrupting="true"><bpmn:outgoing>f4</bpmn:outgoing>
      <bpmn:messageEventDefinition id="stop" messageRef="message_stop" /></bpmn:startEvent>
    <bpmn:sequenceFlow id="f4" sourceRef="stopped" targetRef="over" />
    <bpmn:endEvent id="over"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="outcome" value="stopped" /></spiffworkflow:properties></bpmn:extensionElements>
      <bpmn:incoming>f4</bpmn:incoming></bpmn:endEvent>
  </bpmn:subProcess>
</bpmn:process></bpmn:definitions>"""
)
ORDER_TOML = """key = "order"
title = "订单"
[start]
who = ["applicant"]
[lanes]
applicant = "starter"
[outcomes.paid]
label = "已付款"
[outcomes.stopped]
label = "已停止"
"""


def an_order_flow() -> Flow:
    return a_flow(ORDER, ORDER_TOML)


PAYER = (
    HEAD
    + MESSAGES
    + """<bpmn:process id="payer" isExecutable="true">
  <bpmn:laneSet id="lanes"><bpmn:lane id="applicant"><bpmn:flowNodeRef>start</bpmn:flowNodeRef>
    <bpmn:flowNodeRef>fill</bpmn:flowNodeRef><bpmn:flowNodeRef>end</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
  <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="fill" />
  <bpmn:userTask id="fill"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="fill" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="f2" sourceRef="fill" targetRef="end" />
  <bpmn:endEvent id="end"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="outcome" value="sent" />
      <spiffworkflow:property name="correlation" value="number" />
      <spiffworkflow:property name="payload.office" value="office" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f2</bpmn:incoming>
    <bpmn:messageEventDefinition id="sends" messageRef="message_paid" /></bpmn:endEvent>
</bpmn:process></bpmn:definitions>"""
)
PAYER_TOML = """key = "payer"
title = "付款"
[start]
who = ["applicant"]
[lanes]
applicant = "starter"
[outcomes.sent]
label = "已付"
"""


def a_payer_flow() -> Flow:
    """Its end event sends `paid` to the order of the number that was filled in."""
    return a_flow(PAYER, PAYER_TOML)


RECEIPT_TOML = """key = "receipt"
title = "收据"
[lanes]
cashier = "cashier"
[outcomes.done]
label = "已开"
"""


def a_paid_flow(**properties: str) -> Flow:
    """What the message `paid` starts. properties: of its start event."""
    d = Diagram("receipt", lanes={"cashier": ["write"]})
    d.start("paid", d.message("paid"), **properties)
    d.user("write", form="fill")
    d.boundary("late", "write", d.timer("P9D"))
    d.end("done", outcome="done")
    d.flow("paid", "write", "done")
    d.flow("late", "done")
    return a_flow(d.xml().decode(), RECEIPT_TOML)
