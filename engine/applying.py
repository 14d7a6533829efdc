"""Whether an input may be taken now, by which token, and what it does there. Only engine/machine.py calls this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import Conflict
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
from engine.spiff.rules.host import Host
from engine.spiff.store import json_value
from engine.spiff.tree import Token
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait

_ANSWERS: dict[type[Any], Any] = {
    WorkItemCompleted: UserTaskWait,
    WorkItemSigned: UserTaskWait,
    SignatureRefused: UserTaskWait,
    JobSucceeded: JobWait,
    JobFailed: JobWait,
    JobGivenUp: JobWait,
    TimerFired: TimerWait,
    MessageReceived: MessageWait,
    IncidentRetried: IncidentWait,
    ElementSkipped: object,
    TokenMoved: object,
    WorkItemReturned: UserTaskWait,
}
_WHILE_SUSPENDED = (CaseResumed, CaseCancelled, VariableEdited)


def token_for(host: Host, waits: Mapping[str, tuple[Token, Wait]], given: Input) -> Token | None:
    """The token the input is for, None for the whole case. Raises what Machine.apply says."""
    _refuse_time(host, given.at)
    if not host.scopes:
        raise Conflict("case.ended", input=type(given).__name__)
    if host.is_suspended and not isinstance(given, _WHILE_SUSPENDED):
        raise Conflict("case.suspended", input=type(given).__name__)
    json_value(_values(given))
    if isinstance(given, CaseCancelled | CaseSuspended | VariableEdited):
        return None
    if isinstance(given, CaseResumed):
        if not host.is_suspended:
            raise Conflict("case.not_suspended")
        return None
    if isinstance(
        given, Started | CaseMigrated
    ):  # a machine runs one version; engine/replay/rebuild.py goes from one to another
        raise Conflict("wait.other_kind", input=type(given).__name__)
    found = waits.get(given.wait)
    if found is None:
        raise Conflict("wait.gone", wait=given.wait)
    token, wait = found
    is_other = not isinstance(wait, _ANSWERS[type(given)])
    if is_other or (isinstance(given, MessageReceived) and given.message != getattr(wait, "message", None)):
        raise Conflict("wait.other_kind", wait=given.wait, input=type(given).__name__, kind=type(wait).__name__)
    if isinstance(given, TimerFired) and isinstance(wait, TimerWait) and (wait.due is None or given.at < wait.due):
        raise Conflict("timer.not_due", wait=given.wait, due=wait.due.isoformat() if wait.due else "paused")
    _refuse_operating(host, token, given)
    return token


def perform(host: Host, token: Token | None, given: Input) -> None:
    """What an input that token_for() let through does; the host then runs on."""
    match given:
        case CaseCancelled():
            host.cancel()
        case CaseSuspended() | CaseResumed():
            host.is_suspended = isinstance(given, CaseSuspended)
        case VariableEdited():
            host.edit(given.place, given.values)
        case _:
            assert token is not None, "an input for one wait"
            _perform_at(host, token, given)


def _perform_at(host: Host, token: Token, given: Input) -> None:
    match given:
        case WorkItemCompleted():
            host.complete(token, given.values)
        case WorkItemSigned() | SignatureRefused():
            pass  # said and kept; the item stays open for who signs next
        case JobSucceeded():
            result = token.task_spec.node.result
            host.complete(token, {result: given.result} if result else {})
        case JobFailed():
            host.fail(token, given.code, given.message)
        case JobGivenUp():
            host.give_up(token, given.reason)
        case TimerFired():
            host.noticed = max(given.noticed or given.at, given.at)
            host.fire(token)
        case MessageReceived():
            host.fire(token, given.payload)
        case IncidentRetried():
            host.retry(token, given.variables)
        case ElementSkipped():
            host.skip(token, given.values)
        case TokenMoved():
            host.move(host.landing(token, given.to))
        case WorkItemReturned():
            host.move(host.returning(token, given.to))


def _refuse_operating(host: Host, token: Token, given: Input) -> None:
    match given:
        case ElementSkipped():
            host.refuse_skip(token)
        case TokenMoved():
            host.landing(token, given.to)
        case WorkItemReturned():
            host.returning(token, given.to)


def _values(given: Input) -> Any:
    match given:
        case WorkItemCompleted() | WorkItemSigned() | VariableEdited() | ElementSkipped():
            return given.values
        case JobSucceeded():
            return given.result
        case MessageReceived():
            return given.payload
        case IncidentRetried():
            return given.variables
        case _:
            return None


def _refuse_time(host: Host, at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("times are aware UTC")
    if host.scopes and at < host.at:
        raise Conflict("time.backwards", at=at.isoformat(), last=host.at.isoformat())
