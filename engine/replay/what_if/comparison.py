"""What-if: old cases on a candidate version. Where each would have ended, what it would have waited for, what did not fit.

Reads only; no handler runs, nothing is sent. A process can share the work: `outcomes_of` takes any part of the ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.checks.check import check_files
from engine.deployment.deploy import Definition, find_definition
from engine.errors import EngineError, InvalidDiagram, InvalidForm
from engine.flow.flow import NOBODY, STARTER, Flow
from engine.forms.form import Form, load_form, validate_values
from engine.inputs import Variables
from engine.machine import Process, compile_process
from engine.model.definition import DefinitionId
from engine.queries.way_taken import lines_of
from engine.replay.input_record import Unplaced
from engine.replay.rerun import Candidate, Rerun, rerun, standing_at
from engine.replay.what_if.recorded_cases import RecordedCase, read_cases
from engine.replay.what_if.work_ahead import work_ahead
from engine.services.registry import declared_service_tasks
from engine.waits import UserTaskWait

SAME_END, OTHER_END, LACKS, DOES_NOT_FIT = "same_end", "other_end", "lacks", "does_not_fit"
ERASED, UNREADABLE = "erased", "unreadable"
KINDS = (SAME_END, OTHER_END, LACKS, DOES_NOT_FIT, ERASED, UNREADABLE)
# The candidate cannot take the input at all; that it is never asked for it is a matter of another way.
_MISFITS = frozenset({"element.gone", "form.refused", "wait.other_kind"})


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case. kind: one of KINDS. old, new: the end's outcome, or `waits:` and the elements where it stands.

    elements: what it lacks a result for (LACKS), what does not fit (DOES_NOT_FIT), with seq, why and detail of the first.
    before, after: items of groups by element, completed or open. ahead: further ones that are sure to come where it stopped.
    """

    case_id: str
    kind: str
    old: str
    new: str = ""
    elements: tuple[str, ...] = ()
    seq: int | None = None
    why: str = ""
    detail: str = ""
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    ahead: Mapping[str, int] = field(default_factory=dict)


class WhatIf:
    """A candidate version of a flow, ready to be tried on cases. Immutable; forked processes may share it."""

    def __init__(self, flow: Flow, elements: Mapping[str, str] | None = None) -> None:
        """elements: renamed elements, old id → new id. Raises InvalidDiagram for a flow that could not be deployed."""
        problems = check_files(flow.files)
        if any(problem.severity == "error" for problem in problems):
            raise InvalidDiagram(problems)
        self.flow = flow
        self.process = compile_process(flow.bpmn, flow.decisions, flow.called)
        self._lines = lines_of(flow)
        self._forms = flow.forms
        self._elements = dict(elements or {})
        self._compiled_forms: dict[str, Form] = {}
        self._at_once = frozenset(name for name, task in declared_service_tasks().items() if task.in_transaction)
        self._of_version: dict[str, tuple[Candidate, frozenset[str]]] = {}

    def outcomes_of(self, session: Session, ids: Sequence[str], now: datetime) -> Iterator[CaseOutcome]:
        """In the order of their ids."""
        for case in read_cases(session, ids, now):
            yield self.outcome_of(find_definition(session, DefinitionId(case.definition_id)), case)

    def outcome_of(self, definition: Definition, case: RecordedCase) -> CaseOutcome:
        """definition: of the version the case runs on."""
        old = case.outcome or "-" if case.is_ended else place(case.standing)
        if case.is_erased or not case.is_readable:
            return CaseOutcome(case.id, ERASED if case.is_erased else UNREADABLE, old)
        candidate, keeps = self._for_version(definition)
        try:
            run = rerun(candidate, case.inputs, keeps, case.until)
        except (EngineError, ValueError) as failed:
            return CaseOutcome(case.id, DOES_NOT_FIT, old, why=getattr(failed, "code", type(failed).__name__))
        outcome = _judged(case, old, run, self._elements)
        return replace(outcome, ahead=self._ahead(outcome.elements)) if outcome.kind == LACKS else outcome

    def _ahead(self, stopped_at: Sequence[str]) -> dict[str, int]:
        people = frozenset(people_of(self.flow, self.process))
        tasks = [element for element in stopped_at if element not in people]
        return dict(
            Counter(found for element in tasks if (found := work_ahead(self.process, self._lines, people, element)))
        )

    def _for_version(self, definition: Definition) -> tuple[Candidate, frozenset[str]]:
        if definition.id not in self._of_version:
            self._of_version[definition.id] = self._seen_from(definition)
        return self._of_version[definition.id]

    def _seen_from(self, definition: Definition) -> tuple[Candidate, frozenset[str]]:
        """The candidate as seen from one old version, and its elements whose deadline asks for the same as there."""
        asked, asks = deadlines(definition.process), deadlines(self.process)
        same_settings = definition.config.settings == self.flow.config.settings
        keeps = {
            self._elements.get(element, element)
            for element, text in asked.items()
            if text == asks.get(self._elements.get(element, element)) and (same_settings or "settings" not in text)
        }
        old_forms = {node.id: definition.flow.forms.get(node.form) for node in definition.process.nodes() if node.form}
        old_names = {new: old for old, new in self._elements.items()}

        def refusal(wait: UserTaskWait, values: Variables) -> str:
            content = self._forms.get(wait.form)
            if content is not None and content == old_forms.get(old_names.get(wait.element, wait.element)):
                return ""  # checked when it was sent
            return self._refusal(wait.form, values)

        settings = self.flow.config.settings
        people = frozenset(people_of(self.flow, self.process))
        return Candidate(self.process, settings, self._at_once, people, self._elements, refusal), frozenset(keeps)

    def _refusal(self, form: str, values: Variables) -> str:
        if not form:
            return "此环节没有表单，不接受内容。" if values else ""
        if form not in self._compiled_forms:
            self._compiled_forms[form] = load_form(self._forms[form])
        try:
            validate_values(self._compiled_forms[form], values, lambda _: True)
        except InvalidForm as refused:
            return " ".join(problem.message for problem in refused.problems)
        return ""


