"""Messages to other cases, and cases to be started later: written with the step that sends them, delivered after it.

So a case never locks another. The same `dedup_key` is sent once, however often it is asked for; a delivery marks its row in
the transaction that moves the receiver, so it takes effect once. What nobody waits for is kept for its time to live, then
reported to operators (undelivered.py). Rows that are over go after a while, their keys stay for longer (retention.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engine.actors import SYSTEM, Actor
from engine.cases.dispatching import wake_outbox_after_commit
from engine.inputs import Variables
from engine.machine import SentMessage
from engine.model.outbox import OutboxKey, OutboxKind, OutboxMessage, OutboxState
from storage import vault
from storage.columns import new_id

OUTBOX = cast(Table, OutboxMessage.__table__)
KEY = cast(Table, OutboxKey.__table__)
LONGEST_DEDUP_KEY = 200
_NO_ADDRESS = {"receiver": None, "flow_key": None, "message": None, "correlation": ""}  # a kind sets its own

_time_to_live = timedelta(days=7)


def keep_messages_for(time_to_live: timedelta) -> None:
    """How long this process's messages wait for somebody to take them; called once by a composition root."""
    global _time_to_live  # noqa: PLW0603 - one setting per process
    _time_to_live = time_to_live


def send_to_case(
    session: Session,
    case_id: str,
    message: str,
    payload: Variables,
    *,
    dedup_key: str,
    now: datetime,
    by: Actor = SYSTEM,
    sender: str | None = None,
) -> str | None:
    """A message to one case, delivered when it waits for it. sender: the case that sends, if one does.

    Returns the message's id, None where this key was sent before (in any state).
    """
    columns = {"kind": OutboxKind.CASE, "receiver": case_id, "message": message}
    return _enqueue(session, columns, payload, dedup_key=dedup_key, now=now, by=by, sender=sender)


def send_message_to(
    session: Session,
    message: str,
    correlation: str,
    payload: Variables,
    *,
    dedup_key: str,
    now: datetime,
    by: Actor = SYSTEM,
    sender: str | None = None,
) -> str | None:
    """A message to the case that waits for (message, correlation); where none does, to a flow that such a message starts.

    Of several cases the one that has waited longest takes it. Returns as send_to_case().
    """
    columns = {
        "kind": OutboxKind.MESSAGE,
        "message": message,
        "correlation": correlation_hash(message, correlation),
    }
    content = {"correlation": correlation, "payload": dict(payload)}
    return _enqueue(session, columns, content, dedup_key=dedup_key, now=now, by=by, sender=sender)


def start_later(
    session: Session,
    flow_key: str,
    values: Variables,
    *,
    by: Actor,
    dedup_key: str,
    now: datetime,
    sender: str | None = None,
) -> str | None:
    """A case of `by`, begun by itself after this transaction. values: of the flow's start form.

    Whether `by` may start the flow is the caller's to know. Returns as send_to_case().
    """
    columns = {"kind": OutboxKind.START, "flow_key": flow_key}
    return _enqueue(session, columns, values, dedup_key=dedup_key, now=now, by=by, sender=sender)


def send_thrown(session: Session, case_id: str, thrown: SentMessage, *, dedup_key: str, now: datetime) -> None:
    """What a throw event, a send task or an end event of a case sends: a message to one that waits, a signal to all that do."""
    if thrown.kind == "signal":
        signal = {"kind": OutboxKind.SIGNAL, "message": thrown.message}
        _enqueue(session, signal, thrown.payload, dedup_key=dedup_key, now=now, by=SYSTEM, sender=case_id)
        return
    send_message_to(
        session, thrown.message, thrown.correlation, thrown.payload, dedup_key=dedup_key, now=now, sender=case_id
    )


def message_with(session: Session, dedup_key: str) -> str | None:
    """Id of the message sent with this key, also of one whose row is gone. One statement: a row never goes in between."""
    row = select(OUTBOX.c.id).where(OUTBOX.c.dedup_key == dedup_key)
    gone = select(KEY.c.message_id).where(KEY.c.key_hash == key_hash(dedup_key))
    return session.execute(row.union_all(gone).limit(1)).scalar()


