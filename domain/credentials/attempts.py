"""Attempts: photos that had to be taken again. A person has a few a day, whatever the number of cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import Date, ForeignKey, Index, String, Table, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from storage.columns import Base, Id, UtcTime, new_id
from storage.deferred_rows import defer_insert, flush_deferred_inserts
from storage.statements import Statement

LOCAL_TIME = ZoneInfo("Asia/Shanghai")


class AttemptKind(StrEnum):
    DOCUMENT = "document"
    FACE = "face"


class Attempt(Base):
    """day: the local day it counts for. number_hash: the document's, so that a second account gives no second round."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index("ix_attempt_account_id_day", "account_id", "day"),
        Index("ix_attempt_number_hash_day", "number_hash", "day"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    number_hash: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[AttemptKind] = mapped_column(String(10))
    day: Mapped[date] = mapped_column(Date)
    counted_at: Mapped[datetime] = mapped_column(UtcTime)


ATTEMPT = cast(Table, Attempt.__table__)
_USED = Statement(
    select(
        *(
            select(func.count())
            .where(owner, ATTEMPT.c.kind == bindparam("of_kind"), ATTEMPT.c.day == bindparam("today"))
            .select_from(ATTEMPT)
            .scalar_subquery()
            for owner in (ATTEMPT.c.account_id == bindparam("account"), ATTEMPT.c.number_hash == bindparam("number"))
        )
    )
)


@dataclass(frozen=True, slots=True)
class Attempts:
    used: int
    limit: int

    @property
    def is_exhausted(self) -> bool:
        return self.used >= self.limit


def local_day(now: datetime) -> date:
    return now.astimezone(LOCAL_TIME).date()


def attempts_today(
    session: Session, account_id: str, number_hash: str, kind: AttemptKind, limit: int, now: datetime
) -> Attempts:
    """Used by this account or for this document today, whichever is more."""
    flush_deferred_inserts(session)
    given = {"account": account_id, "number": number_hash, "of_kind": kind, "today": local_day(now)}
    by_account, by_number = _USED.one(session.connection(), given)
    return Attempts(max(by_account, by_number), limit)


def count_attempt(
    session: Session, account_id: str, number_hash: str, case_id: str, kind: AttemptKind, now: datetime
) -> None:
    """One more photo that could not be used."""
    row = {
        "id": new_id(),
        "account_id": account_id,
        "number_hash": number_hash,
        "case_id": case_id,
        "kind": kind,
        "day": local_day(now),
        "counted_at": now,
    }
    defer_insert(session, ATTEMPT, row)
