"""What-if runs that were asked for on a page: the candidate, how far it is, what it found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class WhatIfState(StrEnum):
    ASKED = "ASKED"  # a worker has yet to begin it
    RUNNING = "RUNNING"  # a worker's until `lease_until`
    DONE = "DONE"  # its report is there
    FAILED = "FAILED"  # there will be no report; `note` is why, a code


class WhatIfRun(Base):
    """files: zlib over JSON: the candidate's `files` by path, and `elements` that were renamed. report: JSON, case ids and
    elements only, NULL until DONE.

    lease_until: a run whose worker died is begun again after it. note: why it FAILED, a code.
    """

    __tablename__ = "what_if_run"
    __table_args__ = (Index(None, "flow_key", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(100))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcTime)
    since: Mapped[datetime | None] = mapped_column(UtcTime)
    case_limit: Mapped[int] = mapped_column(Integer)
    files: Mapped[bytes] = mapped_column(Bytes)
    state: Mapped[str] = mapped_column(String(10))
    done: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Integer)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    report: Mapped[bytes | None] = mapped_column(Bytes)
    note: Mapped[str | None] = mapped_column(String(200))
