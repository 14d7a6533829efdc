"""What a migration would do to one case: whether every input finds its place, and what becomes of each token and wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.cases.sync import KINDS
from engine.deployment.deploy import Definition
from engine.inputs import CaseMigrated
from engine.replay.carry_over import Carried, Course, Walk, renamed
from engine.services.registry import declared_service_tasks
from engine.waits import IncidentWait, JobWait, Wait


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a case does not fit. code: `input.no_place` | `job.no_result` | `element.fails` | `case.would_end` |

    `case.ended` | `case.erased` | `case.suspended` | `case.broken`. seq: of the input concerned, None for none.
    """

    code: str
    element: str = ""
    seq: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class WaitMove:
    """One wait. how: `kept` (its row, claim and draft stay), `changed` (kept, but for `changes`), `closed`, `opened`.

    address: after the migration, of a closed one before it. changes: field → (before, after).
    """

    how: str
    kind: str
    address: str
    element_before: str
    element_after: str
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # Any: of a wait's field


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """moves: open waits, those at which tokens stand and those that listen. course: what the case would be, None for a misfit."""

    case_id: str
    from_version: int
    to_version: int
    misfits: tuple[Misfit, ...]
    moves: tuple[WaitMove, ...] = ()
    skipped: tuple[int, ...] = ()
    course: Course | None = field(default=None, repr=False)
    given: CaseMigrated | None = field(default=None, repr=False)

    @property
    def fits(self) -> bool:
        return not self.misfits


def plan_of(case_id: str, walk: Walk, given: CaseMigrated, old: Definition, new: Definition) -> MigrationPlan:
    """walk: at the end of the case's journal. given: the migration."""
    before, carried = walk.course, walk.migrated(given)
    misfits = _misfits(before, carried)
    if misfits:
        return MigrationPlan(case_id, old.version, new.version, misfits)
    assert carried.course is not None, "what fits has begun"
    moves = tuple(_moves(before.machine.waits, carried.course.machine.waits, given.elements))
    given = replace(given, computed=carried.computed)
    return MigrationPlan(case_id, old.version, new.version, (), moves, carried.skipped, carried.course, given)


def _misfits(before: Course, carried: Carried) -> tuple[Misfit, ...]:
    if carried.misfit is not None:
        lost = carried.misfit
        return (Misfit("input.no_place", lost.element, lost.seq, lost.kind),)
    assert carried.course is not None, "what fits has begun"
    after = carried.course.machine
    if after.is_ended:
        return (Misfit("case.would_end"),)
    declared = declared_service_tasks()
    found = []
    for address, wait in after.waits.items():
        task = declared.get(wait.service) if isinstance(wait, JobWait) else None
        if task is not None and task.in_transaction:
            # Its handler would run long after the moment it belongs to.
            found.append(Misfit("job.no_result", wait.element))
        elif isinstance(wait, IncidentWait) and not isinstance(before.machine.waits.get(address), IncidentWait):
            found.append(Misfit("element.fails", wait.element, kind=wait.code))
    return tuple(found)


def _moves(old: Mapping[str, Wait], new: Mapping[str, Wait], elements: Mapping[str, str]) -> list[WaitMove]:
    moves: list[WaitMove] = []
    kept: set[str] = set()
    for address, wait in old.items():
        place = renamed(address, elements)
        after = new.get(place)
        kind = KINDS[type(wait)].value
        if after is None or not is_same_wait(wait, after):
            moves.append(WaitMove("closed", kind, address, wait.element, ""))
            continue
        kept.add(place)
        changes = _changes(wait, after)
        moves.append(WaitMove("changed" if changes else "kept", kind, place, wait.element, after.element, changes))
    for place, wait in new.items():
        if place not in kept:
            moves.append(WaitMove("opened", KINDS[type(wait)].value, place, "", wait.element))
    return moves


def is_same_wait(before: Wait, after: Wait) -> bool:
    """Whether the row of one can go on as that of the other: a job only for the same work."""
    if type(before) is not type(after):
        return False
    if isinstance(before, JobWait) and isinstance(after, JobWait):
        return before.service == after.service and before.parameters == after.parameters
    return True


_FIELDS = ("lane", "form", "due", "priority", "message", "correlation", "code")


def _changes(before: Wait, after: Wait) -> dict[str, tuple[Any, Any]]:  # Any: of a wait's field
    found = {name: (getattr(before, name, None), getattr(after, name, None)) for name in _FIELDS}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}
