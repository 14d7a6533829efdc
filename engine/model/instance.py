"""A case and what it leaves behind: journal, activities, search hashes, attachments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class CaseState(StrEnum):
    RUNNING = "RUNNING"  # it waits for something
    SUSPENDED = "SUSPENDED"  # an operator stopped it: nothing moves until it is resumed
    COMPLETED = "COMPLETED"  # it came to an end of its diagram
    CANCELLED = "CANCELLED"  # it was ended from outside


class Case(Base):
    """One run of a flow, pinned to its definition.

    revision: number of journal entries the snapshot holds. head: digest of the last of them (32 bytes).
    snapshot: the machine's dump, encrypted with the case's data key; a cache of the journal.
    is_exclusive: the flow allows one running case a starter; the partial unique index decides the race.
    """

    __tablename__ = "process_instance"
    __table_args__ = (
        Index(
            "uq_process_instance_running",
            "flow_key",
            "started_by",
            unique=True,
            postgresql_where=text("is_exclusive AND ended_at IS NULL"),
            sqlite_where=text("is_exclusive AND ended_at IS NULL"),
        ),
        Index(None, "started_by", "id"),
        Index(None, "flow_key", "state", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(100))
    definition_id: Mapped[str] = mapped_column(ForeignKey("process_definition.id"))
    state: Mapped[str] = mapped_column(String(12))
    outcome: Mapped[str | None] = mapped_column(String(100))
    revision: Mapped[int] = mapped_column(Integer)
    started_by: Mapped[str] = mapped_column(String(64))
    is_exclusive: Mapped[bool]
    snapshot: Mapped[bytes] = mapped_column(Bytes)
    head: Mapped[bytes] = mapped_column(Bytes)
    last_at: Mapped[datetime] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcTime)


class JournalEntry(Base):
    """An input as it was applied. Append-only; `payload` is encrypted, `digest` chains over the ciphertext."""

    __tablename__ = "journal"

    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(30))
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes] = mapped_column(Bytes)
    digest: Mapped[bytes] = mapped_column(Bytes)


class Activity(Base):
    """When an element was active and how it ended. Derived from the machine's events; nothing personal.

    how: "entered" while active, else "completed" | "cancelled" | "failed" | "skipped" | "compensated".
    seq, position: order of entering.
    """

    __tablename__ = "activity"
    __table_args__ = (Index(None, "element", "entered_at"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    element: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(60))
    entered_at: Mapped[datetime] = mapped_column(UtcTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcTime)
    how: Mapped[str] = mapped_column(String(12))
    seq: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)


class SearchVariable(Base):
    """Keyed hash of a variable that flow.toml lists under `variables.search`; deleted when the case is erased."""

    __tablename__ = "search_variable"
    __table_args__ = (Index(None, "name", "hash"),)

    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    hash: Mapped[str | None] = mapped_column(String(64))


class Attachment(Base):
    """A photo or scan; its content is a file encrypted with the case's data key. digest: keyed, of the content."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index(None, "case_id", "id"),
        Index(
            "ix_attachment_retention",
            "retention_until",
            postgresql_where=text("deleted_at IS NULL"),
            sqlite_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"))
    kind: Mapped[str] = mapped_column(String(40))
    media_type: Mapped[str] = mapped_column(String(60))
    size: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    retention_until: Mapped[datetime] = mapped_column(UtcTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcTime)
