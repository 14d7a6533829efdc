"""What people did around work items: who, what, when, why; and who was sent a copy."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class WorkItemEvent(Base):
    """One thing done with a work item that is no input of its case. target: account or group.
    verb: see engine/work_items/events.py.

    why: encrypted with the case's data key.
    """

    __tablename__ = "work_item_event"
    __table_args__ = (Index(None, "item_id", "id"), Index(None, "case_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    item_id: Mapped[str] = mapped_column(ForeignKey("waiting.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"))
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    verb: Mapped[str] = mapped_column(String(20))
    target: Mapped[str | None] = mapped_column(String(200))
    why: Mapped[bytes | None] = mapped_column(Bytes)


class WorkItemCopy(Base):
    """Somebody who need not act was sent a copy of an item: its case is theirs to look at, masked."""

    __tablename__ = "work_item_copy"
    __table_args__ = (Index(None, "account_id", "at"), Index(None, "case_id"))

    item_id: Mapped[str] = mapped_column(ForeignKey("waiting.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcTime)
