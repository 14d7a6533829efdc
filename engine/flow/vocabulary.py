"""The one table of what a diagram may say: elements, their properties, event definitions, extensions.

A new BPMN element begins with a row of KINDS here; what reads, refuses and runs it asks this table.
"""

from __future__ import annotations

from dataclasses import dataclass

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"

TIMER = "timer"
MESSAGE = "message"
ERROR = "error"
SIGNAL = "signal"  # of what throws one; what waits for one is triggered by a message of the signal's name
ESCALATION = "escalation"
TERMINATE = "terminate"
COMPENSATION = "compensate"
SIGNALLED = "signal:"  # begins the name under which a signal waits and travels; no message's own name begins so
DEFINITION = "EventDefinition"  # ends the tag of an event's definition; what stands before it is one of the above
CASE_STARTS = frozenset({MESSAGE, TIMER})  # what the start event of a process may be triggered by

FORM = "form"
DUE = "due"
PRIORITY = "priority"
FOUR_EYES = "not_same_person_as"
OUTCOME = "outcome"
RESULT = "result"
CORRELATION = "correlation"
CORRELATION_RESULT = "correlation_result"
PAUSES_WHILE = "pauses_while"
ITEM_KEY = "item_key"
PAYLOAD = "payload."
IN = "in."
OUT = "out."

NAMING_PROPERTIES = frozenset({FORM, OUTCOME, RESULT, CORRELATION_RESULT})
"""Properties whose value is the name of something; those of the others are texts, numbers, lists."""

_ACTIVITY, _EVENT, _GATEWAY = "activity", "event", "gateway"


@dataclass(frozen=True, slots=True)
class Kind:
    """What one BPMN element may be.

    properties: of `spiffworkflow:properties`; prefixes: beginnings of further ones (`payload.`). definitions: event
    definitions that are hosted. names_message: its message stands on the element itself, without a definition.
    needs_definition: it cannot stand without one. is_throwing: an event of it goes out. is_multiple: it may have several
    instances. waits: a token stops here until something comes in, whatever else the diagram says.
    """

    group: str
    properties: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    definitions: frozenset[str] = frozenset()
    names_message: bool = False
    needs_definition: bool = False
    is_throwing: bool = False
    is_multiple: bool = False
    waits: bool = False


KINDS = {
    "userTask": Kind(_ACTIVITY, properties=frozenset({FORM, DUE, PRIORITY, FOUR_EYES}), is_multiple=True, waits=True),
    "serviceTask": Kind(_ACTIVITY, is_multiple=True),
    "businessRuleTask": Kind(_ACTIVITY),
    "sendTask": Kind(
        _ACTIVITY, properties=frozenset({CORRELATION}), prefixes=(PAYLOAD,), names_message=True, is_throwing=True
    ),
    "subProcess": Kind(_ACTIVITY, is_multiple=True),
    "callActivity": Kind(_ACTIVITY, prefixes=(IN, OUT), is_multiple=True),
    "startEvent": Kind(  # the definitions are those of an event subprocess's
        _EVENT,
        properties=frozenset({CORRELATION, RESULT, PAUSES_WHILE}),
        definitions=frozenset({TIMER, MESSAGE, ERROR, SIGNAL, ESCALATION}),
    ),
    "boundaryEvent": Kind(
        _EVENT,
        properties=frozenset({CORRELATION, RESULT, PAUSES_WHILE}),
        definitions=frozenset({TIMER, MESSAGE, ERROR, SIGNAL, ESCALATION, COMPENSATION}),
        needs_definition=True,
    ),
    "intermediateCatchEvent": Kind(
        _EVENT,
        properties=frozenset({CORRELATION, RESULT}),
        definitions=frozenset({TIMER, MESSAGE, SIGNAL}),
        needs_definition=True,
        waits=True,
    ),
    "intermediateThrowEvent": Kind(
        _EVENT,
        properties=frozenset({CORRELATION}),
        prefixes=(PAYLOAD,),
        definitions=frozenset({MESSAGE, SIGNAL, ESCALATION, COMPENSATION}),
        needs_definition=True,
        is_throwing=True,
    ),
    "endEvent": Kind(
        _EVENT,
        properties=frozenset({OUTCOME, CORRELATION}),
        prefixes=(PAYLOAD,),
        definitions=frozenset({ERROR, MESSAGE, SIGNAL, ESCALATION, TERMINATE, COMPENSATION}),
        is_throwing=True,
    ),
    "exclusiveGateway": Kind(_GATEWAY),
    "inclusiveGateway": Kind(_GATEWAY),
    "parallelGateway": Kind(_GATEWAY),
    "eventBasedGateway": Kind(_GATEWAY, waits=True),
}
CASE_START_PROPERTIES = {
    MESSAGE: frozenset({FORM, RESULT, CORRELATION_RESULT}),
    TIMER: frozenset({RESULT}),
}

