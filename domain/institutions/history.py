"""What happened to an institution: admitted, edited, suspended, removed, merged; by whom, when and why.

Reasons are free text and contacts are people, so every line is sealed with the institution's own data key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id

Before = str | None
After = str | None


class InstitutionChangeKind(StrEnum):
    ADMITTED = "ADMITTED"
    EDITED = "EDITED"
    SUSPENDED = "SUSPENDED"
    RESUMED = "RESUMED"
    REMOVED = "REMOVED"
    MERGED = "MERGED"


class InstitutionChange(Base):
    """One line of an institution's history. sealed: JSON {"reason", "fields": {name: [before, after]}}. by: account id."""

    __tablename__ = "institution_change"
    __table_args__ = (Index("ix_institution_change_institution_id", "institution_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    institution_id: Mapped[str] = mapped_column(ForeignKey("institution.id"))
    kind: Mapped[InstitutionChangeKind] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(Id)
    sealed: Mapped[bytes] = mapped_column(Bytes)
    at: Mapped[datetime] = mapped_column(UtcTime)


@dataclass(frozen=True, slots=True)
class Change:
    """by: account id, None for the platform itself. fields: name of a field → what it said before and says now."""

    by: str | None
    reason: str = ""
    fields: Mapping[str, tuple[Before, After]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    kind: InstitutionChangeKind
    at: datetime
    change: Change


def data_owner(institution_id: str) -> str:
    """Owner of the institution's data key in the vault."""
    return f"institution:{institution_id}"


def note_change(
    session: Session,
    institution_id: str,
    kind: InstitutionChangeKind,
    change: Change,
    cipher: vault.DataCipher,
    now: datetime,
) -> None:
    """Write one line of history. cipher: of data_owner(institution_id)."""
    line_id = new_id()
    plain = json.dumps({"reason": change.reason, "fields": dict(change.fields)}, ensure_ascii=False).encode()
    sealed = cipher.encrypt(plain, _context(line_id))
    session.add(
        InstitutionChange(id=line_id, institution_id=institution_id, kind=kind, by=change.by, sealed=sealed, at=now)
    )
    session.flush()


def history_of(session: Session, institution_id: str, limit: int = 100) -> list[HistoryLine]:
    """The newest first. Raises vault.KeyDestroyed after erasure."""
    cipher = vault.current().cipher(session, data_owner(institution_id))
    lines = session.scalars(
        select(InstitutionChange)
        .where(InstitutionChange.institution_id == institution_id)
        .order_by(InstitutionChange.id.desc())
        .limit(limit)
    )
    return [HistoryLine(line.kind, line.at, _read(line, cipher)) for line in lines]


def _read(line: InstitutionChange, cipher: vault.DataCipher) -> Change:
    facts = json.loads(cipher.decrypt(line.sealed, _context(line.id)))
    return Change(line.by, facts["reason"], {name: (was, now) for name, (was, now) in facts["fields"].items()})


def _context(line_id: str) -> bytes:
    return b"institution change:" + line_id.encode()
