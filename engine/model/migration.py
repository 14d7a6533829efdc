"""Cases that were moved to another version, with what is needed to take that back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class CaseMigration(Base):
    """One migration of one case. seq: of its journal entry. elements: JSON, old id → new id.

    kept: what the migration changed in rows of `waiting` (drafts among them), encrypted with the case's data key; given
    back when the migration is taken back. reverted_by_seq: the journal entry that took it back.
    """

    __tablename__ = "case_migration"

    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    from_definition_id: Mapped[str] = mapped_column(Id)
    to_definition_id: Mapped[str] = mapped_column(Id)
    elements: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)
    by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    kept: Mapped[bytes] = mapped_column(Bytes)
    reverted_by_seq: Mapped[int | None] = mapped_column(Integer)
