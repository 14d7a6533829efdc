"""Accounts: who signs in. Citizens come with WeChat or with a phone proved by SMS, staff with a user name and a password.

A citizen's openid and phone are encrypted with the account's own data key and found by keyed hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Table, bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.util import identity_key

from domain.accounts.passwords import CheckedPassword, hash_of_nobody, hash_password, refuse_weak_password
from domain.persons.person import Person, keep_person_phone
from domain.phones import normalise_phone
from domain.refused import Refused
from domain.units.unit import Unit, find_unit
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id
from storage.statements import Statement

APPLICANT_GROUP = "applicant"
PHONE_APPLICANT_GROUP = "phone_applicant"
# Console roles beside the inboxes: who looks persons and credentials up; who runs the platform.
REGISTER_GROUP = "registers.reader"
ADMIN_GROUP = "admin"
MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


class AccountKind(StrEnum):
    """PHONE: somebody who proved a phone on the portal; no WeChat, no password."""

    WECHAT = "WECHAT"
    CONSOLE = "CONSOLE"
    PHONE = "PHONE"


_IS_PHONE = text("kind = 'PHONE'")


class Account(Base):
    """person_id: the verified person behind it, set when a credential is issued. failures: wrong passwords in a row.

    unit_code: the unit a member of its staff acts for, with all below it.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("(kind = 'WECHAT') = (openid_hash IS NOT NULL)", name="wechat_has_openid"),
        CheckConstraint("(kind = 'CONSOLE') = (username IS NOT NULL)", name="console_has_username"),
        CheckConstraint("kind <> 'PHONE' OR phone_hash IS NOT NULL", name="phone_has_number"),
        CheckConstraint("unit_code IS NULL OR kind = 'CONSOLE'", name="unit_has_staff"),
        Index("uq_account_openid_hash", "openid_hash", unique=True),
        Index("uq_account_username", "username", unique=True),
        Index("ix_account_phone_hash", "phone_hash"),
        Index("uq_account_of_phone", "phone_hash", unique=True, sqlite_where=_IS_PHONE, postgresql_where=_IS_PHONE),
        Index("ix_account_unit_code", "unit_code"),
        Index("ix_account_person_id", "person_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    kind: Mapped[AccountKind] = mapped_column(String(10))
    openid_hash: Mapped[str | None] = mapped_column(String(64))
    openid_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    username: Mapped[str | None] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(64), default="")
    person_id: Mapped[str | None] = mapped_column(ForeignKey(Person.id))
    unit_code: Mapped[str | None] = mapped_column(ForeignKey(Unit.code))
    phone_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


ACCOUNT = cast(Table, Account.__table__)
_SEAT = Statement(
    update(ACCOUNT)
    .where(ACCOUNT.c.id == bindparam("account"))
    .values(person_id=bindparam("person"))
    .returning(ACCOUNT.c.phone_sealed)
)


class AccountGroup(Base):
    """One inbox (= lane group) the account may work, or a console role."""

    __tablename__ = "account_group"

    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    group_key: Mapped[str] = mapped_column(String(80), primary_key=True)


def find_account(session: Session, account_id: str) -> Account:
    """Raises Refused("account.unknown")."""
    account = session.get(Account, account_id)
    if account is None:
        raise Refused("account.unknown", account=account_id)
    return account


def find_or_create_wechat_account(session: Session, openid: str, now: datetime) -> Account:
    """The account of this WeChat user, made at the first sign-in. Raises Refused("account.disabled")."""
    openid_hash = vault.current().master_key.keyed_hash("openid", openid)
    account = session.scalar(select(Account).where(Account.openid_hash == openid_hash))
    if account is None:
        try:
            with session.begin_nested():
                account = _new_wechat_account(session, openid, openid_hash, now)
        except IntegrityError:  # two first sign-ins at once: the index let one through
            account = session.scalars(select(Account).where(Account.openid_hash == openid_hash)).one()
    if account.disabled_at is not None:
        raise Refused("account.disabled", account=account.id)
    return account


