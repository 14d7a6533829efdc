"""One-time codes by SMS: proof that somebody still holds a phone. Only a keyed hash of a code is kept."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.phones import normalise_phone
from domain.refused import Refused
from storage import vault
from storage.columns import Base, Id, UtcTime, new_id

LIFETIME = timedelta(minutes=5)
PAUSE = timedelta(seconds=60)
CODES_A_DAY = 5
TRIES = 3


class SmsCode(Base):
    """subject: what the code proves something for (a case id). used_at: a code works once."""

    __tablename__ = "sms_code"
    __table_args__ = (
        Index("ix_sms_code_subject_sent_at", "subject", "sent_at"),
        Index("ix_sms_code_phone_hash_sent_at", "phone_hash", "sent_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(String(64))
    phone_hash: Mapped[str] = mapped_column(String(64))
    code_hash: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


@dataclass(frozen=True, slots=True)
class CodeCheck:
    is_right: bool
    tries_left: int


def make_code(session: Session, subject: str, phone: str, now: datetime) -> str:
    """A fresh six-digit code for the caller to send; earlier ones of the subject stop working.

    Raises Refused("sms.too_soon") within 60 s of the last to this phone, Refused("sms.too_many") beyond 5 in 24 hours,
    Refused("phone.form").
    """
    phone_hash = vault.current().master_key.keyed_hash("phone", normalise_phone(phone))
    sent = select(SmsCode.sent_at).where(SmsCode.phone_hash == phone_hash)
    last = session.scalar(sent.order_by(SmsCode.sent_at.desc()).limit(1))
    if last is not None and now < last + PAUSE:
        raise Refused("sms.too_soon", retry_at=(last + PAUSE).isoformat())
    today = sent.where(SmsCode.sent_at > now - timedelta(days=1)).subquery()
    if (session.scalar(select(func.count()).select_from(today)) or 0) >= CODES_A_DAY:
        raise Refused("sms.too_many", limit=CODES_A_DAY)
    code = f"{secrets.randbelow(10**6):06d}"
    code_id = new_id()
    session.add(
        SmsCode(
            id=code_id,
            subject=subject,
            phone_hash=phone_hash,
            code_hash=_hash(code_id, code),
            sent_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return code


def check_code(session: Session, subject: str, code: str, now: datetime) -> CodeCheck:
    """Whether this is the subject's latest code, unused and in time. Every wrong try counts; after three it is dead."""
    latest = session.scalar(
        select(SmsCode).where(SmsCode.subject == subject).order_by(SmsCode.sent_at.desc()).limit(1).with_for_update()
    )
    if latest is None or latest.used_at is not None or latest.tries >= TRIES or now >= latest.expires_at:
        return CodeCheck(False, 0)
    if hmac.compare_digest(latest.code_hash, _hash(latest.id, code)):
        latest.used_at = now
        session.flush()
        return CodeCheck(True, TRIES - latest.tries)
    latest.tries += 1
    session.flush()
    return CodeCheck(False, TRIES - latest.tries)


def _hash(code_id: str, code: str) -> str:
    return vault.current().master_key.keyed_hash("sms_code", f"{code_id}:{code}")
