"""What cases wait for, one row each: work items, jobs, timers, message subscriptions, incidents.

One table, because a step may close and open waits of every kind at once and writes each of both in one statement.
Open rows mirror `machine.waits` (sync.py); closed ones are kept for the case's history.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TextClause,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, Bytes, Id, UtcTime


class WaitKind(StrEnum):
    WORK_ITEM = "WORK_ITEM"  # a user task: somebody is to do something
    JOB = "JOB"  # an asynchronous service task: a worker is to run it
    TIMER = "TIMER"  # an instant is to come
    MESSAGE = "MESSAGE"  # a message or a signal is to come
    INCIDENT = "INCIDENT"  # the element cannot go on: an operator is to look at it


class WorkItemState(StrEnum):
    OPEN = "OPEN"  # for whoever may do it
    CLAIMED = "CLAIMED"  # one person has it
    COMPLETED = "COMPLETED"  # done, and the case moved on with what was given
    CANCELLED = "CANCELLED"  # the case moved on without it: interrupted, skipped, moved or ended


class JobState(StrEnum):
    READY = "READY"  # to be leased from `next_at` on: new, to be tried again, or its lease ran out
    LEASED = "LEASED"  # a worker's until `lease_until`
    DONE = "DONE"  # it gave its result, and the case moved on with it
    FAILED = "FAILED"  # it said no, or was given up: the error's own path, or an incident
    CANCELLED = "CANCELLED"  # the case moved on without it: interrupted, skipped, moved or ended


class WaitState(StrEnum):
    """Of timers (OPEN → FIRED), message subscriptions (OPEN → RECEIVED) and incidents (OPEN → RESOLVED)."""

    OPEN = "OPEN"  # the case still waits
    FIRED = "FIRED"  # the timer was due
    RECEIVED = "RECEIVED"  # the message came
    RESOLVED = "RESOLVED"  # an operator let the element run again
    CANCELLED = "CANCELLED"  # the case moved on without it: interrupted, skipped, moved or ended


def spelled(column: Column[str], value: StrEnum) -> ColumnElement[bool]:
    """`column = 'VALUE'` with the constant in the text: only then can a planner tell that a partial index holds the rows."""
    return column == literal_column(f"'{value.value}'")


def _where(name: str, *columns: str | TextClause, where: str, unique: bool = False) -> Index:
    """An index over open rows only: its size follows what is waiting now, not what ever waited."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


_OPEN_WORK_ITEM = "kind = 'WORK_ITEM' AND closed_at IS NULL"
_OF_A_GROUP = "group_name IS NOT NULL"  # not an applicant's own: those are in nobody's inbox, and they are most

# What the inbox is narrowed to exactly, each with an index of its own (engine/inbox/order.py); the narrowest first.
_RANK = text("(-priority)")
SLOTS = (("element", "facet"), ("element",), ("facet",), ("flow_key",))


def _inbox_index(name: str, *keys: str | TextClause) -> Index:
    """include: what filters and expressions read, so that no row is fetched for them."""
    read = ("state", "priority", "flow_key", "element", "facet", "group_name", "due_at", "created_at")
    return Index(
        name,
        *keys,
        "id",
        postgresql_include=[column for column in read if column not in keys],
        postgresql_where=text(f"{_OPEN_WORK_ITEM} AND {_OF_A_GROUP}"),
        sqlite_where=text(_OPEN_WORK_ITEM),  # SQLite does not see that a slot's value is of a group
    )


def _slot_index(columns: tuple[str, ...]) -> Index:
    slot = " || ' ' || ".join(("group_name", *columns))
    return _inbox_index("_".join(("ix_waiting_inbox", *columns)), text(f"({slot})"), _RANK, "created_at")


