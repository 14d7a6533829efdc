"""What came in for a case, told with what was known then: forms as they were filled in, and what service tasks found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.inputs import JobFailed, JobSucceeded, Json, Started, Variables, WorkItemCompleted
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, spelled
from engine.queries.views import History


@dataclass(frozen=True, slots=True)
class ServiceResult:
    """One run of a service task. result: None where it said no; then `code` and `message` (Chinese, may be "") say why.

    filled_in: every form value given before, the latest of each. said_after: results of tasks between this run and the
    next of the same service, in order.
    """

    service: str
    at: datetime
    result: Json = field(repr=False)
    code: str | None
    message: str
    filled_in: Variables = field(repr=False)
    said_after: tuple[Json, ...] = field(repr=False)


def service_results(
    session: Session, case_id: str, told: History, services: Collection[str]
) -> dict[str, list[ServiceResult]]:
    """Runs of asynchronous `services` that came to an end, by service, oldest first; nothing for an erased case."""
    service_at = _services(session, case_id, services)
    found: dict[str, list[_Run]] = {service: [] for service in services}
    filled_in: dict[str, Json] = {}
    for entry in told.inputs:
        given = entry.input
        if isinstance(given, Started):
            filled_in |= given.variables
        elif isinstance(given, WorkItemCompleted):
            filled_in |= given.values
        elif isinstance(given, JobSucceeded | JobFailed):
            service = service_at.get(given.wait)
            if service is not None:
                found[service].append(_Run(given, dict(filled_in)))
            elif isinstance(given, JobSucceeded):
                for runs in found.values():
                    if runs:
                        runs[-1].said_after.append(given.result)
    return {service: [run.told(service) for run in runs] for service, runs in found.items()}


@dataclass(slots=True)
class _Run:
    given: JobSucceeded | JobFailed
    filled_in: Mapping[str, Json]
    said_after: list[Json] = field(default_factory=list)

    def told(self, service: str) -> ServiceResult:
        given, after = self.given, tuple(self.said_after)
        if isinstance(given, JobFailed):
            return ServiceResult(service, given.at, None, given.code, given.message, self.filled_in, after)
        return ServiceResult(service, given.at, given.result, None, "", self.filled_in, after)


def _services(session: Session, case_id: str, services: Collection[str]) -> dict[str, str]:
    """Wait address → service."""
    jobs = select(WAITING.c.address, WAITING.c.service).where(
        WAITING.c.case_id == case_id, spelled(WAITING.c.kind, WaitKind.JOB), WAITING.c.service.in_(services)
    )
    return {row.address: row.service for row in session.execute(jobs)}
