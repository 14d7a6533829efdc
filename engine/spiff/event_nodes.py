"""What the diagram says of one event or send task: how it is triggered, what it throws, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name
from engine.language.expressions import Expression, InvalidExpression
from engine.language.schedules import TIMES, compile_schedule
from engine.language.timers_text import compile_cycle, compile_timer, may_stand_still
from engine.spiff.process import (
    COMPENSATION,
    ERROR,
    ESCALATION,
    MESSAGE,
    SIGNAL,
    SIGNALLED,
    TERMINATE,
    TIMER,
    Expressions,
)
from engine.spiff.wiring import BPMN, children_of

_TRIGGERS = {
    f"{trigger}EventDefinition": trigger
    for trigger in (TIMER, MESSAGE, ERROR, SIGNAL, ESCALATION, TERMINATE, COMPENSATION)
}
HOSTED_TRIGGERS = {
    "startEvent": {TIMER, MESSAGE, ERROR, SIGNAL, ESCALATION},  # of event subprocesses
    "boundaryEvent": {TIMER, MESSAGE, ERROR, SIGNAL, ESCALATION, COMPENSATION},
    "intermediateCatchEvent": {TIMER, MESSAGE, SIGNAL},
    "intermediateThrowEvent": {MESSAGE, SIGNAL, ESCALATION, COMPENSATION},
    "endEvent": {ERROR, MESSAGE, SIGNAL, ESCALATION, TERMINATE, COMPENSATION},
}
PAUSES_WHILE = "pauses_while"
BEGINS_CASES = {TIMER, MESSAGE}  # what the start event of a process may be triggered by
_NEED_ONE = {"boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"}
_THROWING = {"intermediateThrowEvent", "endEvent"}

Fields = dict[str, object]
Problems = Callable[[str, str, str], None]


@dataclass(slots=True)
class EventReader:
    """Reads the events of one file. problem(element, code, message); expression(element, text) compiles or reports."""

    root: Xml
    problem: Problems
    expression: Callable[[str, str], Expression | None]
    messages: dict[str, str] = field(init=False)
    errors: dict[str, str] = field(init=False)
    signals: dict[str, str] = field(init=False)
    escalations: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.messages = {m.get("id", ""): m.get("name", "") for m in children_of(self.root, "message")}
        self.errors = {e.get("id", ""): e.get("errorCode", "") for e in children_of(self.root, "error")}
        self.signals = {s.get("id", ""): s.get("name", "") for s in children_of(self.root, "signal")}
        escalations = children_of(self.root, "escalation")
        self.escalations = {e.get("id", ""): e.get("escalationCode", "") for e in escalations}

    def event(self, xml: Xml, kind: str, element: str, properties: dict[str, str]) -> Fields:
        definitions = [child for child in xml if local_name(child).endswith("EventDefinition")]
        if len(definitions) > 1:
            self.problem(element, "event.definition", "一个事件只能有一种触发方式")
        if not definitions or local_name(definitions[0]) not in _TRIGGERS:
            if definitions or kind in _NEED_ONE:
                self.problem(element, "event.definition", "事件没有平台支持的触发方式")
            return {"attached_to": xml.get("attachedToRef", "")}
        definition = definitions[0]
        trigger = _TRIGGERS[local_name(definition)]
        if _begins_cases(xml):
            return self._case_start(definition, element, properties, trigger)
        if trigger not in HOSTED_TRIGGERS[kind]:
            self.problem(element, "event.definition", f"这里不支持这种事件：{local_name(definition)}")
        flag = xml.get("isInterrupting" if kind == "startEvent" else "cancelActivity", "true")
        fields: Fields = {
            "trigger": trigger,
            "attached_to": xml.get("attachedToRef", ""),
            "is_interrupting": flag != "false",
            "result": properties.get("result", ""),
        }
        return fields | self._details(definition, kind, element, properties, trigger, is_interrupting=flag != "false")

    def _case_start(self, definition: Xml, element: str, properties: dict[str, str], trigger: str) -> Fields:
        """A start event of a process: what it is triggered by lies outside any case."""
        if trigger not in BEGINS_CASES:
            told = f"流程不能由这种事件启动：{local_name(definition)}"
            self.problem(element, "event.definition", told)
        if trigger == MESSAGE:
            return {"trigger": trigger, **self._message(definition, element, {}, is_thrown=False)} | {
                "form": properties.get("form", ""),
                "result": properties.get("result", ""),
                "correlation_result": properties.get("correlation_result", ""),
            }
        result = {"trigger": trigger, "result": properties.get("result", "")}
        return result | (self._schedule(definition, element) if trigger == TIMER else {})

    def _schedule(self, definition: Xml, element: str) -> Fields:
        for name in TIMES:
            text = (definition.findtext(f"{{{BPMN}}}{name}") or "").strip()
            if text:
                try:
                    return {"schedule": compile_schedule(name, text)}
                except InvalidExpression as error:
                    self.problem(element, "timer.invalid", f"“{text[:80]}”无效：{error.reason}")
                    return {}
        self.problem(element, "timer.invalid", "定时开始事件应写明 timeCycle、timeDate 或 timeDuration")
        return {}

    def _details(
        self,
        definition: Xml,
        kind: str,
        element: str,
        properties: dict[str, str],
        trigger: str,
        *,
        is_interrupting: bool,
    ) -> Fields:
        if trigger == TIMER:
            may_repeat = kind in {"boundaryEvent", "startEvent"} and not is_interrupting
            fields = self._timer(definition, element, may_repeat=may_repeat)
            return fields | self._pauses(definition, kind, element, properties)
        if trigger == MESSAGE:
            return self._message(definition, element, properties, is_thrown=kind in _THROWING)
        if trigger == SIGNAL:
            return self._signal(definition, element, properties, is_thrown=kind in _THROWING)
        if trigger == ESCALATION:
            return {"error_code": self._code(definition, kind, element, "escalation", self.escalations)}
        if trigger == COMPENSATION:
            return {"activity": definition.get("activityRef", "").rpartition(":")[2]}
        if trigger == ERROR:
            if not is_interrupting:
                self.problem(element, "event.definition", "错误事件只能是中断的")
            return {"error_code": self._code(definition, kind, element, "error", self.errors)}
        return {}

    def send_task(self, xml: Xml, element: str, properties: dict[str, str]) -> Fields:
        return {"trigger": MESSAGE, **self._message(xml, element, properties, is_thrown=True)}

    def timer_text(self, element: str, text: str) -> str:
        try:
            compile_timer(text)
        except InvalidExpression as error:
            self.problem(element, "timer.invalid", f"时间“{text[:80]}”无效：{error.reason}")
        return text

    def prefixed(self, element: str, properties: dict[str, str], prefix: str) -> Expressions:
        """The expressions of the properties `<prefix><name>`, by name."""
        compiled = []
        for name, text in properties.items():
            if name.startswith(prefix):
                expression = self.expression(element, text)
                if expression is not None:
                    compiled.append((name.removeprefix(prefix), expression))
        return tuple(compiled)

    def _timer(self, definition: Xml, element: str, *, may_repeat: bool) -> Fields:
        for name in ("timeDuration", "timeDate"):
            text = (definition.findtext(f"{{{BPMN}}}{name}") or "").strip()
            if text:
                return {"timer": self.timer_text(element, text)}
        text = (definition.findtext(f"{{{BPMN}}}timeCycle") or "").strip()
        try:
            cycle = compile_cycle(text) if text and may_repeat else None
        except InvalidExpression as error:
            self.problem(element, "timer.invalid", f"周期“{text[:80]}”无效：{error.reason}")
            return {}
        if cycle is not None:
            return {"timer": cycle.period, "repeats": cycle.times}
        told = (
            "timeCycle 只用于非中断的边界事件和事件子流程"
            if text
            else "定时事件应写明 timeDuration、timeDate 或 timeCycle"
        )
        self.problem(element, "timer.invalid", told)
        return {}

    def _pauses(self, definition: Xml, kind: str, element: str, properties: dict[str, str]) -> Fields:
        """The lanes a clock stands still for. Whether there are such lanes is told of all files at once."""
        lanes = tuple(sorted(set(properties.get(PAUSES_WHILE, "").split())))
        if not lanes:
            return {}
        text = (definition.findtext(f"{{{BPMN}}}timeDuration") or "").strip()
        try:
            has_clock = bool(text) and kind != "intermediateCatchEvent" and may_stand_still(text)
        except InvalidExpression:
            return {}  # told by _timer
        if not has_clock:
            told = f"{PAUSES_WHILE} 只用于边界事件和事件子流程的 timeDuration，不能是时刻或周期"
            self.problem(element, "timer.pauses", told)
        return {"pauses": lanes}

    def _message(self, holder: Xml, element: str, properties: dict[str, str], *, is_thrown: bool) -> Fields:
        name = self.messages.get(holder.get("messageRef", ""), "")
        if not name or name.startswith(SIGNALLED):
            self.problem(element, "message.unknown", "消息事件没有指明消息，或名称以 signal: 开头")
        fields: Fields = {"message": name}
        if properties.get("correlation"):
            fields["correlation"] = self.expression(element, properties["correlation"])
        if is_thrown:
            fields["payload"] = self.prefixed(element, properties, "payload.")
        return fields

    def _signal(self, definition: Xml, element: str, properties: dict[str, str], *, is_thrown: bool) -> Fields:
        name = self.signals.get(definition.get("signalRef", ""), "")
        if not name:
            self.problem(element, "signal.unknown", "信号事件没有指明信号")
        if is_thrown:
            return {"message": SIGNALLED + name, "payload": self.prefixed(element, properties, "payload.")}
        return {"trigger": MESSAGE, "message": SIGNALLED + name}

    def _code(self, definition: Xml, kind: str, element: str, what: str, codes: dict[str, str]) -> str:
        reference = definition.get(f"{what}Ref", "")
        code = codes.get(reference, "")
        if not code and (reference or kind in _THROWING):
            self.problem(element, f"{what}.unknown", "事件没有指明代码")
        return code


def _begins_cases(xml: Xml) -> bool:
    """A start event of a process, not of a subprocess."""
    around = xml.getparent()
    return local_name(xml) == "startEvent" and around is not None and local_name(around) == "process"
