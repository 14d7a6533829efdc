"""When the clock begins cases of a flow, and at which instants it did."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Id, UtcTime


class FiringState(StrEnum):
    STARTED = "STARTED"  # a case began
    REFUSED = "REFUSED"  # the engine said no; `note` is its code


class StartTimer(Base):
    """A timer start event of a flow's current version. says, anchor, period: engine/language/schedules.Grid.

    left: cases it still begins, -1 without end. next_at: NULL when it begins none any more. paused_by, pause_reason: of
    the last pause; it is paused while paused_at is set.
    """

    __tablename__ = "start_timer"
    __table_args__ = (
        Index(
            "ix_start_timer_due",
            "next_at",
            postgresql_where=text("paused_at IS NULL"),
            sqlite_where=text("paused_at IS NULL"),
        ),
    )

    flow_key: Mapped[str] = mapped_column(String(100), primary_key=True)
    element: Mapped[str] = mapped_column(String(200), primary_key=True)
    definition_id: Mapped[str] = mapped_column(ForeignKey("process_definition.id"))
    says: Mapped[str] = mapped_column(Text)
    anchor: Mapped[datetime] = mapped_column(UtcTime)
    period: Mapped[str] = mapped_column(String(100))
    left: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    paused_at: Mapped[datetime | None] = mapped_column(UtcTime)
    paused_by: Mapped[str | None] = mapped_column(String(64))
    pause_reason: Mapped[str | None] = mapped_column(Text)


class StartFiring(Base):
    """An instant at which a start timer was due: its key is what lets one case come of it. case_id: NULL where refused."""

    __tablename__ = "start_firing"

    flow_key: Mapped[str] = mapped_column(String(100), primary_key=True)
    element: Mapped[str] = mapped_column(String(200), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcTime, primary_key=True)
    definition_id: Mapped[str] = mapped_column(ForeignKey("process_definition.id"))
    fired_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(10))
    case_id: Mapped[str | None] = mapped_column(Id)
    note: Mapped[str | None] = mapped_column(String(100))
