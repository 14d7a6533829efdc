"""Imports of units, institutions and managers from one workbook: who asked, how far it is, what was refused and why.

The workbook names people, so it and the error file are sealed with the import's own data key and go when the key goes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, Bytes, Id, UtcTime, new_id
from domain.account import Account


class ImportState(StrEnum):
    """REFUSED: the workbook as a whole could not be taken. FAILED: the platform's fault."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class RegisterImport(Base):
    """rows_*: data rows over all sheets. refusal: code of a REFUSED workbook, refusal_place its sheet and cell.

    is_dry_run: every row is checked as if it were written, then nothing is. lease_until: until when a worker has it.
    file_sealed: until the import ends. errors_sealed: the error file, None without refused rows.
    """

    __tablename__ = "register_import"
    __table_args__ = (
        Index("ix_register_import_account_id", "account_id", "id"),
        Index("ix_register_import_state", "state", "queued_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    is_dry_run: Mapped[bool]
    state: Mapped[ImportState] = mapped_column(String(10), default=ImportState.QUEUED)
    file_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    errors_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_refused: Mapped[int] = mapped_column(default=0)
    units_written: Mapped[int] = mapped_column(default=0)
    institutions_written: Mapped[int] = mapped_column(default=0)
    managers_queued: Mapped[int] = mapped_column(default=0)
    refusal: Mapped[str | None] = mapped_column(String(60))
    refusal_place: Mapped[str | None] = mapped_column(String(60))
    queued_at: Mapped[datetime] = mapped_column(UtcTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
