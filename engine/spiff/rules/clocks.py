"""Clocks: when a timer is due, and the clocks that stand still while somebody else has the ball (`pauses_while`).

A clock stands still while a user task of one of its lanes is open in the timer's scope or inside it, and goes on with what was
left, in its own unit: time, or working time by the calendar. A timer that is already due does not stop any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from engine.language.calendar import add_working_time, working_time_between
from engine.language.timers_text import PLAIN, clock_of, due_at
from engine.spiff.rules.state import CaseState
from engine.spiff.tree import Scope, Token
from engine.waits import Pause, TimerWait, UserTaskWait


class ClockRules(CaseState):
    def due(self, token: Token, text: str) -> datetime:
        """When this timer text is due from now, UTC; an instant recorded with the input is taken as it is."""
        address = self.address_of(token)
        recorded = self.recorded.get(address)
        if recorded is not None:
            self.computed[address] = recorded
            return recorded
        due = due_at(text, self.view(token), self.at)
        at = due.at.astimezone(UTC)
        if due.is_computed_from_calendar:
            self.computed[address] = at
        return at

    def clock(self, token: Token) -> str:
        """The unit of a clock that may stand still, "" for one that never does. Raises ExpressionFailed for a date."""
        node = token.task_spec.node
        return clock_of(node.timer, self.view(token)) if node.pauses else ""

    def keep_clocks(self) -> None:
        """Stop the clocks that are to stand still now, and let those go on that no longer are."""
        if not self.process.has_clocks:
            return
        open_tasks = [(token, wait) for token, wait in self.waits().values() if isinstance(wait, UserTaskWait)]
        for token, wait in list(self._clocks()):
            is_held = self.is_held(token, open_tasks)
            if is_held and wait.due is not None and wait.due > self.at:
                token.wait = replace(wait, due=None, pause=Pause(self.at, wait.due))
            elif not is_held and wait.pause is not None:
                token.wait = replace(wait, due=self.resumed(wait, wait.pause), pause=None)

    def is_held(self, token: Token, open_tasks: list[tuple[Token, UserTaskWait]]) -> bool:
        """Whether one of its lanes works in the timer's scope: a called flow's, an instance's own, a compensation handler's."""
        lanes, path = token.task_spec.node.pauses, token.workflow.path
        return any(
            wait.lane in lanes and f"{wait.address}/".startswith(path) and self.runs_in(task, token.workflow)
            for task, wait in open_tasks
        )

    @staticmethod
    def runs_in(token: Token, scope: Scope) -> bool:
        """Whether it runs in this scope as drawn, or inside it. A handler that is a subprocess has its own scope's path,
        and what runs beside it does not run in it.
        """
        while scope.owner is not None and scope.owner.task_spec.node is None:
            scope = scope.owner.workflow
        standing: Token | None = token
        while standing is not None and standing.workflow is not scope:
            standing = standing.workflow.owner
        return standing is not None

    def resumed(self, wait: TimerWait, pause: Pause) -> datetime:
        """When a clock that goes on now is due."""
        if wait.clock == PLAIN:
            return self.at + (pause.due - pause.since)
        key = resumption(wait.address, pause.since, self.at)
        due = self.recorded.get(key)
        if due is None:
            left = working_time_between(pause.since, pause.due)
            due = add_working_time(self.at, left).at
        self.computed[key] = due
        return due

    def _clocks(self) -> Iterator[tuple[Token, TimerWait]]:
        for token, wait in self.waits().values():
            if isinstance(wait, TimerWait) and wait.clock:
                yield token, wait


def resumption(address: str, since: datetime, at: datetime) -> str:
    """What an instant is journalled by that was worked out when a clock went on at `at`, stopped since `since`.

    Not by the address alone: another version of the diagram may let the same timer stop at other times.
    """
    return f"{address} {since.astimezone(UTC).isoformat()}~{at.astimezone(UTC).isoformat()}"
