"""Notices: messages to people outside the platform. Rows are the outbox; sending them is a worker's periodic job.

At least once: a provider is given the notice's id as idempotency key. The text is encrypted with the case's data key, so
an erased case leaves only that something was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from string import Template
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Table, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id
from storage.deferred_rows import defer_insert

MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=2)


class NoticeState(StrEnum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class Notice(Base):
    """To one account, to a group's inbox, or to a bare phone (SMS codes). next_at: not to be tried before."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("account_id IS NULL OR group_key IS NULL", name="one_recipient"),
        Index("ix_notice_state_next_at", "state", "next_at"),
        Index("ix_notice_account_id_queued_at", "account_id", "queued_at"),
        Index("ix_notice_account_id_id", "account_id", "id"),
        Index("ix_notice_group_key_id", "group_key", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(Id)
    template: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str | None] = mapped_column(ForeignKey(Account.id))
    group_key: Mapped[str | None] = mapped_column(String(80))
    sealed: Mapped[bytes] = mapped_column(Bytes)
    state: Mapped[NoticeState] = mapped_column(String(10), default=NoticeState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcTime)
    queued_at: Mapped[datetime] = mapped_column(UtcTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    sent_by: Mapped[str | None] = mapped_column(String(20))
    error: Mapped[str | None] = mapped_column(String(200))


NOTICE = cast(Table, Notice.__table__)


@dataclass(frozen=True, slots=True)
class NoticeText:
    """phone: only where the notice goes to a bare phone."""

    title: str
    text: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """What a template says. text: `$name` stands for a fact. words: codes among the facts as people read them."""

    title: str
    text: str
    words: Mapping[str, str]


def queue_notice(
    session: Session,
    *,
    case_id: str,
    template: str,
    wording: Wording,
    now: datetime,
    account_id: str | None = None,
    group_key: str | None = None,
    phone: str | None = None,
    facts: Mapping[str, object] | None = None,
) -> str:
    """Put a notice into the outbox; returns its id. It is sent if this transaction commits.

    template: kept with the row. Exactly one of account_id, group_key, phone.
    """
    assert sum(one is not None for one in (account_id, group_key, phone)) == 1, "one recipient"
    notice_id = new_id()
    said = {key: _in_words(value, wording.words) for key, value in (facts or {}).items()}
    content = {"title": wording.title, "text": Template(wording.text).safe_substitute(said), "phone": phone}
    cipher = vault.current().cipher(session, f"case:{case_id}")
    sealed = cipher.encrypt(json.dumps(content, ensure_ascii=False).encode(), _context(notice_id))
    row = {
        "id": notice_id,
        "case_id": case_id,
        "template": template,
        "account_id": account_id,
        "group_key": group_key,
        "sealed": sealed,
        "state": NoticeState.QUEUED,
        "attempts": 0,
        "next_at": now,
        "queued_at": now,
    }
    defer_insert(session, NOTICE, row)
    return notice_id


def lease_notices(session: Session, now: datetime, limit: int) -> list[Notice]:
    """Queued notices that are due, taken for two minutes, so that two workers do not send the same one at once."""
    due = (
        select(Notice)
        .where(Notice.state == NoticeState.QUEUED, Notice.next_at <= now)
        .order_by(Notice.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    leased = list(session.scalars(due))
    for notice in leased:
        notice.attempts += 1
        notice.next_at = now + LEASE
    session.flush()
    return leased


def mend_future_times(session: Session, now: datetime) -> int:
    """Notices queued at a time that is yet to come (the clock was set back) are due now; how many."""
    future = Notice.queued_at > now, Notice.next_at >= Notice.queued_at
    found = select(Notice.id).where(Notice.state == NoticeState.QUEUED, *future).with_for_update(skip_locked=True)
    due = update(Notice).where(Notice.id.in_(found)).values(next_at=now).returning(Notice.id)
    return len(session.execute(due, execution_options={"synchronize_session": False}).all())


def read_notice(session: Session, notice: Notice) -> NoticeText:
    """What it says. Raises vault.KeyDestroyed when the case was erased."""
    cipher = vault.current().cipher(session, f"case:{notice.case_id}")
    content = json.loads(cipher.decrypt(notice.sealed, _context(notice.id)))
    return NoticeText(content["title"], content["text"], content["phone"])


def mark_sent(session: Session, notice_id: str, sent_by: str, now: datetime) -> None:
    """sent_by: the channel (`wechat`, `sms`, `in_app`, `sandbox`)."""
    _settle(session, notice_id, state=NoticeState.SENT, sent_at=now, sent_by=sent_by, error=None)


def mark_failed(session: Session, notice_id: str, error: str, now: datetime) -> None:
    """Tried in vain: again after 1, 2, 4, … minutes, given up after eight attempts. error: no personal data."""
    attempts = session.scalar(select(Notice.attempts).where(Notice.id == notice_id)) or 0
    if attempts >= MAX_ATTEMPTS:
        _settle(session, notice_id, state=NoticeState.FAILED, error=error[:200])
    else:
        _settle(session, notice_id, next_at=now + timedelta(minutes=2 ** max(attempts - 1, 0)), error=error[:200])


def _settle(session: Session, notice_id: str, **values: object) -> None:
    session.execute(update(Notice).where(Notice.id == notice_id, Notice.state == NoticeState.QUEUED).values(**values))


def _in_words(value: object, words: Mapping[str, str]) -> str:
    if isinstance(value, list | tuple):
        return "、".join(words.get(str(item), str(item)) for item in value)
    return "" if value is None else words.get(str(value), str(value))


def _context(notice_id: str) -> bytes:
    return b"notice:" + notice_id.encode()
