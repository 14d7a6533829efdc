"""How long the engine's rows live that belong to no case's journal: messages that are over, copies, what-if runs, firings.

What was over with a message leaves the hash of its de-duplication key behind, so that a late duplicate is still none. A
message nobody took stays until an operator has seen to it. Journals, waits, events and proposals are the audit and stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, delete, exists, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from engine.cases.outbox import KEY, OUTBOX, key_hash
from engine.deployment.start_timers import FIRING
from engine.model.outbox import OutboxState
from engine.model.tables import CASE
from engine.model.what_if import WhatIfRun
from engine.model.work_item import WorkItemCopy
from storage import vault

COPY = cast(Table, WorkItemCopy.__table__)
RUN = cast(Table, WhatIfRun.__table__)
DATA_KEY = cast(Table, vault.DataKey.__table__)

KEPT_MESSAGES = timedelta(days=30)  # delivered or dismissed: who asks where a message went asks within a month
KEPT_KEYS = timedelta(days=400)  # after that: a sender that repeats itself does so within the year
KEPT_COPIES = timedelta(days=180)  # after the case's end, as notices are kept
KEPT_RUNS = timedelta(days=180)
KEPT_FIRINGS = timedelta(days=400)  # of a timer that begins cases: last year's instant is still seen beside this year's


def drop_what_is_over(session: Session, now: datetime, limit: int) -> Mapping[str, int]:
    """Delete up to `limit` rows of each table that have had their time; returns how many, by table."""
    return {
        "outbox": _drop_messages(session, now, limit),
        "outbox_key": _drop(session, KEY, KEY.c.kept_until <= now, limit),
        "work_item_copy": _drop_copies(session, now, limit),
        "what_if_run": _drop(session, RUN, RUN.c.finished_at <= now - KEPT_RUNS, limit),
        "start_firing": _drop_firings(session, now, limit),
    }


def _drop_messages(session: Session, now: datetime, limit: int) -> int:
    is_over = OUTBOX.c.state.in_((OutboxState.DELIVERED, OutboxState.DISMISSED))
    old = select(OUTBOX.c.id).where(is_over, OUTBOX.c.closed_at <= now - KEPT_MESSAGES).order_by(OUTBOX.c.closed_at)
    gone = session.execute(
        delete(OUTBOX)
        .where(OUTBOX.c.id.in_(old.limit(limit)))
        .returning(OUTBOX.c.id, OUTBOX.c.dedup_key, OUTBOX.c.closed_at)
    ).all()
    if not gone:
        return 0
    keys = [
        {
            "key_hash": key_hash(row.dedup_key),
            "message_id": row.id,
            "kept_until": row.closed_at + KEPT_MESSAGES + KEPT_KEYS,
        }
        for row in gone
    ]
    dialect: Any = (
        sqlite if session.connection().dialect.name == "sqlite" else postgresql
    )  # Any: two modules of one shape
    session.execute(dialect.insert(KEY).on_conflict_do_nothing(index_elements=[KEY.c.key_hash]), keys)
    # Those that had a data key of their own: it was destroyed when they were over, its row says nothing any more.
    owners = [f"outbox:{row.id}" for row in gone]
    session.execute(delete(DATA_KEY).where(DATA_KEY.c.owner.in_(owners), DATA_KEY.c.wrapped.is_(None)))
    return len(gone)


def _drop_copies(session: Session, now: datetime, limit: int) -> int:
    """A copy lets somebody look at its case: no longer than KEPT_COPIES after the case has ended."""
    over = select(COPY.c.item_id).join(CASE, CASE.c.id == COPY.c.case_id).where(CASE.c.ended_at <= now - KEPT_COPIES)
    return _drop(session, COPY, COPY.c.item_id.in_(over.limit(limit)), limit)


def _drop_firings(session: Session, now: datetime, limit: int) -> int:
    """A timer's last one stays, however old: it says what came of it. Earlier ones are looked at by no timer any more."""
    later = FIRING.alias("later")
    key = (FIRING.c.flow_key, FIRING.c.element, FIRING.c.due_at)
    is_followed = exists().where(
        later.c.flow_key == FIRING.c.flow_key, later.c.element == FIRING.c.element, later.c.due_at > FIRING.c.due_at
    )
    old = select(*key).where(FIRING.c.due_at <= now - KEPT_FIRINGS, is_followed).limit(limit)
    return len(session.execute(delete(FIRING).where(tuple_(*key).in_(old)).returning(FIRING.c.element)).all())


def _drop(session: Session, table: Table, is_old: Any, limit: int) -> int:  # Any: a condition
    key = next(iter(table.primary_key))
    ids = select(key).where(is_old).limit(limit)
    return len(session.execute(delete(table).where(key.in_(ids)).returning(key)).all())
