"""A case as it was after any of its inputs: state, waits, variables, position in the diagram of the version it ran on then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from engine.cases.journal import actor_of
from engine.cases.sync import KINDS
from engine.deployment.deploy import Definition, find_definition
from engine.errors import Conflict, NotFound
from engine.inputs import Input, Variables
from engine.model.definition import DefinitionId
from engine.queries.activities import activity_views
from engine.queries.views import ActivityView
from engine.queries.way_taken import STANDS_BESIDE, ElementMark, TokenMark, element_marks, lines_of, lines_used
from engine.replay.carry_over import Walk, first_version
from engine.replay.rebuild import case_row as _case_row
from engine.replay.rebuild import process_finder, read_inputs
from engine.waits import Wait, element_of
from storage import vault


@dataclass(frozen=True, slots=True)
class CaseAt:
    """After input `seq` of `of`. kind, actor, element: of that input. outcome: None while it ran.

    variables: unmasked. waits: by address. tokens, elements, lines: for `definition`'s diagram.
    """

    case_id: str
    seq: int
    of: int
    at: datetime
    kind: str
    actor: str
    element: str
    definition: Definition
    is_ended: bool
    outcome: str | None
    variables: Variables = field(repr=False)
    waits: Mapping[str, Wait] = field(repr=False)
    activities: tuple[ActivityView, ...]
    tokens: tuple[TokenMark, ...]
    elements: tuple[ElementMark, ...]
    lines: tuple[str, ...]


def case_at(session: Session, case_id: str, seq: int) -> CaseAt:
    """The case right after its seq-th input, from the journal alone.

    Raises NotFound("case.unknown" | "journal.no_entry"), Conflict("case.erased"), BrokenChain.
    """
    row = _case_row(session, case_id)
    try:
        inputs = read_inputs(session, case_id)
    except vault.KeyDestroyed as gone:
        raise Conflict("case.erased", case=case_id) from gone
    if not 1 <= seq <= len(inputs):
        raise NotFound("journal.no_entry", case=case_id, seq=seq, of=len(inputs))
    walk = Walk(process_finder(session), first_version(row.definition_id, inputs))
    for number, given in enumerate(inputs[:seq], 1):
        walk.apply(number, given)
    definition = find_definition(session, DefinitionId(walk.course.definition_id))
    return _seen(case_id, definition, walk, inputs, seq)


def _seen(case_id: str, definition: Definition, walk: Walk, inputs: Sequence[Input], seq: int) -> CaseAt:
    course, given = walk.course, inputs[seq - 1]
    activities = activity_views(definition.process, (event for _, event in course.activities))
    machine = course.machine
    return CaseAt(
        case_id=case_id,
        seq=seq,
        of=len(inputs),
        at=given.at,
        kind=type(given).__name__,
        actor=actor_of(given),
        element=element_of(getattr(given, "wait", "")),
        definition=definition,
        is_ended=machine.is_ended,
        outcome=machine.outcome if machine.is_ended else None,
        variables=dict(machine.variables),
        waits=machine.waits,
        activities=tuple(activities),
        tokens=tuple(_tokens(definition, machine.waits, activities, given.at)),
        elements=tuple(element_marks(activities)),
        lines=tuple(lines_used(lines_of(definition.flow), activities)),
    )


def _tokens(
    definition: Definition, waits: Mapping[str, Wait], activities: Sequence[ActivityView], at: datetime
) -> list[TokenMark]:
    since = {activity.address: activity.entered_at for activity in activities}
    found = []
    for address, wait in waits.items():
        known = definition.process.elements.get(wait.element)
        if known is None or known.kind not in STANDS_BESIDE:
            found.append(TokenMark(wait.element, KINDS[type(wait)].value, since.get(address, at)))
    return found
