"""A hundred thousand open items in one database, written as rows: what a list reads is what matters, not how it came about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

from sqlalchemy import Engine, Table, insert, select
from sqlalchemy.orm import Session, sessionmaker

import vault
from database import new_id, transaction
from domain.documents import DocumentType
from engine.case import CASE, WAITING
from engine.model.definition import ProcessDefinition

DEFINITION = cast(Table, ProcessDefinition.__table__)
KEY = cast(Table, vault.DataKey.__table__)
REVIEWERS, SUPERVISORS = "real_name.reviewer", "real_name.supervisor"
BATCH = 2_000

Row = dict[str, Any]  # Any: column values


def fill_inbox(sessions: sessionmaker[Session], items: int, closed: int, reviewer: str, now: datetime) -> None:
    """Open items of two groups, a tenth of them escalated, a few claimed; and as many closed ones of old cases."""
    chance = random.Random(20260301)
    with sessions() as session:
        definition = session.execute(select(DEFINITION.c.id)).scalar_one()
    rows = _rows(chance, definition, items, closed, reviewer, now)
    while batch := list(islice(rows, BATCH)):
        with transaction(sessions) as session:
            session.execute(insert(CASE), [case for case, _, _ in batch])
            session.execute(insert(KEY), [key for _, key, _ in batch])
            session.execute(insert(WAITING), [wait for _, _, wait in batch])


def refresh_statistics(engine: Engine) -> None:
    """What the databases do by themselves overnight."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")


def _rows(
    chance: random.Random, definition: str, items: int, closed: int, reviewer: str, now: datetime
) -> Iterator[tuple[Row, Row, Row]]:
    for number in range(items + closed):
        is_open = number >= closed
        at = now - timedelta(minutes=(items + closed - number) // 8)
        case_id = new_id()
        yield _case(case_id, definition, at, is_open), _key(case_id, at), _item(chance, case_id, at, reviewer, is_open)


def _case(case_id: str, definition: str, at: datetime, is_open: bool) -> Row:
    return {
        "id": case_id,
        "flow_key": "real_name",
        "definition_id": definition,
        "state": "RUNNING" if is_open else "COMPLETED",
        "outcome": None if is_open else "verified",
        "revision": 1,
        "started_by": case_id,
        "is_exclusive": True,
        "snapshot": b"s" * 500,
        "head": b"h" * 32,
        "last_at": at,
        "created_at": at,
        "ended_at": None if is_open else at,
        "erased_at": None,
    }


def _key(case_id: str, at: datetime) -> Row:
    owner = f"case:{case_id}"
    return {"owner": owner, "wrapped": b"w" * 60, "algorithm": "AES-256-GCM", "created_at": at, "destroyed_at": None}


def _item(chance: random.Random, case_id: str, at: datetime, reviewer: str, is_open: bool) -> Row:
    is_escalated = chance.random() < 0.1
    is_claimed = is_open and chance.random() < 0.002
    row: Row = dict.fromkeys(column.name for column in WAITING.columns)
    element = "review_escalated" if is_escalated else "review"
    return row | {
        "id": new_id(),
        "case_id": case_id,
        "flow_key": "real_name",
        "kind": "WORK_ITEM",
        "address": f"{element}:1",
        "element": element,
        "state": ("CLAIMED" if is_claimed else "OPEN") if is_open else "COMPLETED",
        "created_at": at,
        "closed_at": None if is_open else at,
        "closed_by": None if is_open else reviewer,
        "due_at": at + timedelta(days=1),
        "group_name": SUPERVISORS if is_escalated else REVIEWERS,
        "assignee": reviewer if is_claimed else None,
        "claimed_at": at if is_claimed else None,
        "priority": 80 if is_escalated else 50,
        "form": "review",
        "facet": "passport" if chance.random() < 0.01 else chance.choice(list(DocumentType)).value,
    }
