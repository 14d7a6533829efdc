"""What a case holds between two inputs, as whoever looks at it sees it: variables, open waits, what is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.spiff.rules.host import Host
from engine.waits import DueTimer, TimerWait, Wait


class MachineState:
    """Reads alone: a Machine (machine.py) is one that inputs move as well."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waits = host.waits()

    @property
    def at(self) -> datetime:
        return self._host.at

    @property
    def variables(self) -> dict[str, Any]:
        """The case's variables; not to be changed."""
        return self._host.store.variables

    @property
    def settings(self) -> dict[str, Any]:
        return self._host.store.settings

    def view_of(self, address: str) -> Mapping[str, Any]:
        """The variables the element at this address sees; not to be changed.

        Those of the called flow for an element inside a call activity. Of an address that is gone: of the innermost scope
        around it that still runs, else the case's.
        """
        return self._host.frame_at(address).seen

    @property
    def is_ended(self) -> bool:
        return not self._host.scopes

    @property
    def is_suspended(self) -> bool:
        return self._host.is_suspended

    @property
    def outcome(self) -> str | None:
        """The outcome of the last end event of the top scope that carried one; "cancelled" after CaseCancelled."""
        return self._host.outcome

    @property
    def waits(self) -> Mapping[str, Wait]:
        """Open waits by address."""
        return {address: wait for address, (_, wait) in self._waits.items()}

    def due_before(self, at: datetime) -> list[DueTimer]:
        """Timers due at or before `at`, in due order, equal ones by address; none while the case is suspended.

        One whose clock stands still is not due.
        """
        if self.is_suspended:
            return []
        timers = [wait for _, wait in self._waits.values() if isinstance(wait, TimerWait)]
        return sorted(
            DueTimer(timer.due, timer.address, timer.element)
            for timer in timers
            if timer.due is not None and timer.due <= at
        )
