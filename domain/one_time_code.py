"""One-time codes sent by SMS: proof that somebody holds a phone right now. Neither the code nor the phone is kept readable."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

import vault
from database import Base, Bytes, Id, UtcTime, new_id
from domain.phones import normalise_phone
from domain.refused import Refused

VALID_FOR = timedelta(minutes=5)
AGAIN_AFTER = timedelta(minutes=1)
PER_DAY = 10
TRIES = 5


class OneTimeCode(Base):
    """code_mac: keyed MAC of account, phone and code. tries: wrong guesses so far."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        Index("ix_one_time_code_phone", "phone_hash", "created_at"),
        Index("ix_one_time_code_account", "account_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id)
    phone_hash: Mapped[str] = mapped_column(String(64))
    code_mac: Mapped[bytes] = mapped_column(Bytes)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


def issue_code(session: Session, account_id: str, phone: str, now: datetime) -> str:
    """Six digits that `phone` is to receive; an earlier code of this account for it no longer counts.

    Raises Refused: phone.form; sms.too_soon (fact retry_after_s) within a minute of the last to this phone or by this
    account; sms.too_many after ten a day to the phone or by the account.
    """
    number = normalise_phone(phone)
    phone_hash = vault.current().keyed_hash("phone", number)
    for who in (OneTimeCode.phone_hash == phone_hash, OneTimeCode.account_id == account_id):
        sent, last = session.execute(
            select(func.count(), func.max(OneTimeCode.created_at)).where(
                who, OneTimeCode.created_at > now - timedelta(days=1)
            )
        ).one()
        if last is not None and last + AGAIN_AFTER > now:
            raise Refused("sms.too_soon", retry_after_s=int((last + AGAIN_AFTER - now).total_seconds()) + 1)
        if sent >= PER_DAY:
            raise Refused("sms.too_many", retry_after_s=86400)
    code = f"{secrets.randbelow(1_000_000):06}"
    session.add(
        OneTimeCode(
            account_id=account_id,
            phone_hash=phone_hash,
            code_mac=_mac(account_id, number, code),
            created_at=now,
            expires_at=now + VALID_FOR,
        )
    )
    session.flush()
    return code


def redeem_code(session: Session, account_id: str, phone: str, code: str, now: datetime) -> bool:
    """Whether this account has proved, with its latest code, that it holds `phone`. A right code counts once.

    Never raises for a wrong code, so that the count of wrong guesses is committed; after TRIES the code is dead.
    """
    try:
        number = normalise_phone(phone)
    except Refused:
        return False
    latest = session.scalars(
        select(OneTimeCode)
        .where(
            OneTimeCode.account_id == account_id,
            OneTimeCode.phone_hash == vault.current().keyed_hash("phone", number),
        )
        .order_by(OneTimeCode.created_at.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if latest is None or latest.used_at is not None or latest.expires_at <= now or latest.tries >= TRIES:
        return False
    is_right = hmac.compare_digest(latest.code_mac, _mac(account_id, number, code.strip()))
    if is_right:
        latest.used_at = now
    else:
        latest.tries += 1
    session.flush()
    return is_right


def _mac(account_id: str, number: str, code: str) -> bytes:
    return vault.current().mac("one-time code", f"{account_id}\n{number}\n{code}".encode())
