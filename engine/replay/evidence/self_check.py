"""Self-check: does everything that is kept agree with the journals, and where does it first not?

Reading and telling are apart: `check_case` only reads; `record_findings` keeps what was found for operators.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.orm import Session

from engine.cases import journal
from engine.cases.case import load_machine
from engine.deployment.deploy import find_definition
from engine.errors import Conflict
from engine.inputs import Input
from engine.machine import Machine
from engine.model.definition import DefinitionId
from engine.model.journal_check import JournalFinding
from engine.model.tables import CASE
from engine.replay.carry_over import Walk, first_version
from engine.replay.evidence.journal_root import broken_roots, lost_entries
from engine.replay.rebuild import CaseVerdict, case_row, process_finder, verify_case, verify_journal
from engine.spiff.rules.snapshot import from_bytes
from engine.waits import element_of
from storage import vault
from storage.columns import new_id

FINDING = cast(Table, JournalFinding.__table__)

Facts = dict[tuple[str, str], Any]  # Any: JSON
TOLD = {
    "chain": "流水的哈希链在此处断开：这一条被改动、缺失或移位",
    "snapshot": "保存的状态与由流水重建的状态不同",
    "waits": "等待行与由流水重建的等待不同",
    "head": "流水少于或不同于当日的根所记",
    "root": "当日的根与其所记的流水头不符",
}
NEWER = "由较新版本的程序写入，本版本不能核对：请先升级"


@dataclass(frozen=True, slots=True)
class Finding:
    """Columns of JournalFinding. seq: the first input that differs."""

    kind: str
    case_id: str | None = None
    seq: int | None = None
    element: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaseCheck:
    verdict: CaseVerdict
    findings: tuple[Finding, ...]


def check_case(session: Session, case_id: str) -> CaseCheck:
    """Chain, snapshot and waits of one case. Raises NotFound("case.unknown")."""
    return _explained(session, verify_case(session, case_id))


def check_cases(session: Session, sample: int | None = None) -> Iterator[CaseCheck]:
    """All cases in the order of their ids, or `sample` of them by chance."""
    if sample is None:
        yield from (_explained(session, verdict) for verdict in verify_journal(session))
        return
    drawn = session.execute(select(CASE.c.id).order_by(func.random()).limit(sample)).scalars().all()
    for case_id in sorted(drawn):
        yield check_case(session, case_id)


def count_cases(session: Session) -> int:
    """How many check_cases() goes through without a sample."""
    return session.execute(select(func.count()).select_from(CASE)).scalar_one()


def check_roots(session: Session, case_id: str | None = None, expected: bytes | None = None) -> list[Finding]:
    """Roots that do not hold, and journals that are not what a root says. expected: see broken_roots()."""
    found = [Finding("root", note=f"{TOLD['root']}：{day}") for day in broken_roots(session, expected)]
    for lost in lost_entries(session, case_id):
        note = f"{TOLD['head']}（{lost.day.isoformat()}）"
        found.append(Finding("head", lost.case_id, lost.seq, note=note))
    return found


def record_findings(session: Session, checked: Iterable[str], found: Iterable[Finding], now: datetime) -> None:
    """Keep what was found; open findings of `checked` cases (and of roots) that were not found again are resolved."""
    cases = sorted(set(checked))
    seen = {(one.case_id, one.kind): one for one in found}
    is_open = FINDING.c.resolved_at.is_(None)
    rows = session.execute(select(FINDING.c.id, FINDING.c.case_id, FINDING.c.kind).where(is_open)).all()
    for row in rows:
        again = seen.pop((row.case_id, row.kind), None)
        here = update(FINDING).where(FINDING.c.id == row.id)
        if again is not None:
            session.execute(here.values(seen_at=now, seq=again.seq, element=again.element, note=again.note))
        elif row.case_id is None or row.case_id in cases:
            session.execute(here.values(resolved_at=now))
    for one in seen.values():
        values = {"case_id": one.case_id, "kind": one.kind, "seq": one.seq, "element": one.element, "note": one.note}
        session.execute(insert(FINDING).values(id=new_id(), found_at=now, seen_at=now, resolved_at=None, **values))


def open_findings(session: Session, *, limit: int = 200) -> list[JournalFinding]:
    """What the self-check found and has not found in order since, newest first."""
    wanted = select(JournalFinding).where(FINDING.c.resolved_at.is_(None)).order_by(FINDING.c.id.desc()).limit(limit)
    return list(session.execute(wanted).scalars())


def _explained(session: Session, verdict: CaseVerdict) -> CaseCheck:
    found: list[Finding] = []
    if verdict.chain_break is not None:
        found.append(Finding("chain", verdict.case_id, verdict.chain_break, note=TOLD["chain"]))
    if verdict.snapshot_differs or verdict.waits_differ:
        found.extend(_differences(session, verdict))
    return CaseCheck(verdict, tuple(found))


def _differences(session: Session, verdict: CaseVerdict) -> Iterator[Finding]:
    case_id = verdict.case_id
    row = case_row(session, case_id)
    try:
        cipher = vault.current().unwrap(f"case:{case_id}", row.wrapped)
        inputs = list(journal.open_inputs(cipher, journal.read_entries(session, case_id)))
    except vault.Tampered:
        yield Finding("snapshot", case_id, note="流水无法解密")
        return
    except Conflict:
        yield Finding("snapshot", case_id, note=NEWER)
        return
    trace = _Trace(Walk(process_finder(session), first_version(row.definition_id, inputs)), inputs)
    if verdict.snapshot_differs:
        kept: Machine | None = None
        try:
            kept = load_machine(
                find_definition(session, DefinitionId(row.definition_id)), cipher, row.snapshot, row.revision
            )
        except (vault.Tampered, ValueError, KeyError):
            yield Finding("snapshot", case_id, trace.stopped_at, note="保存的状态无法读取")
        except Conflict:
            yield Finding("snapshot", case_id, note=NEWER)
        if kept is not None:
            seq, element = trace.first_difference(_facts(kept))
            yield Finding("snapshot", case_id, seq, element, TOLD["snapshot"])
    if verdict.waits_differ:
        seq, element = trace.first_change(("waits", address) for address in verdict.waits_differ)
        yield Finding("waits", case_id, seq, element, f"{TOLD['waits']}：{'、'.join(verdict.waits_differ)}")


class _Trace:
    """What the journal gives, input by input: which input each fact of the state comes from."""

    def __init__(self, walk: Walk, inputs: list[Input]) -> None:
        self.states: list[Facts] = []
        self.changed: dict[tuple[str, str], int] = {}
        self.stopped_at: int | None = None  # the input that could not be applied any more
        before: Facts = {}
        for seq, given in enumerate(inputs, 1):
            try:
                walk.apply(seq, given)
            except (Conflict, ValueError, KeyError):
                self.stopped_at = seq
                return
            facts = _facts(walk.course.machine)
            for key in facts.keys() | before.keys():
                if key not in facts or key not in before or facts[key] != before[key]:
                    self.changed[key] = seq
            self.states.append(facts)
            before = facts

    def first_difference(self, kept: Facts) -> tuple[int | None, str]:
        """The first input whose effect is not in `kept`, and its element."""
        if self.stopped_at is not None:
            return self.stopped_at, ""
        for seq in range(len(self.states) - 1, 0, -1):
            if self.states[seq - 1] == kept:
                return seq + 1, ""  # an old state was put back
        last = self.states[-1]
        return self.first_change(
            key
            for key in last.keys() | kept.keys()
            if key[0] != "at" and (key not in last or key not in kept or last[key] != kept[key])
        )

    def first_change(self, keys: Iterable[tuple[str, str]]) -> tuple[int | None, str]:
        """The earliest of the inputs that made these facts what they are; the last input for what never was."""
        end = self.stopped_at or len(self.states)
        found = sorted((self.changed.get(key, end), key) for key in keys)
        if not found:
            return end or None, ""
        seq, (kind, name) = found[0]
        return seq, element_of(name) if kind == "waits" else ""


def _facts(machine: Machine) -> Facts:
    """The canonical state in parts small enough to tell which one differs."""
    state = from_bytes(machine.canonical())
    facts: Facts = {}
    for kind, value in state.items():
        if kind in {"variables", "waits", "counters"}:
            facts.update({(kind, name): inner for name, inner in value.items()})
        else:
            facts[(kind, "")] = value
    return facts
