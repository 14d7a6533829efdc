"""Tables of the web process: who is signed in, answers kept for repeats, and who looked at what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class ApiSession(Base):
    """One sign-in. The token itself is known to its holder alone; `token_hash` is its SHA-256.

    kind: `wechat` (token in a header) or `console` (token in a cookie). Signing out deletes the row.
    """

    __tablename__ = "api_session"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account_id: Mapped[str] = mapped_column(Id, index=True)
    kind: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[bytes] = mapped_column(Bytes, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    seen_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class IdempotentAnswer(Base):
    """The first answer to a POST, kept 24 hours. `answer` is encrypted for `owner` (`case:<id>` or `account:<id>`).

    request_digest: SHA-256 of method, path and body. `answer` is NULL only inside the transaction that works it out.
    """

    __tablename__ = "idempotent_answer"

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    request_digest: Mapped[bytes] = mapped_column(Bytes)
    owner: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[bytes | None] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class EvidenceLook(Base):
    """Somebody saw what is personal. `what`: `image`; else the page: `case`, `case_at`, `reading`, `history`, `person`,

    or `evidence_file`.
    """

    __tablename__ = "evidence_look"
    __table_args__ = (
        Index("ix_evidence_look_case", "case_id", "at"),
        Index("ix_evidence_look_person", "person_id", "at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    account_id: Mapped[str] = mapped_column(Id, index=True)
    case_id: Mapped[str | None] = mapped_column(Id)
    person_id: Mapped[str | None] = mapped_column(Id)
    what: Mapped[str] = mapped_column(String(16))
    attachment_id: Mapped[str | None] = mapped_column(Id)
