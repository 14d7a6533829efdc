"""Accounts for trying the platform out. They exist in a sandbox only; elsewhere they are refused, then disabled for good."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from domain.accounts.account import Account, create_console_account
from domain.units.unit import Unit


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """password: None where the account was there already (its password is not known any more)."""

    username: str
    password: str | None
    display_name: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class DemoRole:
    """unit_code: the unit the account acts for; it is made where that unit is in the register."""

    username: str
    display_name: str
    groups: frozenset[str] = frozenset()
    unit_code: str | None = None


DEMO_ACCOUNTS = (
    DemoRole("reviewer", "演示审核员", frozenset({"real_name.reviewer"})),
    DemoRole("supervisor", "演示审核主管", frozenset({"real_name.reviewer", "real_name.supervisor"})),
    DemoRole("admin", "演示管理员", frozenset({"admin"})),
    DemoRole("hubei", "演示省卫健委", unit_code="420000"),
    DemoRole("wuhan", "演示武汉市卫健委", unit_code="420100"),
    DemoRole("wuchang", "演示武昌区卫健局", unit_code="420106"),
    DemoRole("huangshi", "演示黄石市卫健委", unit_code="420200"),
)


def create_demo_accounts(session: Session, now: datetime) -> list[DemoAccount]:
    """Fresh random passwords for those made just now; those that were disabled work again."""
    made = []
    for role in DEMO_ACCOUNTS:
        if role.unit_code is not None and session.get(Unit, role.unit_code) is None:
            continue
        password: str | None = None
        known = session.scalar(select(Account).where(Account.username == role.username))
        if known is None:
            password = "-".join(secrets.token_hex(2) for _ in range(3))
            create_console_account(
                session,
                role.username,
                password,
                now,
                display_name=role.display_name,
                groups=role.groups,
                unit_code=role.unit_code,
            )
        elif known.display_name == role.display_name:
            known.disabled_at = None
        made.append(DemoAccount(role.username, password, role.display_name, role.groups))
    session.flush()
    return made


def enabled_demo_accounts(session: Session) -> Sequence[Account]:
    """Demo accounts that may sign in, told from staff of the same user name by the name they are shown with."""
    each = [
        and_(Account.username == role.username, Account.display_name == role.display_name) for role in DEMO_ACCOUNTS
    ]
    return session.scalars(select(Account).where(or_(*each), Account.disabled_at.is_(None))).all()


def disable_demo_accounts(session: Session, now: datetime) -> int:
    """Nobody signs in with them any more, and sessions that are open end; returns how many."""
    enabled = enabled_demo_accounts(session)
    for account in enabled:
        account.disabled_at = now
    session.flush()
    return len(enabled)
