"""Delivering the outbox: one message, one receiver, one transaction. Safe to run from several processes at once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from engine.actors import Actor
from engine.cases.case import OpenCase, open_case
from engine.cases.outbox import OUTBOX, read_content, send_to_case
from engine.cases.start import start_case_by_message, start_case_for
from engine.errors import Conflict, EngineError, NotFound
from engine.inputs import MessageReceived
from engine.model.outbox import OutboxKind, OutboxState
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, spelled
from engine.retry import BackOff
from engine.waits import MessageWait
from storage import vault
from storage.failures import is_machines_fault, retry_deadlocks
from storage.statements import AnyRow
from storage.transactions import transaction

BACK_OFF = BackOff(first_s=5.0, longest_s=300.0)
BATCH = 200

# Nothing that may still happen makes these deliverable: reported at once.
_HOPELESS = frozenset(
    {
        *("case.unknown", "case.ended", "case.erased", "flow.unknown", "form.invalid", "case.already_running"),
        *("start.unknown", "message.sender_erased"),
    }
)

_log = logging.getLogger(__name__)


def deliver_outbox(sessions: sessionmaker[Session], now: datetime, *, limit: int = 10_000) -> int:
    """Deliver what is due, and what those deliveries send in turn; returns how many found a receiver."""
    delivered = tried = 0
    while tried < limit and (due := _due(sessions, now)):
        for message_id in due:
            delivered += deliver_message(sessions, message_id, now)
        tried += len(due)
    return delivered


def deliver_message(sessions: sessionmaker[Session], message_id: str, now: datetime) -> bool:
    """True when a case took it. One that is due no longer, or in another process's hands, is left alone."""

    def once() -> bool:
        with transaction(sessions) as session:
            taken = OUTBOX.c.id == message_id, OUTBOX.c.state == OutboxState.PENDING, OUTBOX.c.next_at <= now
            row = session.execute(select(OUTBOX).where(*taken).with_for_update(skip_locked=True)).one_or_none()
            return row is not None and _try(session, row, now)

    return retry_deadlocks(once)


def _due(sessions: sessionmaker[Session], now: datetime) -> list[str]:
    # Spelled out, so that the planner sees that the partial index holds the rows.
    due = select(OUTBOX.c.id).where(spelled(OUTBOX.c.state, OutboxState.PENDING), OUTBOX.c.next_at <= now)
    with sessions() as session:
        return list(session.execute(due.order_by(OUTBOX.c.next_at, OUTBOX.c.id).limit(BATCH)).scalars())


def _try(session: Session, row: AnyRow, now: datetime) -> bool:
    """Deliver inside a savepoint: what a failed delivery did is taken back, that it failed is kept."""
    actions = list(session.info.get("after_commit", []))
    try:
        with session.begin_nested():
            receiver = _deliver(session, row, now)
    except EngineError as no:
        code = no.code
    except vault.KeyDestroyed:
        code = "message.sender_erased"
    except Exception as error:
        if is_machines_fault(error):
            raise
        # The message of an error may quote what a person typed.
        _log.error("message %s could not be delivered: %s", row.id, type(error).__name__)
        code = type(error).__name__
    else:
        _close(session, row, OutboxState.DELIVERED, now, receiver=receiver)
        return True
    session.info["after_commit"] = actions
    _postpone(session, row, code, now)
    return False


def _deliver(session: Session, row: AnyRow, now: datetime) -> str | None:
    """The case that took it; None for a signal, which becomes a message to each that waits."""
    content = read_content(session, row)
    match row.kind:
        case OutboxKind.CASE:
            return _give(session, row.receiver, row, content, now)
        case OutboxKind.START:
            return start_case_for(session, row.flow_key, started_by=row.by, values=content, now=now)
        case OutboxKind.MESSAGE:
            return _to_whoever_waits(session, row, content, now)
        case OutboxKind.SIGNAL:
            _to_all_that_wait(session, row, content, now)
            return None
    raise NotFound("message.unknown", message=row.message)


def _to_whoever_waits(session: Session, row: AnyRow, content: dict[str, Any], now: datetime) -> str:
    # One candidate only: a second would be locked while the first still is.
    waiting = select(WAITING.c.case_id).where(
        spelled(WAITING.c.kind, WaitKind.MESSAGE),
        WAITING.c.closed_at.is_(None),
        WAITING.c.message == row.message,
        WAITING.c.correlation == row.correlation,
    )
    case_id = session.execute(waiting.order_by(WAITING.c.id).limit(1)).scalar()
    if case_id is None:
        return start_case_by_message(
            session,
            row.message,
            correlation=content["correlation"],
            payload=content["payload"],
            sent_by=row.by,
            now=now,
        )
    return _give(session, case_id, row, content["payload"], now, correlation=content["correlation"])


def _to_all_that_wait(session: Session, row: AnyRow, content: dict[str, Any], now: datetime) -> None:
    """A message of its own for each case that waits for the signal now; nobody else ever gets it."""
    waiting = select(WAITING.c.case_id).where(
        spelled(WAITING.c.kind, WaitKind.MESSAGE),
        WAITING.c.closed_at.is_(None),
        WAITING.c.message == row.message,
    )
    for case_id in sorted(set(session.execute(waiting).scalars())):
        key = f"{row.id}:{case_id}"
        send_to_case(
            session, case_id, row.message, content, dedup_key=key, now=now, by=Actor(row.by), sender=row.sender
        )


def _give(
    session: Session, case_id: str, row: AnyRow, payload: dict[str, Any], now: datetime, correlation: str | None = None
) -> str:
    with open_case(session, case_id, now=now) as case:
        if case.live.is_ended:
            raise Conflict("case.ended", case=case_id)
        case.fire_due_timers(case.instant)
        wait = _awaiting(case, row.message, correlation)
        given = MessageReceived(at=case.instant, wait=wait.address, message=row.message, by=row.by, payload=payload)
        case.apply(given)
    return case_id


def _awaiting(case: OpenCase, message: str, correlation: str | None) -> MessageWait:
    """correlation None: a message addressed to the case itself needs none."""
    for wait in case.live.waits.values():
        if isinstance(wait, MessageWait) and wait.message == message and correlation in (None, wait.correlation):
            return wait
    raise Conflict("case.ended" if case.live.is_ended else "message.not_awaited", case=case.id, message=message)


def _postpone(session: Session, row: AnyRow, code: str, now: datetime) -> None:
    """Again after a back-off; reported when its time is over, or when nothing can help it. A suspended case may take long."""
    is_late = now >= row.expires_at and code != "case.suspended"
    if code in _HOPELESS or is_late:
        _close(session, row, OutboxState.UNDELIVERED, now, note=code)
        return
    later = now + timedelta(seconds=BACK_OFF.wait_s(row.attempts))
    if now < row.expires_at < later:
        later = row.expires_at
    session.execute(
        update(OUTBOX).where(OUTBOX.c.id == row.id).values(attempts=row.attempts + 1, next_at=later, note=code[:100])
    )


def _close(
    session: Session,
    row: AnyRow,
    state: OutboxState,
    now: datetime,
    *,
    note: str | None = None,
    receiver: str | None = None,
) -> None:
    kept: dict[str, Any] = {"state": state, "closed_at": now, "note": note}
    if state is OutboxState.DELIVERED:
        kept |= {"receiver": receiver, "payload": None}
    session.execute(update(OUTBOX).where(OUTBOX.c.id == row.id).values(kept))
    if state is OutboxState.DELIVERED and row.key_owner == f"outbox:{row.id}":
        vault.current().destroy_data_key(session, row.key_owner, now)