class Waiting(Base):
    """`state` is one of the enums above, by `kind`. Columns below a comment are NULL for other kinds."""

    __tablename__ = "waiting"
    __table_args__ = (
        _where("uq_waiting_open", "case_id", "address", where="closed_at IS NULL", unique=True),
        # An inbox is read from these alone; only the rows of one page are looked up.
        _inbox_index("ix_waiting_inbox", "group_name", _RANK, "created_at"),
        *(_slot_index(columns) for columns in SLOTS),
        _inbox_index("ix_waiting_due", "group_name", "due_at"),
        _inbox_index("ix_waiting_age", "group_name", "created_at"),
        _where(
            "ix_waiting_claimed",
            *("group_name", _RANK, "created_at", "id"),
            where="state = 'CLAIMED' AND closed_at IS NULL",
        ),
        _where("ix_waiting_mine", "assignee", "id", where=_OPEN_WORK_ITEM),
        _where(
            "ix_waiting_done",
            *("closed_by", "closed_at"),
            where=f"kind = 'WORK_ITEM' AND closed_at IS NOT NULL AND {_OF_A_GROUP}",
        ),
        # One verified person's own items, open and closed. The query says the same LIKE.
        _where("ix_waiting_personal", "group_name", "case_id", where="group_name LIKE 'person:%'"),
        _where("ix_waiting_message", "message", "correlation", where="kind = 'MESSAGE' AND closed_at IS NULL"),
        _where("ix_waiting_ready", "next_at", where="state = 'READY'"),
        _where("ix_waiting_leased", "lease_until", where="state = 'LEASED'"),
        _where("ix_waiting_timer", "due_at", where="kind = 'TIMER' AND closed_at IS NULL"),
        _where("ix_waiting_stopped", "case_id", where="left_s IS NOT NULL AND closed_at IS NULL"),
        _where("ix_waiting_incident", "id", where="kind = 'INCIDENT' AND closed_at IS NULL"),
        Index(None, "case_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("process_instance.id"))
    flow_key: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(Text)
    element: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)  # work item: should be done; timer: fires
    # timer whose clock stands still, since created_at
    left_s: Mapped[int | None] = mapped_column(Integer)  # what is left of it
    clock: Mapped[str | None] = mapped_column(String(8))  # what that counts: plain, or working time
    # work item
    group_name: Mapped[str | None] = mapped_column(String(200))
    assignee: Mapped[str | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    priority: Mapped[int | None] = mapped_column(Integer)
    facet: Mapped[str | None] = mapped_column(
        String(60)
    )  # what the inbox can be narrowed to, by flow.toml; not personal
    form: Mapped[str | None] = mapped_column(String(100))
    draft: Mapped[bytes | None] = mapped_column(Bytes)  # encrypted with the case's data key
    is_shared: Mapped[bool | None]  # needs no claim: whoever of the group begins has it
    worked_at: Mapped[datetime | None] = mapped_column(UtcTime)  # what its holder did last; an idle claim is returned
    assigned_by: Mapped[str | None] = mapped_column(String(64))  # who gave it to its holder; NULL for one's own claim
    delegated_by: Mapped[str | None] = mapped_column(String(64))  # whose it is again when the delegate is done
    signers: Mapped[str | None] = mapped_column(Text)  # account ids still to sign after the holder, space-separated
    not_by: Mapped[str | None] = mapped_column(Text)  # elements whose completer may not do this one, space-separated
    follow_up_at: Mapped[datetime | None] = mapped_column(UtcTime)  # when its holder means to look again
    # job
    service: Mapped[str | None] = mapped_column(String(100))
    queue: Mapped[str | None] = mapped_column(String(60))
    attempt: Mapped[int | None] = mapped_column(Integer)
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    lease_id: Mapped[str | None] = mapped_column(Id)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    worker: Mapped[str | None] = mapped_column(String(100))
    # message subscription
    message: Mapped[str | None] = mapped_column(String(200))
    correlation: Mapped[str | None] = mapped_column(String(64))  # keyed hash, "" for none
    # incident, and a job's last technical error: what happened, without personal data
    code: Mapped[str | None] = mapped_column(String(100))
    note: Mapped[str | None] = mapped_column(Text)
