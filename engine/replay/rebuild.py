"""The state from the journal alone, and whether everything kept agrees with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases import journal
from engine.cases.case import CASE_COLUMNS, load_machine
from engine.cases.journal import BrokenChain, Entry
from engine.cases.sync import KINDS
from engine.deployment.deploy import find_definition
from engine.errors import Conflict, NotFound
from engine.inputs import CaseMigrated, Input
from engine.machine import Machine, replay
from engine.machine_state import MachineState
from engine.model.definition import DefinitionId
from engine.model.tables import CASE, KEY, WAITING
from engine.replay.carry_over import FindProcess, Walk, first_version
from storage import vault
from storage.statements import AnyRow

BATCH = 200


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """What verify_case() found. chain_break: journal entry that does not hold, None for an intact chain.

    snapshot_differs: the snapshot is not what the journal gives, or neither can be read. waits_differ: addresses whose row
    and wait disagree. is_erased: the data key was destroyed; only the chain could be checked.
    """

    case_id: str
    entries: int
    is_erased: bool = False
    chain_break: int | None = None
    snapshot_differs: bool = False
    waits_differ: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return self.chain_break is None and not self.snapshot_differs and not self.waits_differ


def read_inputs(session: Session, case_id: str) -> list[Input]:
    """The case's journal, decrypted and its chain checked.

    Raises NotFound("case.unknown"), BrokenChain, vault.Tampered, vault.KeyDestroyed for an erased case.
    """
    return _inputs(session, case_row(session, case_id))


def replay_inputs(session: Session, definition_id: str, inputs: Sequence[Input]) -> Machine:
    """The machine after these inputs. definition_id: of the version the case runs on now."""
    if not any(isinstance(given, CaseMigrated) for given in inputs):
        return replay(find_definition(session, DefinitionId(definition_id)).process, inputs)
    return walked(session, definition_id, inputs).course.machine


def walked(session: Session, definition_id: str, inputs: Sequence[Input]) -> Walk:
    """The case's journal walked to its end, with what every input did. Raises what Walk.apply raises."""
    walk = Walk(process_finder(session), first_version(definition_id, inputs))
    for seq, given in enumerate(inputs, 1):
        walk.apply(seq, given)
    return walk


def process_finder(session: Session) -> FindProcess:
    return lambda definition_id: find_definition(session, DefinitionId(definition_id)).process


def verify_case(session: Session, case_id: str) -> CaseVerdict:
    """Check chain, snapshot and waits. Raises NotFound("case.unknown"); everything else is in the verdict.

    A case that moves while it is read is read again: what disagrees then was not written in one transaction.
    """
    while True:
        row = case_row(session, case_id)
        verdict = _verdict(session, row)
        if verdict.is_sound or case_row(session, case_id).revision == row.revision:
            return verdict


def _verdict(session: Session, row: AnyRow) -> CaseVerdict:
    case_id = row.case_id
    entries = journal.read_entries(session, case_id)
    try:
        journal.check_chain(case_id, entries, revision=row.revision, head=row.head)
    except BrokenChain as broken:
        return CaseVerdict(case_id, len(entries), is_erased=row.wrapped is None, chain_break=broken.seq)
    if row.wrapped is None:
        return CaseVerdict(case_id, len(entries), is_erased=True)
    try:
        replayed, kept = _both_states(session, row, entries)
    except (vault.Tampered, Conflict, ValueError, KeyError):
        return CaseVerdict(case_id, len(entries), snapshot_differs=True)
    return CaseVerdict(
        case_id,
        len(entries),
        snapshot_differs=replayed.canonical() != kept.canonical(),
        waits_differ=_differing_waits(session, case_id, replayed),
    )


def verify_journal(session: Session, case_id: str | None = None) -> Iterator[CaseVerdict]:
    """Verdicts of one case, or of all in the order of their ids."""
    if case_id is not None:
        yield verify_case(session, case_id)
        return
    after = ""
    while batch := _ids_after(session, after):
        for found in batch:
            yield verify_case(session, found)
        after = batch[-1]


def _ids_after(session: Session, after: str) -> list[str]:
    return list(session.execute(select(CASE.c.id).where(CASE.c.id > after).order_by(CASE.c.id).limit(BATCH)).scalars())


def case_row(session: Session, case_id: str) -> AnyRow:
    """CASE_COLUMNS of a case. Raises NotFound("case.unknown")."""
    one = select(*CASE_COLUMNS).join(KEY, KEY.c.owner == "case:" + CASE.c.id).where(CASE.c.id == case_id)
    row = session.execute(one).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    return row


def _inputs(session: Session, row: AnyRow) -> list[Input]:
    entries = journal.read_entries(session, row.case_id)
    journal.check_chain(row.case_id, entries, revision=row.revision, head=row.head)
    cipher = vault.current().unwrap(f"case:{row.case_id}", row.wrapped)
    return list(journal.open_inputs(cipher, entries))


def _both_states(session: Session, row: AnyRow, entries: list[Entry]) -> tuple[Machine, Machine]:
    """What the journal gives, and what the snapshot says."""
    cipher = vault.current().unwrap(f"case:{row.case_id}", row.wrapped)
    replayed = replay_inputs(session, row.definition_id, list(journal.open_inputs(cipher, entries)))
    definition = find_definition(session, DefinitionId(row.definition_id))
    return replayed, load_machine(definition, cipher, row.snapshot, row.revision)


def _differing_waits(session: Session, case_id: str, machine: MachineState) -> tuple[str, ...]:
    open_rows = select(WAITING.c.address, WAITING.c.kind, WAITING.c.element).where(
        WAITING.c.case_id == case_id, WAITING.c.closed_at.is_(None)
    )
    rows = {(row.address, row.kind, row.element) for row in session.execute(open_rows)}
    waits = {(wait.address, KINDS[type(wait)].value, wait.element) for wait in machine.waits.values()}
    return tuple(sorted({place[0] for place in rows ^ waits}))
