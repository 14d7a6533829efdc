"""The one way a case changes: lock → load → apply → sync → save. Nothing here commits.

    with open_case(session, case_id, now=now) as case:
        case.apply(CaseCancelled(at=case.instant, by=actor.id, reason=reason))

Timers that are due fire first. In-transaction service tasks run where the token reaches them, each in a savepoint; what
they give is journalled like anything else that came in. At most 8 statements a step, the tasks' own aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from engine.cases import journal, sync
from engine.cases.dispatching import dispatch_after_commit
from engine.cases.in_transaction import InTransaction, answer_of, first_in_transaction
from engine.cases.outbox import hurry_awaited, send_thrown
from engine.cases.saving import StepRows, insert_case, save_rows
from engine.deployment.deploy import Definition, find_definition
from engine.errors import Conflict, NotFound
from engine.inputs import CaseCancelled, Input, JobFailed, JobGivenUp, JobSucceeded, Started, TimerFired, Variables
from engine.machine import ActivityEvent, Applied, Machine, SentMessage
from engine.model.definition import DefinitionId
from engine.model.instance import CaseState
from engine.model.tables import CASE, KEY, WAITING
from engine.model.waiting_row import WaitKind
from engine.services.registry import declared_service_tasks
from engine.waits import Wait
from storage import vault
from storage.deferred_rows import NewRow
from storage.statements import AnyRow, Statement

# Timers and in-transaction tasks one transaction may take: a short cycle in a case that slept for a month must not hold
# its lock for minutes. The rest fires in the transactions of fire_due_timers().
MAX_DERIVED = 200
_ANSWERS = (JobSucceeded, JobFailed, JobGivenUp)

CASE_COLUMNS = [
    CASE.c.id.label("case_id"),
    CASE.c.definition_id,
    CASE.c.state.label("case_state"),
    CASE.c.revision,
    CASE.c.started_by,
    CASE.c.snapshot,
    CASE.c.head,
    KEY.c.wrapped,
]
# What verbs look at of the wait they came by: to read all forty columns took half of the lock's time in Python.
WAIT_COLUMNS = (
    *("id", "kind", "address", "element", "state", "closed_at", "closed_by"),
    *("group_name", "assignee", "is_shared", "assigned_by", "delegated_by", "signers", "not_by", "draft"),
    *("service", "attempt", "next_at", "lease_id", "note"),
)
_CASES = select(*CASE_COLUMNS).join(KEY, KEY.c.owner == "case:" + CASE.c.id)
# NO KEY UPDATE: rows that refer to the case (an event of a work item) may be written meanwhile by who holds a work item's lock.
_LOCK = Statement(_CASES.where(CASE.c.id == bindparam("one")).with_for_update(of=(CASE, KEY), key_share=True))
# The case comes first in the lock order: a step holds it and then changes rows of `waiting`.
_LOCK_WAIT = Statement(
    _CASES.add_columns(*(WAITING.c[name] for name in WAIT_COLUMNS))
    .join(WAITING, WAITING.c.case_id == CASE.c.id)
    .where(WAITING.c.id == bindparam("one"), WAITING.c.kind == bindparam("kind"))
    .with_for_update(of=(CASE, KEY, WAITING), key_share=True)
)


@dataclass(slots=True)
class OpenCase:
    """A locked case. `row` is what it was locked with (a case alone, or a wait's row with its case)."""

    session: Session
    id: str
    definition: Definition
    started_by: str
    now: datetime
    cipher: vault.DataCipher
    machine: Machine | None
    revision: int
    head: bytes
    row: AnyRow | None = None
    unsaved: NewRow | None = None  # of a case that begins: its row is inserted with its first step
    inputs: list[Input] = field(default_factory=list)
    activities: list[ActivityEvent] = field(default_factory=list)
    sent: list[tuple[int, SentMessage]] = field(default_factory=list)  # seq of the input that threw it
    waits_before: dict[str, Wait] = field(default_factory=dict)
    variables_before: Variables = field(default_factory=dict)

    @property
    def instant(self) -> datetime:
        """The `at` of an input that comes in now: time never runs backwards within a case."""
        return self.now if self.machine is None else max(self.now, self.machine.at)

    def apply(self, given: Input) -> None:
        """Due timers, then `given`, then what in-transaction service tasks answer.

        Raises Conflict ("wait.gone", "case.ended", …) and the transaction must be given up.
        """
        if self.machine is None:
            assert isinstance(given, Started), "a case begins with Started"
            self.machine, applied = Machine.start(self.definition.process, given)
            self._note(given, applied)
        else:
            self.fire_due_timers(given.at)
            self._step(given)
        self._run_in_transaction_tasks()

    def fire_due_timers(self, until: datetime) -> None:
        """Every timer due at or before `until`, in due order; Conflict("case.timers_pending") when there are too many."""
        if self.fire_some_due_timers(until):
            raise Conflict("case.timers_pending", case=self.id)

    def fire_some_due_timers(self, until: datetime) -> bool:
        """As fire_due_timers(); True when more are due than one transaction may take."""
        while not self.live.is_ended and (due := self.live.due_before(until)):
            if len(self.inputs) >= MAX_DERIVED:
                return True
            self._step(TimerFired(at=max(due[0].due, self.live.at), wait=due[0].address, noticed=until))
            self._run_in_transaction_tasks()
        return False

    @property
    def live(self) -> Machine:
        """The machine of a case that has started."""
        assert self.machine is not None, "the case has not started"
        return self.machine

    def _step(self, given: Input) -> None:
        self._note(given, self.live.apply(given))

    def _note(self, given: Input, applied: Applied) -> None:
        self.inputs.append(given if given.computed == applied.computed else replace(given, computed=applied.computed))
        self.activities.extend(applied.activities)
        self.sent.extend((self.revision + len(self.inputs), thrown) for thrown in applied.sent)

    def _run_in_transaction_tasks(self) -> None:
        declared = declared_service_tasks()
        while (found := first_in_transaction(self.live, declared)) is not None:
            wait, task = found
            self._insert_row()
            if len(self.inputs) < MAX_DERIVED:
                context = InTransaction(
                    self.session, self.id, self.started_by, self._acted_by(), self.now, self.definition
                )
                self._step(answer_of(task, wait, context, at=self.live.at))
            else:
                self._step(JobGivenUp(at=self.live.at, wait=wait.address, reason="too many tasks in one transaction"))

    def _insert_row(self) -> None:
        """In-transaction service tasks may write rows that refer to the case."""
        if self.unsaved is not None:
            insert_case(self.session, self.unsaved)
            self.unsaved = None

    def _acted_by(self) -> str:
        """Who gave the input that this run answers; what in-transaction tasks answered since is nobody's act."""
        moved = next((given for given in reversed(self.inputs) if not isinstance(given, _ANSWERS)), None)
        return journal.actor_of(moved) if moved is not None else ""


@contextmanager
def open_case(session: Session, case_id: str, *, now: datetime) -> Iterator[OpenCase]:
    """Lock the case and hand it out; what was applied is saved at the end, nothing when the block raises.

    Raises NotFound("case.unknown"), Conflict("case.erased").
    """
    row = _LOCK.one_or_none(session.connection(), {"one": case_id})
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    yield from _saved(_opened(session, row, now))


@contextmanager
def open_case_of(session: Session, waiting_id: str, kind: WaitKind, *, now: datetime) -> Iterator[OpenCase]:
    """As open_case(), by the id of one of the case's waits; its row is `case.row`, locked as well.

    Raises NotFound("wait.unknown") unless there is a wait of that id and kind, open or closed.
    """
    row = _LOCK_WAIT.one_or_none(session.connection(), {"one": waiting_id, "kind": kind})
    if row is None:
        raise NotFound("wait.unknown", wait=waiting_id)
    yield from _saved(_opened(session, row, now))


def begin_case(session: Session, row: NewRow, definition: Definition, cipher: vault.DataCipher, given: Started) -> None:
    """Apply Started to a case that has no row yet, and save it. row: as it would be before its first input.

    Raises IntegrityError where the index of running cases refuses it.
    """
    case = OpenCase(session, row["id"], definition, given.by, given.at, cipher, None, 0, journal.GENESIS, unsaved=row)
    case.apply(given)
    _save(case)


def load_machine(definition: Definition, cipher: vault.DataCipher, snapshot: bytes, revision: int) -> Machine:
    """The machine as a case row keeps it. Raises vault.Tampered."""
    return Machine.load(definition.process, cipher.decrypt(snapshot, _context(revision)))


def _opened(session: Session, row: AnyRow, now: datetime) -> OpenCase:
    try:
        cipher = vault.current().unwrap(f"case:{row.case_id}", row.wrapped)
    except vault.KeyDestroyed as gone:
        raise Conflict("case.erased", case=row.case_id) from gone
    vault.current().hold(session, cipher)
    definition = find_definition(session, DefinitionId(row.definition_id))
    machine = load_machine(definition, cipher, row.snapshot, row.revision)
    case = OpenCase(session, row.case_id, definition, row.started_by, now, cipher, machine, row.revision, row.head, row)
    case.waits_before = dict(machine.waits)
    case.variables_before = {name: machine.variables.get(name) for name in definition.config.variables.search}
    return case


def _saved(case: OpenCase) -> Iterator[OpenCase]:
    yield case
    if case.inputs:
        _save(case)


def _save(case: OpenCase) -> None:
    machine = case.live
    entries = journal.seal_inputs(case.cipher, case.id, case.inputs, after=case.revision, head=case.head)
    step = sync.Step(
        case_id=case.id,
        definition=case.definition,
        started_by=case.started_by,
        now=case.now,
        before=case.waits_before,
        after=machine.waits,
        inputs=case.inputs,
        variables=machine.variables,
        view_of=machine.view_of,
    )
    closings, opened = sync.changed_waits(step)
    rows = StepRows(
        case_id=case.id,
        seen=case.revision,
        case={**(case.unsaved or {}), **_new_values(case, machine, entries[-1])},
        is_new=case.unsaved is not None,
        journal=journal.entry_rows(case.id, entries),
        activities=sync.activity_rows(case.id, case.activities, seq=case.revision + 1),
        closings=closings,
        opened=opened,
        search=sync.search_rows(step, case.variables_before),
    )
    if not save_rows(case.session, rows):  # only where the caller does not lock (SQLite without transaction())
        raise Conflict("case.changed_meanwhile", case=case.id)
    for number, (seq, thrown) in enumerate(case.sent):
        send_thrown(case.session, case.id, thrown, dedup_key=f"{case.id}:{seq}:{number}", now=case.now)
    # Only a correlated message can have come before anybody waited for it without being told where to go.
    hurry_awaited(case.session, sync.newly_awaited(opened), case.now)
    dispatch_after_commit(case.session, sync.new_jobs(opened))


def _new_values(case: OpenCase, machine: Machine, last: journal.Entry) -> dict[str, Any]:  # Any: column values
    state = CaseState.SUSPENDED if machine.is_suspended else CaseState.RUNNING
    if machine.is_ended:
        cancelled = any(isinstance(given, CaseCancelled) for given in case.inputs)
        state = CaseState.CANCELLED if cancelled else CaseState.COMPLETED
    return {
        "state": state,
        "outcome": machine.outcome,
        "revision": last.seq,
        "snapshot": case.cipher.encrypt(machine.dump(), _context(last.seq)),
        "head": last.digest,
        "last_at": machine.at,
        "ended_at": machine.at if machine.is_ended else None,
    }


def _context(revision: int) -> bytes:
    return b"snapshot:%d" % revision
