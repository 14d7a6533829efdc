"""Wrong codes and failed faces, counted per person and per institution: the fifth within a day locks for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from database import Base, Id, UtcTime, new_id

MAX_FAILURES = 5
WINDOW = timedelta(days=1)
LOCKED_FOR = timedelta(days=1)


class FailureKind(StrEnum):
    WRONG_CODE = "WRONG_CODE"
    FAILED_FACE = "FAILED_FACE"


class GrantAttempts(Base):
    """The counter of one subject: `person:<id>` or `institution:<id>`. failures: since counting_since, within a day."""

    __tablename__ = "grant_attempts"

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    failures: Mapped[int]
    counting_since: Mapped[datetime] = mapped_column(UtcTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)


class FailedAttempt(Base):
    """One wrong code or failed face, for whoever looks into a lock. institution_id None: the code was never anybody's."""

    __tablename__ = "failed_attempt"
    __table_args__ = (
        Index("ix_failed_attempt_person_id", "person_id", "at"),
        Index("ix_failed_attempt_institution_id", "institution_id", "at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(Id)
    institution_id: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[FailureKind] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcTime)


@dataclass(frozen=True, slots=True)
class FailureCount:
    """What one more failure led to.

    left: tries the person has left today. locked_until: until when person or institution is locked, None if neither is.
    person_locked, institution_locked: this very failure locked it, so tell the unit (the institution's supervising unit).
    """

    left: int
    locked_until: datetime | None
    person_locked: bool
    institution_locked: bool


def count_failure(
    session: Session, person_id: str, institution_id: str | None, kind: FailureKind, now: datetime
) -> FailureCount:
    """Count one wrong code or failed face. Never raises Refused: the caller commits the count, then says no.

    institution_id: whose code it was (`grant_code.institution_of_code`), None for a code that never existed.
    """
    raise NotImplementedError


def refuse_locked(session: Session, person_id: str, institution_id: str | None, now: datetime) -> None:
    """Raises Refused("grant.attempts_locked", until=…) while the person or the institution is locked."""
    raise NotImplementedError


def forget_failures(session: Session, person_id: str, institution_id: str, now: datetime) -> None:
    """A success: the person's and the institution's counts start again; a lock stays."""
    raise NotImplementedError
