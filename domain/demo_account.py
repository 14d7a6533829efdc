"""Accounts for trying the platform out. They exist in a sandbox only; elsewhere they are refused, then disabled for good."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from domain.account import Account, create_console_account


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """password: None where the account was there already (its password is not known any more)."""

    username: str
    password: str | None
    display_name: str
    groups: frozenset[str]


DEMO_ACCOUNTS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("reviewer", "演示审核员", frozenset({"real_name.reviewer"})),
    ("supervisor", "演示审核主管", frozenset({"real_name.reviewer", "real_name.supervisor"})),
    ("admin", "演示管理员", frozenset({"admin"})),
)


def create_demo_accounts(session: Session, now: datetime) -> list[DemoAccount]:
    """Fresh random passwords for those made just now; those that were disabled work again."""
    made = []
    for username, display_name, groups in DEMO_ACCOUNTS:
        password: str | None = None
        known = session.scalar(select(Account).where(Account.username == username))
        if known is None:
            password = "-".join(secrets.token_hex(2) for _ in range(3))
            create_console_account(session, username, password, now, display_name=display_name, groups=groups)
        elif known.display_name == display_name:
            known.disabled_at = None
        made.append(DemoAccount(username, password, display_name, groups))
    session.flush()
    return made


def enabled_demo_accounts(session: Session) -> Sequence[Account]:
    """Demo accounts that may sign in, told from staff of the same user name by the name they are shown with."""
    each = [
        and_(Account.username == username, Account.display_name == display_name)
        for username, display_name, _ in DEMO_ACCOUNTS
    ]
    return session.scalars(select(Account).where(or_(*each), Account.disabled_at.is_(None))).all()


def disable_demo_accounts(session: Session, now: datetime) -> int:
    """Nobody signs in with them any more, and sessions that are open end; returns how many."""
    enabled = enabled_demo_accounts(session)
    for account in enabled:
        account.disabled_at = now
    session.flush()
    return len(enabled)
