"""Consents: who agreed to what purpose and which version of its text, when, and when it was taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import ForeignKey, Index, String, Table, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from domain.persons.person import Person, forget_portrait
from domain.refused import Refused
from storage.columns import Base, Id, UtcTime, new_id
from storage.deferred_rows import defer_insert, flush_deferred_inserts


class Purpose(StrEnum):
    """KEEP_PORTRAIT lasts until it is withdrawn; the others serve one case."""

    READ_DOCUMENT = "read_document"
    COMPARE_FACE = "compare_face"
    KEEP_PORTRAIT = "keep_portrait"
    ADMIT_INSTITUTION = "admit_institution"


_STANDING = text("withdrawn_at IS NULL")


class Consent(Base):
    """One for each case, purpose and text that stands; given again after a withdrawal it is another."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_account_purpose", "account_id", "purpose"),
        Index(
            "uq_consent_standing",
            *("account_id", "purpose", "text_version", "case_id"),
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    case_id: Mapped[str | None] = mapped_column(Id)
    purpose: Mapped[Purpose] = mapped_column(String(40))
    text_version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime] = mapped_column(UtcTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcTime)


CONSENT = cast(Table, Consent.__table__)


def give_consent(
    session: Session, account_id: str, purpose: Purpose, text_version: str, now: datetime, *, case_id: str | None = None
) -> None:
    """Record a consent, with this transaction's commit. The same consent given again in one case is the same record."""
    row = {
        "id": new_id(),
        "account_id": account_id,
        "case_id": case_id,
        "purpose": purpose,
        "text_version": text_version,
        "given_at": now,
    }
    defer_insert(session, CONSENT, row, unless_there=True)


def standing_consent(session: Session, account_id: str, purpose: Purpose) -> str | None:
    """Id of the latest consent to this purpose that was not taken back."""
    flush_deferred_inserts(session)
    return session.scalar(
        select(Consent.id)
        .where(Consent.account_id == account_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .order_by(Consent.given_at.desc())
        .limit(1)
    )


def withdraw_consent(session: Session, account_id: str, purpose: Purpose, now: datetime) -> int:
    """Take every standing consent to this purpose back; returns how many. Deleting what hung on it is the caller's."""
    withdrawn = session.execute(
        update(Consent)
        .where(Consent.account_id == account_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
        .returning(Consent.id)
    )
    return len(withdrawn.all())


def take_back_consent(session: Session, account_id: str, purpose: Purpose, now: datetime) -> None:
    """Withdraw what was agreed to, and delete what was kept on it alone; nothing happens where nothing stands.

    Raises Refused("consent.of_application") for purposes that serve one application: withdrawing that ends them.
    """
    if purpose is not Purpose.KEEP_PORTRAIT:
        raise Refused("consent.of_application", purpose=purpose)
    withdraw_consent(session, account_id, purpose, now)
    # The account may be another by now (换绑): whoever gave the consent, and whoever the portrait shows, may end it.
    given_here = select(Consent.id).where(Consent.account_id == account_id, Consent.purpose == purpose)
    shown = select(Account.person_id).where(Account.id == account_id)
    kept = select(Person.id).where(or_(Person.portrait_consent_id.in_(given_here), Person.id.in_(shown)))
    for person_id in session.scalars(kept).all():
        forget_portrait(session, person_id)


def consents_of(session: Session, account_id: str) -> Sequence[Consent]:
    """Every consent of the account, withdrawn ones included; the newest first."""
    return session.scalars(
        select(Consent).where(Consent.account_id == account_id).order_by(Consent.given_at.desc(), Consent.id.desc())
    ).all()
