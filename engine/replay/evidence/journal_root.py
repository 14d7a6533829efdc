"""Daily signed roots over the heads of all journals: the chain of one case cannot tell that its end was cut off.

A root is an HMAC over the heads of every case that moved since the root before, and over that root. Whoever restores an
older case row and drops the entries after it contradicts a head; whoever changes a head as well contradicts its root, and
cannot make a new one without the master key. A copy of the newest root kept elsewhere covers the roots themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Table, exists, insert, or_, select
from sqlalchemy.orm import Session

from engine.cases.journal import GENESIS, JOURNAL
from engine.language.dates import LOCAL_TIME
from engine.model.journal_check import JournalHead, JournalRoot
from engine.model.tables import CASE
from storage import vault

ROOT = cast(Table, JournalRoot.__table__)
HEAD = cast(Table, JournalHead.__table__)

BATCH = 1_000

Head = tuple[str, int, bytes]  # case id, seq, digest


@dataclass(frozen=True, slots=True)
class LostEntry:
    """A root of `day` says that entry `seq` of the case's journal was there, with a digest that is not there now."""

    case_id: str
    seq: int
    day: date


def make_root(session: Session, now: datetime) -> date | None:
    """Make the root of today (in Shanghai) unless there is one. Returns its day, None where it exists already."""
    day = now.astimezone(LOCAL_TIME).date()
    last = session.execute(select(ROOT.c.day, ROOT.c.root).order_by(ROOT.c.day.desc()).limit(1)).one_or_none()
    if last is not None and last.day >= day:
        return None
    previous = last.root if last is not None else GENESIS
    known = exists().where(HEAD.c.case_id == CASE.c.id, HEAD.c.seq == CASE.c.revision, HEAD.c.digest == CASE.c.head)
    moved = select(CASE.c.id, CASE.c.revision, CASE.c.head).where(~known).order_by(CASE.c.id)
    heads: list[Head] = [tuple(row) for row in session.execute(moved)]
    for start in range(0, len(heads), BATCH):
        rows = [{"day": day, "case_id": c, "seq": s, "digest": d} for c, s, d in heads[start : start + BATCH]]
        session.execute(insert(HEAD), rows)
    root = _root(previous, day, heads)
    session.execute(insert(ROOT).values(day=day, at=now, previous=previous, heads=len(heads), root=root))
    return day


def newest_root(session: Session) -> tuple[date, bytes] | None:
    row = session.execute(select(ROOT.c.day, ROOT.c.root).order_by(ROOT.c.day.desc()).limit(1)).one_or_none()
    return None if row is None else (row.day, row.root)


def broken_roots(session: Session, expected: bytes | None = None) -> Iterator[str]:
    """Days (ISO) whose root is not that of their heads and the root before. expected: a root known from elsewhere;

    where no day has it, its hex digits come last.
    """
    previous, is_there = GENESIS, expected is None
    for row in session.execute(select(ROOT).order_by(ROOT.c.day)).all():
        kept = select(HEAD.c.case_id, HEAD.c.seq, HEAD.c.digest).where(HEAD.c.day == row.day).order_by(HEAD.c.case_id)
        heads: list[Head] = [tuple(head) for head in session.execute(kept)]
        is_whole = row.previous == previous and row.heads == len(heads)
        if not is_whole or row.root != _root(previous, row.day, heads):
            yield row.day.isoformat()
        is_there = is_there or row.root == expected
        previous = row.root
    if not is_there and expected is not None:
        yield expected.hex()


def lost_entries(session: Session, case_id: str | None = None) -> list[LostEntry]:
    """Entries that a root covers and a journal has not, or has with another digest; the first of each case."""
    same = (JOURNAL.c.case_id == HEAD.c.case_id) & (JOURNAL.c.seq == HEAD.c.seq)
    lost = (
        select(HEAD.c.case_id, HEAD.c.seq, HEAD.c.day)
        .outerjoin(JOURNAL, same)
        .where(or_(JOURNAL.c.digest.is_(None), JOURNAL.c.digest != HEAD.c.digest))
        .order_by(HEAD.c.case_id, HEAD.c.seq)
    )
    lost = lost if case_id is None else lost.where(HEAD.c.case_id == case_id)
    first: dict[str, LostEntry] = {}
    for row in session.execute(lost):
        first.setdefault(row.case_id, LostEntry(row.case_id, row.seq, row.day))
    return list(first.values())


def _root(previous: bytes, day: date, heads: Iterable[Head]) -> bytes:
    summed = hashlib.sha256()
    for case_id, seq, digest in heads:
        summed.update(f"{case_id} {seq} ".encode() + digest)
    return vault.current().master_key.mac("journal root", previous + day.isoformat().encode() + summed.digest())
