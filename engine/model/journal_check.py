"""What the self-check keeps: daily roots over the heads of all journals, and what it found to differ."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class JournalRoot(Base):
    """One a day: a keyed digest (32 bytes) over the day's heads and the root before, so that none can be left out later.

    day: in Shanghai. previous: the root before, 32 zero bytes for the first. heads: how many rows of journal_head it covers.
    """

    __tablename__ = "journal_root"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    previous: Mapped[bytes] = mapped_column(Bytes)
    heads: Mapped[int] = mapped_column(Integer)
    root: Mapped[bytes] = mapped_column(Bytes)


class JournalHead(Base):
    """The last entry of a case's journal when the day's root was made; only of cases that moved since the root before."""

    __tablename__ = "journal_head"
    __table_args__ = (Index(None, "case_id", "seq"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    case_id: Mapped[str] = mapped_column(Id, primary_key=True)
    seq: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(Bytes)


class JournalFinding(Base):
    """Something the self-check found to differ; open until a later check finds it in order.

    kind: `chain` | `snapshot` | `waits` | `head` (a journal is shorter than, or other than, a root says) | `root`.
    seq: the first input that differs, NULL where none can be named. case_id: NULL for a root, whose day is in `note`.
    """

    __tablename__ = "journal_finding"
    __table_args__ = (
        Index(
            "ix_journal_finding_open",
            "case_id",
            "kind",
            postgresql_where=text("resolved_at IS NULL"),
            sqlite_where=text("resolved_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(10))
    seq: Mapped[int | None] = mapped_column(Integer)
    element: Mapped[str | None] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    found_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcTime)
