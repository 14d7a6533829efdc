"""Messages nobody took: operators see them, send them again, or dismiss them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from engine.cases.dispatching import wake_outbox_after_commit
from engine.cases.outbox import OUTBOX
from engine.errors import Conflict, NotFound
from engine.model.outbox import OutboxState
from engine.model.waiting_row import spelled
from engine.queries.views import Page
from storage import vault

SENT_AGAIN_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """note: code of why. sender, receiver: cases. Nothing in it is personal."""

    id: str
    kind: str
    message: str | None
    flow_key: str | None
    sender: str | None
    receiver: str | None
    by: str
    note: str | None
    created_at: datetime
    closed_at: datetime


def undelivered_messages(session: Session, *, cursor: str | None = None, limit: int = 50) -> Page[Undelivered]:
    """Oldest first."""
    columns = [OUTBOX.c[name] for name in Undelivered.__dataclass_fields__]
    wanted = select(*columns).where(spelled(OUTBOX.c.state, OutboxState.UNDELIVERED))
    wanted = wanted if cursor is None else wanted.where(OUTBOX.c.id > cursor)
    rows = session.execute(wanted.order_by(OUTBOX.c.id).limit(limit + 1)).all()
    found = tuple(Undelivered(*row) for row in rows[:limit])
    return Page(found, found[-1].id if len(rows) > limit else None)


def send_again(session: Session, message_id: str, *, now: datetime) -> None:
    """Try an undelivered message for another day. Raises NotFound("outbox.unknown"), Conflict("outbox.gone")."""
    values = {"state": OutboxState.PENDING, "closed_at": None, "attempts": 0, "next_at": now}
    _change(session, message_id, {**values, "expires_at": now + SENT_AGAIN_FOR})
    wake_outbox_after_commit(session)


def dismiss_message(session: Session, message_id: str, *, now: datetime) -> None:
    """Nobody needs it any more; what it carried is erased. Errors as send_again()."""
    owner = _change(session, message_id, {"state": OutboxState.DISMISSED, "closed_at": now, "payload": None})
    if owner == f"outbox:{message_id}":
        vault.current().destroy_data_key(session, owner, now)


def _change(session: Session, message_id: str, values: dict[str, object]) -> str:
    changed = session.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == message_id, OUTBOX.c.state == OutboxState.UNDELIVERED)
        .values(values)
        .returning(OUTBOX.c.key_owner)
    ).one_or_none()
    if changed is not None:
        owner: str = changed.key_owner
        return owner
    if session.execute(select(OUTBOX.c.id).where(OUTBOX.c.id == message_id)).scalar() is None:
        raise NotFound("outbox.unknown", message=message_id)
    raise Conflict("outbox.gone", message=message_id)
