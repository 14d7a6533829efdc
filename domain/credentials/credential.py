"""Credentials: verified identity documents, and how they end. One number is valid on one account (issuing.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import Date, ForeignKey, Index, Select, String, Table, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from domain.documents.documents import DocumentType
from domain.persons.person import Person
from domain.refused import Refused
from storage.columns import Base, Id, UtcTime, new_id


class CredentialState(StrEnum):
    """REPLACED: a renewal or a rebinding took its place."""

    VALID = "VALID"
    REPLACED = "REPLACED"
    WITHDRAWN = "WITHDRAWN"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class VerifiedBy(StrEnum):
    READING = "READING"
    REVIEW = "REVIEW"


EndedCallback = Callable[[Session, "Credential", datetime], None]
_when_ended: dict[str, EndedCallback] = {}

_IS_VALID = text("state = 'VALID'")


class Credential(Base):
    """valid_until: last day of the document's validity, None for 长期. reason: a code where revoked."""

    __tablename__ = "credential"
    __table_args__ = (
        Index(
            "uq_credential_valid_number", "number_hash", unique=True, sqlite_where=_IS_VALID, postgresql_where=_IS_VALID
        ),
        Index(
            "uq_credential_valid_account", "account_id", unique=True, sqlite_where=_IS_VALID, postgresql_where=_IS_VALID
        ),
        Index("ix_credential_person_id", "person_id"),
        Index("ix_credential_state", "state", "id"),
        Index("ix_credential_valid_until", "valid_until", sqlite_where=_IS_VALID, postgresql_where=_IS_VALID),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey(Person.id))
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    case_id: Mapped[str] = mapped_column(Id)
    document_type: Mapped[DocumentType] = mapped_column(String(40))
    number_hash: Mapped[str] = mapped_column(String(64))
    verified_by: Mapped[VerifiedBy] = mapped_column(String(10))
    state: Mapped[CredentialState] = mapped_column(String(10), default=CredentialState.VALID)
    valid_until: Mapped[date | None] = mapped_column(Date)
    issued_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    replaced_by: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str | None] = mapped_column(String(60))


CREDENTIAL = cast(Table, Credential.__table__)


def when_ended(callback: EndedCallback) -> EndedCallback:
    """Have `callback(session, credential, now)` called in the transaction in which a credential ends, whyever it does.

    What takes its place, if anything, is valid by then. A decorator; a callback declared again takes its own place.
    """
    _when_ended[f"{callback.__module__}.{callback.__qualname__}"] = callback
    return callback


def valid_credential_of(session: Session, account_id: str) -> Credential | None:
    """The account's valid credential; None: 未认证."""
    return session.scalar(_valid().where(Credential.account_id == account_id))


def valid_resident_credential(session: Session, person_id: str) -> Credential | None:
    """The person's valid credential by resident ID, which is what managing a grant takes; None: not verified that way."""
    of_person = _valid().where(Credential.person_id == person_id, Credential.document_type == DocumentType.RESIDENT_ID)
    return session.scalar(of_person.order_by(Credential.id).limit(1))


def withdraw_credential(session: Session, account_id: str, now: datetime) -> Credential:
    """Its holder gives it up. Raises Refused("credential.none")."""
    credential = valid_credential_of(session, account_id)
    if credential is None:
        raise Refused("credential.none", account=account_id)
    end_credential(credential, CredentialState.WITHDRAWN, now)
    session.flush()
    tell_ended(session, [credential], now)
    return credential


def revoke_credential(session: Session, credential_id: str, reason: str, now: datetime) -> Credential:
    """Staff end it. reason: a code. Raises Refused("credential.none" | "credential.not_valid")."""
    credential = session.get(Credential, credential_id, with_for_update=True)
    if credential is None:
        raise Refused("credential.none", credential=credential_id)
    if credential.state != CredentialState.VALID:
        raise Refused("credential.not_valid", credential=credential_id, state=credential.state)
    end_credential(credential, CredentialState.REVOKED, now)
    credential.reason = reason
    session.flush()
    tell_ended(session, [credential], now)
    return credential


def expire_credentials(session: Session, today: date, now: datetime) -> int:
    """End every credential whose document's last day has passed; returns how many."""
    expired = session.execute(
        update(Credential)
        .where(Credential.state == CredentialState.VALID, Credential.valid_until < today)
        .values(state=CredentialState.EXPIRED, ended_at=now)
        .returning(Credential.id)
    )
    ids = [row.id for row in expired]
    if _when_ended and ids:
        tell_ended(session, session.scalars(_refreshed(ids)).all(), now)
    return len(ids)


def tell_ended(session: Session, ended: Iterable[Credential], now: datetime) -> None:
    """Call what when_ended() took, for each."""
    for credential in ended:
        for callback in _when_ended.values():
            callback(session, credential, now)


def _refreshed(ids: Sequence[str]) -> Select[Credential]:
    """As the database has them now: a bulk update passes the session's own copies by."""
    return select(Credential).where(Credential.id.in_(ids)).execution_options(populate_existing=True)


def end_credential(credential: Credential, state: CredentialState, now: datetime) -> None:
    """Set on the row; whoever does it flushes and calls tell_ended()."""
    credential.state = state
    credential.ended_at = now


def _valid() -> Select[Credential]:
    return select(Credential).where(Credential.state == CredentialState.VALID)