ACTIVITIES = frozenset(kind for kind, row in KINDS.items() if row.group == _ACTIVITY)
EVENTS = frozenset(kind for kind, row in KINDS.items() if row.group == _EVENT)
MULTIPLE = frozenset(kind for kind, row in KINDS.items() if row.is_multiple)
HOSTED = frozenset(KINDS)
COMPENSABLE = ACTIVITIES
CHOICES = frozenset({"exclusiveGateway", "inclusiveGateway"})
FORKS = frozenset({"inclusiveGateway", "parallelGateway"})
INSTANTIATING = frozenset({"eventBasedGateway", "receiveTask"})  # by BPMN they may begin a process, here they may not
# Flow nodes the engine does not run: refused, yet nodes, so that their flows do not look broken.
NOT_HOSTED = frozenset(
    {
        *("task", "manualTask", "scriptTask", "receiveTask", "transaction"),
        *("adHocSubProcess", "complexGateway"),
    }
)

REMARKS = frozenset({"documentation", "extensionElements", "textAnnotation", "association", "group", "category"})
DATA = frozenset(
    {
        *("dataObject", "dataObjectReference", "dataStore", "dataStoreReference", "dataInputAssociation"),
        *("dataOutputAssociation", "ioSpecification", "ioBinding", "property", "dataState", "dataInput", "dataOutput"),
    }
)
LOOP = "multiInstanceLoopCharacteristics"
LOOP_PARTS = frozenset(
    {
        *("loopCardinality", "loopDataInputRef", "inputDataItem"),
        *("loopDataOutputRef", "outputDataItem", "completionCondition"),
    }
)
IN_SCOPE = HOSTED | REMARKS | {"sequenceFlow", "laneSet"}
IN_NODE = REMARKS | {"incoming", "outgoing"}
BESIDE_PROCESSES = REMARKS | {"process", "message", "error", "signal", "escalation", "itemDefinition", "import"}

TIMES = ("timeDuration", "timeDate", "timeCycle")  # the first that is written counts
FLAGS = {
    "cancelActivity": True,
    "isInterrupting": True,
    "triggeredByEvent": False,
    "isForCompensation": False,
    "isSequential": False,
    "waitForCompletion": True,
    "parallelMultiple": False,
    "instantiate": False,
}
"""Attributes that say yes or no, with what they mean where they are not written."""

ONLY_ON = {
    "cancelActivity": "boundaryEvent",
    "attachedToRef": "boundaryEvent",
    "isInterrupting": "startEvent",
    "triggeredByEvent": "subProcess",
}
NAMING_ATTRIBUTES = frozenset(
    {
        *("sourceRef", "targetRef", "attachedToRef", "default", "calledElement", "resultVariable", "errorCode"),
        *("messageRef", "errorRef", "signalRef", "escalationRef", "activityRef", "escalationCode"),
    }
)

SCRIPTS = frozenset({"preScript", "postScript"})
OPERATOR = "serviceTaskOperator"
CALLED_DECISION = "calledDecisionId"
EXTENSIONS = SCRIPTS | {"properties", OPERATOR, CALLED_DECISION, "unitTests"}
