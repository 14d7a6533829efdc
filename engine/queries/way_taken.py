"""The diagram of a case with what happened on it: where tokens stand, how often each element was reached, by which lines,

and where people intervened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.deployment.deploy import find_definition
from engine.flow.flow import Flow
from engine.flow.lines import Line, diagram_parts
from engine.inputs import (
    CaseCancelled,
    CaseMigrated,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    IncidentRetried,
    TokenMoved,
    VariableEdited,
    WorkItemReturned,
)
from engine.model.definition import DefinitionId
from engine.model.waiting_row import WaitKind
from engine.queries.pages import history
from engine.queries.story import StoryLine, case_story
from engine.queries.views import ActivityView, CasePage, History, WaitView
from engine.waits import element_of

_WENT_ON = frozenset({"completed", "compensated"})
STANDS_BESIDE = frozenset({"boundaryEvent", "startEvent"})  # they listen; no token stands on them


@dataclass(frozen=True, slots=True)
class TokenMark:
    """kind: of the wait, WORK_ITEM, JOB, TIMER, MESSAGE or INCIDENT."""

    element: str
    kind: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ElementMark:
    """times: how often it was reached. how: how it ended last, "entered" while it is active."""

    element: str
    times: int
    how: str


@dataclass(frozen=True, slots=True)
class InterventionMark:
    """What an operator did to the case, or a return. verb: see VERBS. element: where, "" for the whole case.

    to: the element a token was taken to, "" for none. sentence: with the reason; who did it is `actor`, an account id.
    """

    seq: int
    at: datetime
    actor: str
    verb: str
    element: str
    to: str
    sentence: str


@dataclass(frozen=True, slots=True)
class WayTaken:
    """xml: the diagram of the case's version as it was deployed. lines: ids of sequence flows, in order of first use.

    interventions: in the order they happened; an element of an earlier version may not be in the diagram.
    """

    xml: str
    tokens: tuple[TokenMark, ...]
    elements: tuple[ElementMark, ...]
    lines: tuple[str, ...]
    interventions: tuple[InterventionMark, ...]


VERBS: Mapping[str, str] = {
    kind.__name__: verb
    for kind, verb in {
        IncidentRetried: "retry",
        CaseSuspended: "suspend",
        CaseResumed: "resume",
        CaseCancelled: "cancel",
        VariableEdited: "edit",
        ElementSkipped: "skip",
        TokenMoved: "move",
        WorkItemReturned: "return",
        CaseMigrated: "migrate",
    }.items()
}


def way_taken(session: Session, page: CasePage) -> WayTaken:
    definition = find_definition(session, DefinitionId(page.summary.definition_id))
    told = history(session, page.summary.id)
    activities = told.activities
    kinds = {element.id: element.kind for element in definition.process.elements.values()}
    return WayTaken(
        definition.flow.bpmn.decode(),
        tuple(_tokens(page.waits, kinds)),
        tuple(element_marks(activities)),
        tuple(lines_used(lines_of(definition.flow), activities)),
        tuple(_interventions(told, case_story(session, page, told))),
    )


def lines_of(flow: Flow) -> list[Line]:
    """The sequence flows of all diagrams of a flow."""
    return [line for content in (flow.bpmn, *flow.called.values()) for line in diagram_parts(content).lines]


def lines_used(lines: Sequence[Line], activities: Sequence[ActivityView]) -> list[str]:
    """Ids of the lines the token came by, worked out from the activities in their order.

    An element was reached from the one before it that ended last; a parallel join from all of them. Each end of an element
    leads on once by each of its lines, that of an exclusive gateway once at all.
    """
    into: dict[str, list[Line]] = {}
    for line in lines:
        into.setdefault(line.target, []).append(line)
    spent: set[tuple[int, str]] = set()
    used: dict[str, None] = {}
    for place, reached in enumerate(activities):
        found = [
            (start, line)
            for line in into.get(reached.element, ())
            if (start := _left_from(line, activities[:place], reached, spent)) is not None
        ]
        if found and reached.kind != "parallelGateway":
            found = [max(found, key=lambda each: (activities[each[0]].left_at, each[0]))]
        for start, line in found:
            by = activities[start]
            spent.add((start, "" if by.kind == "exclusiveGateway" else line.id))
            used.setdefault(line.id)
    return list(used)


def _left_from(
    line: Line, before: Sequence[ActivityView], reached: ActivityView, spent: set[tuple[int, str]]
) -> int | None:
    """Place of the latest activity that may have led along this line."""
    for start in range(len(before) - 1, -1, -1):
        left = before[start]
        if left.element != line.source or left.how not in _WENT_ON or left.left_at is None:
            continue
        if left.left_at <= reached.entered_at and not {(start, ""), (start, line.id)} & spent:
            return start
    return None


def element_marks(activities: Iterable[ActivityView]) -> Iterable[ElementMark]:
    times = Counter(activity.element for activity in activities)
    how = {activity.element: activity.how for activity in activities}
    return (ElementMark(element, count, how[element]) for element, count in times.items())


def _interventions(told: History, story: Iterable[StoryLine]) -> Iterable[InterventionMark]:
    for entry, line in zip(told.inputs, story, strict=False):  # the story of an ended case has a line more
        verb = VERBS.get(entry.kind)
        if verb is None:
            continue
        given = entry.input
        place = element_of(getattr(given, "place", "")) or line.element
        to = "" if given is None else getattr(given, "to", "")
        yield InterventionMark(entry.seq, entry.at, entry.actor, verb, place, to, line.sentence)


def _tokens(waits: Iterable[WaitView], kinds: Mapping[str, str]) -> Iterable[TokenMark]:
    for wait in waits:
        listens = wait.kind in {WaitKind.TIMER, WaitKind.MESSAGE} and kinds.get(wait.element) in STANDS_BESIDE
        if wait.closed_at is None and not listens:
            yield TokenMark(wait.element, wait.kind, wait.created_at)