def deadlines(process: Process) -> dict[str, str]:
    """What the deadline of an element asks for, as drawn: timers and due dates."""
    return {node.id: f"{node.timer}\n{node.due}" for node in process.nodes() if node.timer or node.due}


def people_of(flow: Flow, process: Process) -> Iterable[str]:
    """User tasks that a group works on; the starter's own cost no reviewer's time."""
    for element in process.elements.values():
        lane = flow.config.group_of(element.lane) or element.lane or STARTER
        if element.kind == "userTask" and lane not in {STARTER, NOBODY}:
            yield element.id


def place(standing: Iterable[str]) -> str:
    """How a running case is shown in the matrix."""
    return "waits:" + ",".join(standing)


def _judged(case: RecordedCase, old: str, run: Rerun, elements: Mapping[str, str]) -> CaseOutcome:
    machine = run.machine
    new = machine.outcome or "-" if machine.is_ended else place(standing_at(machine))
    here = old if case.is_ended else place(sorted(elements.get(name, name) for name in case.standing))
    told: dict[str, Any] = {"before": dict(case.work), "after": dict(+run.work)}  # Any: fields of CaseOutcome
    if machine.is_ended == case.is_ended and new == here:
        return CaseOutcome(case.id, SAME_END, old, new, **told)
    misfit = run.misfit or _first_misfit(run)
    if machine.is_ended:
        return CaseOutcome(case.id, OTHER_END, old, new, **told)
    if misfit is not None:
        told |= {"elements": (misfit.element,), "seq": misfit.seq, "why": misfit.why, "detail": misfit.detail}
        return CaseOutcome(case.id, DOES_NOT_FIT, old, new, **told)
    if case.is_ended or run.lacking or run.unplaced:
        return CaseOutcome(case.id, LACKS, old, new, run.lacking or standing_at(machine), **told)
    return CaseOutcome(case.id, OTHER_END, old, new, **told)


def _first_misfit(run: Rerun) -> Unplaced | None:
    return next((one for one in run.unplaced if one.why in _MISFITS), None)


def work_of(outcomes: Iterable[CaseOutcome]) -> tuple[Counter[str], Counter[str]]:
    """Items of groups by element: as it was, and on the candidate, those included that are sure to come."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for one in outcomes:
        before.update(one.before)
        after.update(one.after)
        after.update(one.ahead)
    return before, after
