"""Accounts of people who proved a phone on the portal: no WeChat, no password, one account a phone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.accounts.account import Account, AccountKind, data_owner, phone_hash
from domain.phones import normalise_phone
from domain.refused import Refused
from storage import vault
from storage.columns import new_id


def find_or_create_phone_account(session: Session, phone: str, now: datetime) -> Account:
    """The account of somebody who has just proved this phone, made at the first time.

    Raises Refused("phone.form" | "account.disabled").
    """
    number = normalise_phone(phone)
    of_phone = (Account.kind == AccountKind.PHONE) & (Account.phone_hash == phone_hash(number))
    account = session.scalar(select(Account).where(of_phone))
    if account is None:
        try:
            with session.begin_nested():
                account = _new_phone_account(session, number, now)
        except IntegrityError:  # two first sign-ins at once: the index let one through
            account = session.scalars(select(Account).where(of_phone)).one()
    if account.disabled_at is not None:
        raise Refused("account.disabled", account=account.id)
    return account


def _new_phone_account(session: Session, number: str, now: datetime) -> Account:
    account_id = new_id()
    cipher = vault.current().create_data_key(session, data_owner(account_id), now)
    account = Account(
        id=account_id,
        kind=AccountKind.PHONE,
        phone_sealed=cipher.encrypt(number.encode(), b"phone"),
        phone_hash=phone_hash(number),
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account
