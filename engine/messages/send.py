"""Messages a person sends to a running case (撤回认证 and the like)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from engine.actors import SYSTEM, Actor
from engine.attachments.store import is_attachment_of
from engine.cases.case import OpenCase, open_case
from engine.cases.form_values import checked_values
from engine.errors import Conflict, Forbidden, NotFound
from engine.inputs import MessageReceived, Variables
from engine.waits import MessageWait


def send_message(
    session: Session,
    case_id: str,
    message: str,
    *,
    by: Actor,
    payload: Variables,
    now: datetime,
    correlation: str = "",
) -> None:
    """Give the case a message it waits for. payload: what the message's form asks for, nothing where it has none.

    Raises NotFound("case.unknown") also for an actor with no part in it, NotFound("message.unknown") for one that
    flow.toml does not list, Forbidden("message.not_yours"), Conflict("message.not_awaited"), InvalidForm.
    """
    with open_case(session, case_id, now=now) as case:
        _refuse_foreign(case, message, by)
        rules = case.definition.config.messages.get(message)
        checked = dict(payload)
        if rules is not None and by != SYSTEM:
            checked = checked_values(case.definition, rules.form, payload, is_attachment_of(session, case_id))
        case.fire_due_timers(case.instant)
        wait = awaiting(case, message, correlation)
        case.apply(MessageReceived(at=case.instant, wait=wait.address, message=message, by=by.id, payload=checked))


def may_send(case: OpenCase, message: str, by: Actor) -> bool:
    """flow.toml says who: the starter, groups."""
    rules = case.definition.config.messages.get(message)
    if by == SYSTEM or rules is None:
        return by == SYSTEM
    return rules.may_send(by.groups, case.live.variables, is_starter=by.id == case.started_by)


def _refuse_foreign(case: OpenCase, message: str, by: Actor) -> None:
    if may_send(case, message, by):
        return
    known = case.definition.config.messages
    if by.id != case.started_by and not any(may_send(case, other, by) for other in known):
        raise NotFound("case.unknown", case=case.id)
    if message not in known:
        raise NotFound("message.unknown", message=message)
    raise Forbidden("message.not_yours", message=message)


def awaiting(case: OpenCase, message: str, correlation: str) -> MessageWait:
    """The first that waits, in the order the waits came up: an event subprocess's before those inside it."""
    for wait in case.live.waits.values():
        if isinstance(wait, MessageWait) and wait.message == message and wait.correlation == correlation:
            return wait
    raise Conflict("message.not_awaited", case=case.id, message=message)
