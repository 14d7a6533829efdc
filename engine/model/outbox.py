"""What one case has to say to another, and cases that have yet to be started: rows, delivered one by one (outbox.py)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class OutboxKind(StrEnum):
    CASE = "CASE"  # to one case
    MESSAGE = "MESSAGE"  # to whichever case waits for it, else to a flow that it starts
    SIGNAL = "SIGNAL"  # to all cases that wait for it
    START = "START"  # a case to begin


class OutboxState(StrEnum):
    PENDING = "PENDING"  # to be delivered from `next_at` on
    DELIVERED = "DELIVERED"  # taken, in the transaction that moved its receiver
    UNDELIVERED = (
        "UNDELIVERED"  # nobody took it in its time, or nobody ever can: an operator's to send again or dismiss
    )
    DISMISSED = "DISMISSED"  # an operator let it go


class OutboxMessage(Base):
    """dedup_key: the same thing is sent once. correlation: keyed hash, "" for none. receiver: the case that took it.

    payload: encrypted for `key_owner` (the sending case, or the message itself); gone once delivered. note: why it is
    still here, a code.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_dedup_key", "dedup_key", unique=True),
        Index(
            "ix_outbox_pending",
            "next_at",
            postgresql_where=text("state = 'PENDING'"),
            sqlite_where=text("state = 'PENDING'"),
        ),
        Index(
            "ix_outbox_awaited",
            *("message", "correlation"),
            postgresql_where=text("state = 'PENDING'"),
            sqlite_where=text("state = 'PENDING'"),
        ),
        Index(
            "ix_outbox_undelivered",
            "id",
            postgresql_where=text("state = 'UNDELIVERED'"),
            sqlite_where=text("state = 'UNDELIVERED'"),
        ),
        Index(
            "ix_outbox_over",
            "closed_at",
            postgresql_where=text("state IN ('DELIVERED', 'DISMISSED')"),
            sqlite_where=text("state IN ('DELIVERED', 'DISMISSED')"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    dedup_key: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12))
    sender: Mapped[str | None] = mapped_column(Id)
    receiver: Mapped[str | None] = mapped_column(Id)
    flow_key: Mapped[str | None] = mapped_column(String(100))
    message: Mapped[str | None] = mapped_column(String(200))
    correlation: Mapped[str] = mapped_column(String(64))
    by: Mapped[str] = mapped_column(String(64))
    key_owner: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes | None] = mapped_column(Bytes)
    attempts: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    note: Mapped[str | None] = mapped_column(String(100))


class OutboxKey(Base):
    """The de-duplication key of a message whose row is gone (retention.py): it is not sent again until `kept_until`.

    key_hash: keyed hash of the key, 64 hex digits. message_id: the row's.
    """

    __tablename__ = "outbox_key"
    __table_args__ = (Index(None, "kept_until"),)

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    message_id: Mapped[str] = mapped_column(Id)
    kept_until: Mapped[datetime] = mapped_column(UtcTime)
