"""A case told in sentences: what happened, from the journal, and what it waits for now. Chinese, without a subject: who
did it is `actor`, an account id, "" for the platform itself; what to call them the edge knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.cases.stopped_clocks import left_text
from engine.deployment.deploy import Definition, find_definition
from engine.flow.groups import is_filled
from engine.flow.lines import diagram_parts
from engine.forms.form import Field, Form
from engine.inputs import (
    CaseCancelled,
    CaseMigrated,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    SignatureRefused,
    Started,
    TimerFired,
    TokenMoved,
    VariableEdited,
    WorkItemCompleted,
    WorkItemReturned,
    WorkItemSigned,
)
from engine.language.dates import LOCAL_TIME
from engine.language.timers_text import WORKING
from engine.machine import TIMER
from engine.model.definition import DefinitionId
from engine.model.waiting_row import JobState, WaitKind
from engine.queries.views import CasePage, History, JournalView, WaitView
from engine.waits import element_of


@dataclass(frozen=True, slots=True)
class Detail:
    """What a form said. is_personal: typed freely, so it may say anything about a person."""

    title: str
    value: str
    is_personal: bool


@dataclass(frozen=True, slots=True)
class StoryLine:
    """is_routine: of the platform's own steps; a reader may fold them away."""

    seq: int
    at: datetime
    actor: str
    element: str
    sentence: str
    details: tuple[Detail, ...]
    is_routine: bool


@dataclass(frozen=True, slots=True)
class Awaited:
    """holder: account id that the sentence leaves open as `{holder}`, "" where it names nobody."""

    kind: str
    element: str
    sentence: str
    holder: str
    since: datetime
    due_at: datetime | None


def case_story(session: Session, page: CasePage, told: History) -> list[StoryLine]:
    """Oldest first; an erased case keeps when and who."""
    definition = find_definition(session, DefinitionId(page.summary.definition_id))
    forms = {wait.address: wait.form for wait in page.waits if wait.form}
    lines = [_line(definition, forms, entry) for entry in told.inputs]
    summary = page.summary
    if summary.ended_at is not None:
        label = summary.outcome_label or ("已取消" if summary.state == "CANCELLED" else "结束")
        lines.append(StoryLine(len(lines) + 1, summary.ended_at, "", "", f"办结：{label}", (), False))
    return lines


def awaited_now(session: Session, page: CasePage, now: datetime) -> list[Awaited]:
    """Why the case does not go on, what a person must do first; then deadlines that run meanwhile."""
    definition = find_definition(session, DefinitionId(page.summary.definition_id))
    waits = [wait for wait in page.waits if wait.closed_at is None and wait.kind != WaitKind.MESSAGE]
    waits.sort(key=lambda wait: (_ORDER.index(WaitKind(wait.kind)), wait.created_at))
    return [
        Awaited(wait.kind, wait.element, _why(definition, wait, now), wait.assignee or "", wait.created_at, wait.due_at)
        for wait in waits
    ]


_ORDER = (WaitKind.INCIDENT, WaitKind.WORK_ITEM, WaitKind.JOB, WaitKind.TIMER, WaitKind.MESSAGE)


def _line(definition: Definition, forms: Mapping[str, str], entry: JournalView) -> StoryLine:
    given = entry.input
    element = element_of(getattr(given, "wait", ""))
    title = _title(definition, element)
    details: tuple[Detail, ...] = ()
    if isinstance(given, WorkItemCompleted | WorkItemSigned):
        form = definition.forms.get(forms.get(given.wait, ""))
        details = tuple(_details(form, given.values)) if form else ()
    is_routine = isinstance(given, JobSucceeded | TimerFired) or (isinstance(given, JobFailed) and not given.message)
    sentence = _sentence(definition, given, title) if given is not None else "内容已依法删除"
    return StoryLine(entry.seq, entry.at, entry.actor, element, sentence, details, is_routine)


def _sentence(definition: Definition, given: Input, title: str) -> str:
    match given:
        case Started():
            return _begun(definition, given.start)
        case WorkItemCompleted():
            return f"完成“{title}”"
        case WorkItemSigned():
            return f"签署“{title}”"
        case JobSucceeded():
            return f"“{title}”完成"
        case JobFailed():
            return f"“{title}”未成功：{given.message or given.code}"
        case JobGivenUp():
            return f"“{title}”无法执行，转为异常"
        case TimerFired():
            return f"“{title}”到时"
        case MessageReceived():
            rule = definition.config.messages.get(given.message)
            return rule.label if rule else f"收到消息“{given.message}”"
        case _:
            return _operators_sentence(definition, given, title)


