"""Who is asking: tokens, cookies and what an account may reach.

A token is 256 random bits that only its holder knows; the table keeps its SHA-256. Citizens send theirs as
`Authorization: Bearer`, the console keeps it in a cookie that scripts cannot read and other sites cannot send.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flask import Request, Response, current_app
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from api.edge.errors import Rejected
from api.edge.model import ApiSession
from config import Settings
from domain.accounts.account import Account, AccountGroup, AccountKind
from domain.acting import Standing, groups_by_standing, is_verified
from engine.actors import Actor
from storage.columns import new_id

COOKIE = "console_session"
CSRF_HEADER = "X-Requested-With"
# WeChat keeps a citizen signed in for a month; the console ends after half an hour unused (MLPS: idle timeout); a phone
# was proved on whatever computer stood at hand, so the portal forgets it within the day.
LASTS: Mapping[AccountKind, timedelta] = {
    AccountKind.WECHAT: timedelta(days=30),
    AccountKind.CONSOLE: timedelta(hours=12),
    AccountKind.PHONE: timedelta(hours=12),
}
IDLE: Mapping[AccountKind, timedelta] = {
    AccountKind.WECHAT: timedelta(days=30),
    AccountKind.CONSOLE: timedelta(minutes=30),
    AccountKind.PHONE: timedelta(hours=2),
}
SEEN_EVERY = timedelta(minutes=2)


class Audience(StrEnum):
    """Whom an operation serves."""

    SIGNED_IN = "signed_in"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Caller:
    """The account behind a request. groups: everything it acts for (domain/acting.py). person_id: of a verified person."""

    session_id: str
    account_id: str
    kind: AccountKind
    display_name: str
    groups: frozenset[str]
    seen_at: datetime
    person_id: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.account_id, self.groups)


def open_session(session: Session, account: Account, now: datetime) -> str:
    """Sign an account in; returns the token, which nothing but its holder keeps. Drops sessions that have expired."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(ApiSession).where(ApiSession.expires_at <= now))
    session.execute(
        insert(ApiSession).values(
            id=new_id(),
            account_id=account.id,
            kind=account.kind,
            token_hash=_hash(token),
            created_at=now,
            seen_at=now,
            expires_at=now + LASTS[account.kind],
        )
    )
    return token


def close_session(session: Session, caller: Caller) -> None:
    session.execute(delete(ApiSession).where(ApiSession.id == caller.session_id))


def close_all_sessions(session: Session, account_id: str) -> None:
    """Sign the account out everywhere."""
    session.execute(delete(ApiSession).where(ApiSession.account_id == account_id))


def identify(session: Session, token: str, audience: Audience, now: datetime) -> Caller:
    """The caller of this token: one SELECT, and up to three more for a verified person or the staff of a unit.

    Raises Rejected: auth.expired, auth.console_only.
    """
    rows = session.execute(
        select(
            ApiSession.id, ApiSession.seen_at, ApiSession.expires_at, Account.id.label("account_id"), Account.kind,
            Account.display_name, Account.disabled_at, Account.person_id, Account.unit_code,
            is_verified().label("is_verified"), AccountGroup.group_key,
        )
        .join(Account, Account.id == ApiSession.account_id)
        .outerjoin(AccountGroup, AccountGroup.account_id == Account.id)
        .where(ApiSession.token_hash == _hash(token))
    ).all()  # fmt: skip
    if not rows:
        raise Rejected("auth.expired")
    found = rows[0]
    kind = AccountKind(found.kind)
    if found.disabled_at is not None or found.expires_at <= now or found.seen_at + IDLE[kind] <= now:
        raise Rejected("auth.expired")
    if audience is Audience.CONSOLE and kind is not AccountKind.CONSOLE:
        raise Rejected("auth.console_only")
    kept = frozenset(row.group_key for row in rows if row.group_key is not None)
    person_id = found.person_id if found.is_verified else None
    groups = kept | groups_by_standing(session, Standing(kind, person_id, found.unit_code))
    return Caller(found.id, found.account_id, kind, found.display_name, groups, found.seen_at, person_id)


def is_use_due(caller: Caller, now: datetime) -> bool:
    return now - caller.seen_at >= SEEN_EVERY


def note_use(session: Session, caller: Caller, now: datetime) -> None:
    """Keep a session that is used from ending as idle. Writes only every SEEN_EVERY."""
    if is_use_due(caller, now):
        session.execute(update(ApiSession).where(ApiSession.id == caller.session_id).values(seen_at=now))


def token_of(request: Request) -> str:
    """The token a request carries. Raises Rejected: auth.required, auth.cross_site (a cookie without the console's header)."""
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        raise Rejected("auth.required")
    if request.method not in {"GET", "HEAD"}:
        refuse_cross_site(request)
    return cookie


def refuse_cross_site(request: Request) -> None:
    """A form on another site can send our cookie at worst, never a header of its own: the header proves our page asked."""
    from_elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
    if from_elsewhere or not request.headers.get(CSRF_HEADER):
        raise Rejected("auth.cross_site")


def hand_cookie(response: Response, token: str) -> None:
    """Give the console its token; unencrypted only where no network is between (loopback)."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LASTS[AccountKind.CONSOLE].total_seconds()),
        secure=not is_loopback(platform_settings()),
        httponly=True,
        samesite="Strict",
        path="/",
    )


def is_loopback(settings: Settings) -> bool:
    return settings.public_host in {"127.0.0.1", "localhost", "::1"}


def platform_settings() -> Settings:
    settings: Settings = current_app.extensions["platform.settings"]
    return settings


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
