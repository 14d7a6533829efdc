"""Wrong codes and failed faces, counted per person and per institution: the fifth within a day locks for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, String, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.refused import Refused
from storage.columns import Base, Id, UtcTime, new_id

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
    session.add(FailedAttempt(id=new_id(), person_id=person_id, institution_id=institution_id, kind=kind, at=now))
    session.flush()
    # The institution's row first, always: two people failing at one institution never wait for each other in a circle.
    institution = _count(session, _institution(institution_id), now) if institution_id else None
    person = _count(session, _person(person_id), now)
    counted = [one for one in (institution, person) if one is not None]
    until = [one.locked_until for one in counted if one.locked_until is not None and one.locked_until > now]
    return FailureCount(
        left=min(max(0, MAX_FAILURES - one.failures) for one in counted),
        locked_until=max(until, default=None),
        person_locked=_just_locked(person),
        institution_locked=institution is not None and _just_locked(institution),
    )


def locked_until(session: Session, person_id: str, institution_id: str | None, now: datetime) -> datetime | None:
    """Until when the person or the institution is locked, whichever is later; None if neither is."""
    subjects = [_person(person_id)] + ([_institution(institution_id)] if institution_id else [])
    return session.scalar(
        select(GrantAttempts.locked_until)
        .where(GrantAttempts.subject.in_(subjects), GrantAttempts.locked_until > now)
        .order_by(GrantAttempts.locked_until.desc())
        .limit(1)
    )


def refuse_locked(session: Session, person_id: str, institution_id: str | None, now: datetime) -> None:
    """Raises Refused("grant.attempts_locked", until=…) while the person or the institution is locked."""
    until = locked_until(session, person_id, institution_id, now)
    if until is not None:
        raise Refused("grant.attempts_locked", until=until.isoformat())


def forget_failures(session: Session, person_id: str, institution_id: str, now: datetime) -> None:
    """A success: the person's and the institution's counts start again; a lock stays."""
    session.execute(
        delete(GrantAttempts).where(
            GrantAttempts.subject.in_([_person(person_id), _institution(institution_id)]),
            or_(GrantAttempts.locked_until.is_(None), GrantAttempts.locked_until <= now),
        )
    )


def drop_idle_counters(session: Session, before: datetime) -> int:
    """Drop counters that no lock or window reaches any more; returns how many. Failures have a time of their own (retention)."""
    dropped = session.execute(
        delete(GrantAttempts)
        .where(
            GrantAttempts.counting_since < before,
            or_(GrantAttempts.locked_until.is_(None), GrantAttempts.locked_until < before),
        )
        .returning(GrantAttempts.subject)
    )
    return len(dropped.all())


def _count(session: Session, subject: str, now: datetime) -> GrantAttempts:
    """The subject's counter with one failure more; its row is locked, so that failures side by side all count."""
    counter = _locked_row(session, subject)
    if counter is None:
        try:
            with session.begin_nested():
                counter = GrantAttempts(subject=subject, failures=0, counting_since=now)
                session.add(counter)
                session.flush()
        except IntegrityError:  # another failure made it meanwhile
            counter = _locked_row(session, subject)
    assert counter is not None, subject
    is_locked = counter.locked_until is not None and counter.locked_until > now
    if not is_locked and (counter.locked_until is not None or now >= counter.counting_since + WINDOW):
        counter.failures, counter.counting_since, counter.locked_until = 0, now, None
    counter.failures += 1
    if counter.failures == MAX_FAILURES:
        counter.locked_until = now + LOCKED_FOR
    session.flush()
    return counter


def _locked_row(session: Session, subject: str) -> GrantAttempts | None:
    return session.get(GrantAttempts, subject, with_for_update=True, populate_existing=True)


def _just_locked(counter: GrantAttempts) -> bool:
    return counter.failures == MAX_FAILURES


def _person(person_id: str) -> str:
    return f"person:{person_id}"


def _institution(institution_id: str) -> str:
    return f"institution:{institution_id}"
