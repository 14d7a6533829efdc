"""A case under test: applies inputs by short words and checks, after each, that dump, load and replay agree with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.inputs import (
    CaseCancelled,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    Started,
    TimerFired,
    VariableEdited,
    WorkItemCompleted,
)
from engine.machine import Applied, Machine, Process, replay
from engine.waits import Wait
from tests.engine.graph_digest import spec_digest

MONDAY = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)  # 9 o'clock in Shanghai, a working day


class PlayedCase:
    """Every input comes `minutes` after the case's start, or now where they are not given."""

    def __init__(
        self, process: Process, variables: dict[str, Any] | None = None, *, start: str = "", **settings: Any
    ) -> None:
        self.process = process
        self.shape = spec_digest(process)
        started = Started(at=MONDAY, by="wx:1", start=start, variables=variables or {}, settings=settings)
        self.machine, self.applied = Machine.start(process, started)
        self.journal: list[Input] = [started]
        self._check()

    @property
    def waits(self) -> list[str]:
        return list(self.machine.waits)

    @property
    def variables(self) -> dict[str, Any]:
        return self.machine.variables

    @property
    def outcome(self) -> str | None:
        assert self.machine.is_ended
        return self.machine.outcome

    def wait(self, address: str) -> Wait:
        return self.machine.waits[address]

    def history(self) -> list[str]:
        """`address event` of the last input."""
        return [f"{activity.address} {activity.event}" for activity in self.applied.activities]

    def completes(self, wait: str, minutes: int | None = None, **values: Any) -> None:
        self.apply(WorkItemCompleted(at=self.at(minutes), wait=wait, by="wx:1", values=values))

    def job(self, wait: str, result: Any = None, minutes: int | None = None) -> None:
        self.apply(JobSucceeded(at=self.at(minutes), wait=wait, result=result))

    def job_fails(self, wait: str, code: str, message: str = "") -> None:
        self.apply(JobFailed(at=self.at(None), wait=wait, code=code, message=message))

    def job_is_given_up(self, wait: str, reason: str = "no worker") -> None:
        self.apply(JobGivenUp(at=self.at(None), wait=wait, reason=reason))

    def timer(self, wait: str, minutes: int) -> None:
        self.apply(TimerFired(at=self.at(minutes), wait=wait))

    def message(self, wait: str, message: str, **payload: Any) -> None:
        self.apply(MessageReceived(at=self.at(None), wait=wait, message=message, payload=payload))

    def retried(self, wait: str, **variables: Any) -> None:
        self.apply(IncidentRetried(at=self.at(None), wait=wait, by="op", variables=variables))

    def edits(self, place: str, **variables: Any) -> None:
        self.apply(VariableEdited(at=self.at(None), by="op", values=variables, place=place))

    def cancelled(self) -> None:
        self.apply(CaseCancelled(at=self.at(None), by="op", reason="test"))

    def at(self, minutes: int | None) -> datetime:
        return self.machine.at if minutes is None else MONDAY + timedelta(minutes=minutes)

    def apply(self, given: Input) -> Applied:
        self.applied = self.machine.apply(given)
        self.journal.append(given)
        self._check()
        return self.applied

    def _check(self) -> None:
        again = Machine.load(self.process, self.machine.dump())
        assert again.dump() == self.machine.dump()
        assert again.canonical() == self.machine.canonical()
        assert again.waits == self.machine.waits
        assert replay(self.process, self.journal).canonical() == self.machine.canonical()
        assert spec_digest(self.process) == self.shape
        self.machine = again if len(self.journal) % 2 else self.machine
