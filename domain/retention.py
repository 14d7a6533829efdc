"""How long the small rows live that are neither a case's nor a person's: attempts, SMS codes, notices.

Photos and scans have their own dates (flow.toml), cases are erased on their own. Looks at evidence are the audit of who
saw what and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from domain.accounts.sms_code import SmsCode
from domain.credentials.attempts import Attempt
from domain.grants.attempts import FailedAttempt
from domain.notice import Notice, NoticeState
from storage.columns import Base

KEPT: Mapping[type[Base], timedelta] = {
    SmsCode: timedelta(days=2),  # five a day are counted over 24 hours
    Attempt: timedelta(days=30),  # three a day are counted; the rest answers a complaint of the same month
    FailedAttempt: timedelta(days=30),  # five within a day lock; the rest answers a complaint of the same month
    Notice: timedelta(days=180),  # people read them in the application
}


def drop_expired(session: Session, now: datetime, limit: int) -> dict[str, int]:
    """Delete up to `limit` rows of each table that are older than KEPT; returns how many, by table."""
    old: dict[type[Base], ColumnElement[bool]] = {
        SmsCode: SmsCode.sent_at < now - KEPT[SmsCode],
        Attempt: Attempt.counted_at < now - KEPT[Attempt],
        FailedAttempt: FailedAttempt.at < now - KEPT[FailedAttempt],
        # One that is still to be sent is an outbox row, whatever its age.
        Notice: (Notice.queued_at < now - KEPT[Notice]) & (Notice.state != NoticeState.QUEUED),
    }
    dropped = {}
    for table, is_old in old.items():
        key = table.__table__.c.id
        ids = select(key).where(is_old).limit(limit)
        rows = session.execute(delete(table).where(key.in_(ids)).returning(key)).all()
        dropped[table.__tablename__] = len(rows)
    return dropped