def key_hash(dedup_key: str) -> str:
    """What a key is remembered by when its message's row is gone."""
    return vault.current().master_key.keyed_hash("outbox key", dedup_key)


def correlation_hash(message: str, correlation: str) -> str:
    """What (message, correlation) is found by; "" for no correlation, which is a value of its own."""
    return vault.current().master_key.keyed_hash(f"correlation {message}", correlation) if correlation else ""


def hurry_awaited(session: Session, awaited: Mapping[str, str], now: datetime) -> None:
    """Messages that wait for a case to want them are tried at once. awaited: message → correlation hash."""
    for message, correlation in awaited.items():
        hurried = session.execute(
            update(OUTBOX)
            .where(
                OUTBOX.c.state == OutboxState.PENDING,
                OUTBOX.c.message == message,
                OUTBOX.c.correlation == correlation,
                OUTBOX.c.next_at > now,
            )
            .values(next_at=now)
            .returning(OUTBOX.c.id)
        ).all()
        if hurried:
            wake_outbox_after_commit(session)


def hurry_for_case(session: Session, case_id: str, now: datetime) -> None:
    """Messages to this very case are tried at once."""
    pending = (OUTBOX.c.state == OutboxState.PENDING, OUTBOX.c.receiver == case_id, OUTBOX.c.next_at > now)
    if session.execute(update(OUTBOX).where(*pending).values(next_at=now).returning(OUTBOX.c.id)).all():
        wake_outbox_after_commit(session)


def read_content(session: Session, row: Any) -> dict[str, Any]:  # Any: a row of OUTBOX, JSON
    """What a message carries. Raises vault.KeyDestroyed where its sender was erased."""
    cipher = vault.current().cipher(session, row.key_owner)
    content: dict[str, Any] = orjson.loads(cipher.decrypt(row.payload, _context(row.id)))
    return content


def _enqueue(
    session: Session,
    columns: Mapping[str, Any],
    content: Variables,
    *,
    dedup_key: str,
    now: datetime,
    by: Actor,
    sender: str | None,
) -> str | None:
    if not 0 < len(dedup_key) <= LONGEST_DEDUP_KEY:
        raise ValueError(f"a de-duplication key has 1 to {LONGEST_DEDUP_KEY} characters")
    if message_with(session, dedup_key) is not None:
        return None
    message_id = new_id()
    owner, cipher = _key(session, message_id, sender or columns.get("receiver"), now)
    row = {
        **_NO_ADDRESS,
        "id": message_id,
        "state": OutboxState.PENDING,
        "dedup_key": dedup_key,
        "sender": sender,
        "by": by.id,
        "key_owner": owner,
        "payload": cipher.encrypt(orjson.dumps(dict(content)), _context(message_id)),
        "attempts": 0,
        "next_at": now,
        "expires_at": now + _time_to_live,
        "created_at": now,
        **columns,
    }
    if not _insert_once(session, row):
        if owner == f"outbox:{message_id}":
            vault.current().destroy_data_key(session, owner, now)
        return None
    wake_outbox_after_commit(session)
    return message_id


def _insert_once(session: Session, row: Mapping[str, Any]) -> bool:
    """False: another transaction sent the same meanwhile."""
    dialect = sqlite if session.connection().dialect.name == "sqlite" else postgresql
    written = dialect.insert(OUTBOX).values(row).on_conflict_do_nothing(index_elements=[OUTBOX.c.dedup_key])
    return session.execute(written.returning(OUTBOX.c.id)).one_or_none() is not None


def _key(session: Session, message_id: str, case_id: str | None, now: datetime) -> tuple[str, vault.DataCipher]:
    """What a message carries is erased with the case it belongs to; without one it has a key of its own until delivered."""
    keys = vault.current()
    if case_id is not None:
        try:
            return f"case:{case_id}", keys.cipher(session, f"case:{case_id}")
        except (vault.KeyMissing, vault.KeyDestroyed):
            pass  # nobody will take it; operators will see that
    return f"outbox:{message_id}", keys.create_data_key(session, f"outbox:{message_id}", now)


def _context(message_id: str) -> bytes:
    return b"outbox:" + message_id.encode()