def create_console_account(
    session: Session,
    username: str,
    password: str,
    now: datetime,
    *,
    display_name: str,
    groups: frozenset[str],
    unit_code: str | None = None,
) -> Account:
    """A staff account. unit_code: the unit it acts for.

    Raises Refused("account.username_taken" | "account.weak_password" | "unit.unknown").
    """
    name = _user_name(username)
    refuse_weak_password(name, password)
    if unit_code is not None:
        find_unit(session, unit_code)
    account = Account(
        id=new_id(),
        kind=AccountKind.CONSOLE,
        username=name,
        password_hash=hash_password(password),
        display_name=display_name,
        unit_code=unit_code,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(account)
            session.flush()
    except IntegrityError as error:
        raise Refused("account.username_taken", username=name) from error
    session.add_all(AccountGroup(account_id=account.id, group_key=group) for group in sorted(groups))
    session.flush()
    return account


def reset_password(session: Session, username: str, password: str) -> Account:
    """Give a staff account a new password and lift its lock. Raises Refused("account.unknown" | "account.weak_password")."""
    name = _user_name(username)
    account = session.scalar(select(Account).where(Account.username == name))
    if account is None:
        raise Refused("account.unknown", username=name)
    refuse_weak_password(name, password)
    account.password_hash = hash_password(password)
    account.failures, account.locked_until = 0, None
    session.flush()
    return account


def known_password_hash(session: Session, username: str) -> str:
    """What a password for this user name is held against; for an unknown name a hash that nothing fits."""
    known = session.scalar(select(Account.password_hash).where(Account.username == _user_name(username)))
    return known or hash_of_nobody()


def authenticate_console_account(session: Session, checked: CheckedPassword, now: datetime) -> Account | Refused:
    """The account whose password was checked, or why not: Refused is *returned*, the caller commits, then raises it.

    Raising here would roll the count of failures back with the transaction. Codes: "account.wrong_password" (an unknown
    user name too, after the same work) and "account.locked" (fact `until`; also for a right password while locked).
    Guesses checked side by side are counted one after the other here: the sixth learns nothing, right or wrong.
    """
    account = session.scalar(select(Account).where(Account.username == _user_name(checked.username)).with_for_update())
    if account is None or account.disabled_at is not None:
        return Refused("account.wrong_password")
    if account.locked_until is not None and account.locked_until > now:
        return Refused("account.locked", until=account.locked_until.isoformat())
    if not checked.is_right:
        _count_failure(account, now)
        session.flush()
        return Refused("account.wrong_password")
    if account.password_hash != checked.known_hash:  # replaced while argon2 worked
        return Refused("account.wrong_password")
    account.failures, account.locked_until = 0, None
    if checked.new_hash is not None:
        account.password_hash = checked.new_hash
    session.flush()
    return account


def display_names(session: Session, account_ids: Iterable[str]) -> dict[str, str]:
    """Names of staff by account id; citizens are nameless here and left out."""
    wanted = set(account_ids)
    if not wanted:
        return {}
    staff = select(Account.id, Account.display_name).where(Account.id.in_(wanted), Account.kind == AccountKind.CONSOLE)
    return {row.id: row.display_name for row in session.execute(staff)}


def openid_of(session: Session, account_id: str) -> str | None:
    """Where WeChat messages to this account go; None for staff."""
    account = find_account(session, account_id)
    if account.openid_sealed is None:
        return None
    cipher = vault.current().cipher(session, data_owner(account.id))
    return cipher.decrypt(account.openid_sealed, b"openid").decode()


def data_owner(account_id: str) -> str:
    """Owner of the account's data key in the vault."""
    return f"account:{account_id}"


def phone_hash(number: str) -> str:
    """The keyed hash of a normalised phone, under which accounts are found."""
    return vault.current().master_key.keyed_hash("phone", number)


def bind_phone(session: Session, account_id: str, phone: str) -> None:
    """Keep the phone that WeChat's getPhoneNumber or an SMS code has proved; the person behind the account keeps it too.

    Raises Refused("phone.form"), and KeyMissing for a staff account, which has no data key.
    """
    account = find_account(session, account_id)
    number = normalise_phone(phone)
    keys = vault.current()
    account.phone_sealed = keys.cipher(session, data_owner(account.id)).encrypt(number.encode(), b"phone")
    account.phone_hash = phone_hash(number)
    if account.person_id is not None:
        keep_person_phone(session, account.person_id, number)
    session.flush()


def seat_person(session: Session, account_id: str, person_id: str) -> str | None:
    """The account is this person's from now on; gives its proved phone. Raises Refused("account.unknown")."""
    row = _SEAT.one_or_none(session.connection(), {"account": account_id, "person": person_id})
    if row is None:
        raise Refused("account.unknown", account=account_id)
    held = session.identity_map.get(identity_key(Account, account_id))
    if held is not None:
        session.refresh(held, ["person_id"])
    return None if row.phone_sealed is None else _opened_phone(session, account_id, row.phone_sealed)


def phone_of(session: Session, account_id: str) -> str | None:
    """The account's proved phone, None without one."""
    account = find_account(session, account_id)
    if account.phone_sealed is None:
        return None
    return _opened_phone(session, account_id, account.phone_sealed)


def _opened_phone(session: Session, account_id: str, sealed: bytes) -> str:
    return vault.current().cipher(session, data_owner(account_id)).decrypt(sealed, b"phone").decode()


def _new_wechat_account(session: Session, openid: str, openid_hash: str, now: datetime) -> Account:
    account_id = new_id()
    cipher = vault.current().create_data_key(session, data_owner(account_id), now)
    account = Account(
        id=account_id,
        kind=AccountKind.WECHAT,
        openid_hash=openid_hash,
        openid_sealed=cipher.encrypt(openid.encode(), b"openid"),
        created_at=now,
    )
    session.add(account)
    session.flush()
    return account


def _count_failure(account: Account, now: datetime) -> None:
    account.failures += 1
    if account.failures >= MAX_FAILURES:
        account.failures, account.locked_until = 0, now + LOCKED_FOR


def _user_name(typed: str) -> str:
    return typed.strip().lower()
