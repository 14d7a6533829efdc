"""Deployed versions of flows: immutable once written."""

from __future__ import annotations

from datetime import datetime
from typing import NewType

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime

DefinitionId = NewType("DefinitionId", str)


class ProcessDefinition(Base):
    """One version of a flow. The version with the highest number is current: new cases start on it.

    digest: SHA-256 over the files' bytes (the same files are never deployed twice).
    diagram_digest: over the canonical XML without diagram positions; equal when only the drawing changed.
    """

    __tablename__ = "process_definition"
    __table_args__ = (
        Index(None, "flow_key", "version", unique=True),
        Index(None, "flow_key", "digest", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    flow_key: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    diagram_digest: Mapped[str] = mapped_column(String(64))
    deployed_at: Mapped[datetime] = mapped_column(UtcTime)
    deployed_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)


class DefinitionFile(Base):
    """A file of a version as it was deployed: flow.toml, the diagram, decision tables, forms."""

    __tablename__ = "definition_file"

    definition_id: Mapped[str] = mapped_column(ForeignKey("process_definition.id"), primary_key=True)
    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    content: Mapped[bytes] = mapped_column(Bytes)
