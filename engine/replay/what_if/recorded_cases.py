"""Cases of a flow with their journals, read many at a time: what what-if runs on. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from engine.cases.journal import JOURNAL, decode_input, payload_context
from engine.inputs import Input
from engine.model.instance import CaseState
from engine.model.tables import CASE, KEY, WAITING
from engine.model.waiting_row import WaitKind, WorkItemState
from storage import vault

BATCH = 100

_STANDS = (WaitKind.WORK_ITEM, WaitKind.JOB, WaitKind.INCIDENT)


@dataclass(slots=True)
class RecordedCase:
    """inputs: empty where the case is erased or its journal cannot be read (`is_readable`).

    standing: elements it stands at, empty when it has ended. work: items of groups, by element, completed or open.
    until: timers due by then have fired.
    """

    id: str
    definition_id: str
    is_ended: bool
    outcome: str
    is_erased: bool
    until: datetime
    is_readable: bool = True
    inputs: list[Input] = field(default_factory=list, repr=False)
    standing: tuple[str, ...] = ()
    work: Counter[str] = field(default_factory=Counter)


def cases_of(session: Session, flow_key: str, since: datetime | None, limit: int | None) -> list[str]:
    """Ids of the flow's cases, newest first."""
    wanted = select(CASE.c.id).where(CASE.c.flow_key == flow_key).order_by(CASE.c.id.desc())
    wanted = wanted if since is None else wanted.where(CASE.c.created_at >= since)
    return list(session.execute(wanted if limit is None else wanted.limit(limit)).scalars())


def read_cases(session: Session, ids: Sequence[str], now: datetime) -> Iterator[RecordedCase]:
    """In the order of their ids; three statements for each BATCH."""
    for start in range(0, len(ids), BATCH):
        yield from _read(session, ids[start : start + BATCH], now)


def _read(session: Session, ids: Sequence[str], now: datetime) -> list[RecordedCase]:
    found: dict[str, RecordedCase] = {}
    ciphers: dict[str, vault.DataCipher] = {}
    names = ("id", "definition_id", "state", "outcome", "ended_at", "last_at", "revision")
    rows = select(*(CASE.c[name] for name in names), KEY.c.wrapped).join(KEY, KEY.c.owner == "case:" + CASE.c.id)
    revisions: dict[str, int] = {}
    for row in session.execute(rows.where(CASE.c.id.in_(ids)).order_by(CASE.c.id)):
        is_ended = row.ended_at is not None
        until = row.last_at if is_ended or row.state == CaseState.SUSPENDED else max(now, row.last_at)
        is_erased = row.wrapped is None
        found[row.id] = RecordedCase(row.id, row.definition_id, is_ended, row.outcome or "", is_erased, until)
        revisions[row.id] = row.revision
        if not is_erased:
            ciphers[row.id] = vault.current().unwrap(f"case:{row.id}", row.wrapped)
    _add_waits(session, found)
    _add_inputs(session, found, ciphers)
    for case in found.values():
        case.is_readable = not case.is_erased and len(case.inputs) == revisions[case.id]
    return list(found.values())


def _add_inputs(session: Session, found: dict[str, RecordedCase], ciphers: dict[str, vault.DataCipher]) -> None:
    columns = (JOURNAL.c.case_id, JOURNAL.c.seq, JOURNAL.c.kind, JOURNAL.c.payload)
    entries = select(*columns).where(JOURNAL.c.case_id.in_(ciphers)).order_by(JOURNAL.c.case_id, JOURNAL.c.seq)
    for case_id, seq, kind, payload in session.execute(entries):
        inputs = found[case_id].inputs
        if len(inputs) != seq - 1:
            continue  # an entry before it is missing or does not open
        try:
            inputs.append(decode_input(kind, ciphers[case_id].decrypt(payload, payload_context(seq))))
        except (vault.Tampered, KeyError, ValueError):
            continue


def _add_waits(session: Session, found: dict[str, RecordedCase]) -> None:
    """What it stands at, work of groups, and the first timer that is due but has not fired yet."""
    is_open = WAITING.c.closed_at.is_(None)
    is_done = and_(WAITING.c.kind == WaitKind.WORK_ITEM, WAITING.c.state == WorkItemState.COMPLETED)
    columns = [WAITING.c[name] for name in ("case_id", "kind", "element", "group_name", "due_at", "closed_at")]
    waits = select(*columns).where(WAITING.c.case_id.in_(found), or_(is_open, is_done))
    standing: dict[str, set[str]] = {}
    listening: dict[str, set[str]] = {}
    for wait in session.execute(waits):
        case = found[wait.case_id]
        if wait.kind == WaitKind.WORK_ITEM and wait.group_name is not None:
            case.work[wait.element] += 1
        if wait.closed_at is None:
            (standing if wait.kind in _STANDS else listening).setdefault(case.id, set()).add(wait.element)
            # A clock that stands still has no instant: it is not due before what makes it go on.
            if wait.kind == WaitKind.TIMER and wait.due_at is not None and wait.due_at <= case.until:
                case.until = wait.due_at - timedelta(microseconds=1)
    for case in found.values():
        if not case.is_ended:
            case.standing = tuple(sorted(standing.get(case.id) or listening.get(case.id) or set()))
