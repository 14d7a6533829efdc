"""What operators propose where a second one has to agree, and the rules that say where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class ProposalState(StrEnum):
    PENDING = "PENDING"  # a second person has yet to say
    CONFIRMED = "CONFIRMED"  # a second person said yes, and it was done
    REJECTED = "REJECTED"  # a second person said no, or who proposed it took it back


class SecondPersonRule(Base):
    """An operators' verb that a second person must confirm in a flow. Set by an administrator, not by the flow's draft.

    flow_key: `*` for every flow. verb: see operations.py, `*` for every verb.
    """

    __tablename__ = "second_person_rule"

    flow_key: Mapped[str] = mapped_column(String(100), primary_key=True)
    verb: Mapped[str] = mapped_column(String(20), primary_key=True)
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[datetime] = mapped_column(UtcTime)


class OperatorProposal(Base):
    """What one operator wants done to a case and another has to confirm. act: encrypted with the case's data key."""

    __tablename__ = "operator_proposal"
    __table_args__ = (
        Index(None, "case_id", "id"),
        Index(
            "ix_operator_proposal_pending",
            "id",
            postgresql_where=text("state = 'PENDING'"),
            sqlite_where=text("state = 'PENDING'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"))
    verb: Mapped[str] = mapped_column(String(20))
    act: Mapped[bytes] = mapped_column(Bytes)
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(12))
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(UtcTime)
