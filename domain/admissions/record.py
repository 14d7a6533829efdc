"""Institutions' applications as the portal's search lists them: name, unit, state. The flow writes them; no search opens a case.

A reviewer's opinion is sealed with the case's data key: it is read for who applied, and gone when the case is erased.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from domain.institutions.category import Category
from domain.units.unit import Unit
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime


class ApplicationState(StrEnum):
    """RETURNED: the applicant is to put something right in the same application."""

    PENDING = "PENDING"
    RETURNED = "RETURNED"
    REJECTED = "REJECTED"
    ADMITTED = "ADMITTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


STATE_LABELS: dict[ApplicationState, str] = {
    ApplicationState.PENDING: "待审核",
    ApplicationState.RETURNED: "待补正",
    ApplicationState.REJECTED: "拒绝",
    ApplicationState.ADMITTED: "已收录",
    ApplicationState.WITHDRAWN: "已撤回",
    ApplicationState.EXPIRED: "已过期",
}
RUNNING = frozenset({ApplicationState.PENDING, ApplicationState.RETURNED})


class ApplicationRecord(Base):
    """One submitted application. account_id: who applied. opinion_sealed: of the last decision, None without one."""

    __tablename__ = "application_record"
    __table_args__ = (
        Index("ix_application_record_name_key", "name_key"),
        Index("ix_application_record_supervising_unit", "supervising_unit", "case_id"),
        Index("ix_application_record_account_id", "account_id", "case_id"),
    )

    case_id: Mapped[str] = mapped_column(Id, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    supervising_unit: Mapped[str] = mapped_column(ForeignKey(Unit.code))
    category: Mapped[Category] = mapped_column(String(40))
    state: Mapped[ApplicationState] = mapped_column(String(10))
    opinion_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    submitted_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


@dataclass(frozen=True, slots=True)
class Submission:
    """What an application says of itself in public. name: tidied; name_key: as compared (domain/institutions/name.py)."""

    name: str
    name_key: str
    supervising_unit: str
    category: Category


def record_submission(
    session: Session, case_id: str, account_id: str, submitted: Submission, now: datetime
) -> ApplicationRecord:
    """The application is its unit's to review, for the first time or amended; an earlier opinion is dropped."""
    record = session.get(ApplicationRecord, case_id)
    if record is None:
        record = ApplicationRecord(case_id=case_id, account_id=account_id, submitted_at=now)
        session.add(record)
    record.name, record.name_key = submitted.name, submitted.name_key
    record.supervising_unit, record.category = submitted.supervising_unit, submitted.category
    record.state, record.opinion_sealed, record.changed_at = ApplicationState.PENDING, None, now
    session.flush()
    return record


def record_state(
    session: Session, case_id: str, state: ApplicationState, now: datetime, *, opinion: str | None = None
) -> None:
    """What became of the application; nothing where it was never submitted."""
    record = session.get(ApplicationRecord, case_id)
    if record is None:
        return
    record.state, record.changed_at = state, now
    record.opinion_sealed = _sealed(session, case_id, opinion) if opinion else None
    session.flush()


def record_unit(session: Session, case_id: str, unit_code: str, now: datetime) -> None:
    """Another unit reviews it from now on."""
    changed = {"supervising_unit": unit_code, "changed_at": now}
    session.execute(update(ApplicationRecord).where(ApplicationRecord.case_id == case_id).values(changed))


def read_opinion(session: Session, record: ApplicationRecord) -> str | None:
    """The opinion in words, for who applied; None without one, and after erasure."""
    if record.opinion_sealed is None:
        return None
    try:
        cipher = vault.current().cipher(session, f"case:{record.case_id}")
    except vault.KeyDestroyed:
        return None
    return cipher.decrypt(record.opinion_sealed, _context(record.case_id)).decode()


def rivals(session: Session, name_key: str, *, besides: str) -> int:
    """How many other applications for this very name are running. besides: the case that asks."""
    others = select(func.count()).where(
        ApplicationRecord.name_key == name_key,
        ApplicationRecord.state.in_(RUNNING),
        ApplicationRecord.case_id != besides,
    )
    return session.scalar(others.select_from(ApplicationRecord)) or 0


def has_own_rival(session: Session, name_key: str, account_id: str, *, besides: str) -> bool:
    """Whether the same account has another running application for this very name."""
    own = select(ApplicationRecord.case_id).where(
        ApplicationRecord.name_key == name_key,
        ApplicationRecord.account_id == account_id,
        ApplicationRecord.state.in_(RUNNING),
        ApplicationRecord.case_id != besides,
    )
    return session.scalar(own.limit(1)) is not None


def _sealed(session: Session, case_id: str, opinion: str) -> bytes:
    return vault.current().cipher(session, f"case:{case_id}").encrypt(opinion.encode(), _context(case_id))


def _context(case_id: str) -> bytes:
    return b"opinion:" + case_id.encode()