def _begun(definition: Definition, element: str) -> str:
    start = definition.process.start_event(element) if element else None
    if start is None:
        return f"发起{definition.config.title}"
    cause = "到时" if start.trigger == TIMER else "收到消息"
    return f"“{start.name or start.message or start.id}”{cause}，{definition.config.title}开始"


def _operators_sentence(definition: Definition, given: Input, title: str) -> str:
    said: str = getattr(given, "reason", "")
    reason = f"：{said}" if said else ""
    match given:
        case IncidentRetried():
            return f"重新执行“{title}”{reason}"
        case CaseCancelled():
            return f"取消案件{reason}"
        case CaseSuspended():
            return f"暂停案件{reason}"
        case CaseResumed():
            return f"恢复案件{reason}"
        case VariableEdited():
            return f"修改变量 {'、'.join(given.values)}{reason}"
        case ElementSkipped():
            return f"跳过“{title}”{reason}"
        case TokenMoved():
            return f"从“{title}”移到“{_title(definition, given.to)}”{reason}"
        case SignatureRefused():
            return f"不同意签署“{title}”，退回上一签署人{reason}"
        case WorkItemReturned():
            return f"从“{title}”退回到“{_title(definition, given.to)}”{reason}"
        case CaseMigrated():
            return ("撤回迁移" if given.reverts else "迁移到另一版本") + reason
    return type(given).__name__


def _details(form: Form, values: Mapping[str, Any]) -> Iterator[Detail]:
    """What was chosen, by its label; what was typed; files by their number only."""
    for name in form.order:
        value = values.get(name)
        if value not in (None, "", []):
            field = form.fields[name]
            yield Detail(field.title, _shown(field, value), not field.choices and field.kind not in _NOT_PERSONAL)


_NOT_PERSONAL = frozenset({"document-scan", "face-capture", "attachment", "consent", "checkbox"})


def _shown(field: Field, value: Any) -> str:
    if field.kind in {"document-scan", "face-capture", "attachment"}:
        return f"{len(value)} 个文件" if isinstance(value, list) else "已上传"
    if field.kind == "consent":
        return "已同意"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(field.choices.get(str(item), str(item)) for item in value)
    return field.choices.get(str(value), str(value))


def _why(definition: Definition, wait: WaitView, now: datetime) -> str:
    match wait.kind:
        case WaitKind.WORK_ITEM:
            return _who_must_act(definition, wait) + _deadline(wait, now)
        case WaitKind.JOB:
            return _job(wait)
        case WaitKind.INCIDENT:
            return f"“{wait.title}”出现异常（{wait.code}），等待管理员处理"
    if wait.left_s is not None:
        left = left_text(wait.left_s, is_working_time=wait.clock == WORKING)
        return f"“{wait.title}”的计时已暂停，还剩 {left}"
    return f"“{wait.title}”将于 {_local(wait.due_at)} 到时" if wait.due_at else f"等待“{wait.title}”"


def _who_must_act(definition: Definition, wait: WaitView) -> str:
    if wait.group is None:
        return f"等待申请人办理“{wait.title}”"
    if wait.assignee:
        return f"“{wait.title}”正由{{holder}}办理"
    if not is_filled(wait.group):
        return f"“{wait.title}”无法确定由谁办理（岗位 {wait.group} 中的变量没有值），请管理员处理"
    known = definition.process.elements.get(wait.element)
    lane = diagram_parts(definition.flow.bpmn).lanes.get(known.lane if known else "", wait.group)
    return f"等待{lane}领取“{wait.title}”"


def _deadline(wait: WaitView, now: datetime) -> str:
    if wait.due_at is None:
        return ""
    return f"，已超过应办时间 {_local(wait.due_at)}" if wait.due_at < now else f"，应在 {_local(wait.due_at)} 前办完"


def _job(wait: WaitView) -> str:
    if wait.state == JobState.LEASED:
        return f"“{wait.title}”正在执行"
    if wait.attempt:
        return f"“{wait.title}”第 {wait.attempt} 次执行没有成功，将自动重试"
    return f"“{wait.title}”正在排队"


def _local(at: datetime | None) -> str:
    return f"{at.astimezone(LOCAL_TIME):%m月%d日 %H:%M}" if at else ""


def _title(definition: Definition, element: str) -> str:
    known = definition.process.elements.get(element)
    return known.name or element if known else element
