"""The statements a connection remembers, so that PostgreSQL plans them once: prepared at their third use, kept by their text
and the types of their values, through every rollback (psycopg forgets its own there).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from psycopg.abc import Transformer

from storage import seam
from storage.commands import Command, Plan

PREPARED_AT = 3  # the use of a statement that prepares it
PLANS_KEPT = 200  # statements a connection remembers; the one asked for longest ago is forgotten


class Plans:
    """Of one connection."""

    def __init__(self, adaptation: Transformer) -> None:
        self._adaptation = adaptation
        self._kept: OrderedDict[tuple[str, Sequence[int]], Plan] = OrderedDict()
        self._dropped: list[Command] = []  # what the server is still to forget
        self._named = 0

    def command(self, statement: str, values: Sequence[Any]) -> Command:
        """The statement with $1, $2 … for `values`; a use of its plan."""
        given, types, formats = seam.dump(self._adaptation, values)
        return Command(self._plan_of(statement, types), given, formats)

    def control(self, text: str) -> Command:
        """BEGIN, SAVEPOINT and the like."""
        command = Command(self._plan_of(text, ()))
        command.is_control = True
        return command

    def name(self, plan: Plan) -> None:
        """Give it the name that it is to be prepared by."""
        self._named += 1
        plan.name = b"s%d" % self._named

    def with_dropped(self, commands: Sequence[Command]) -> Sequence[Command]:
        """The commands, and before them those by which the server forgets what was forgotten here."""
        if not self._dropped:
            return commands
        dropped, self._dropped = self._dropped, []
        return [*dropped, *commands]

    def _plan_of(self, statement: str, types: Sequence[int]) -> Plan:
        place = (statement, types)
        plan = self._kept.get(place)
        if plan is None:
            plan = self._kept[place] = Plan(statement, types)
            if len(self._kept) > PLANS_KEPT:
                self._forget_oldest()
        else:
            self._kept.move_to_end(place)
        plan.uses += 1
        return plan

    def _forget_oldest(self) -> None:
        _, old = self._kept.popitem(last=False)
        if old.name:
            self._dropped.append(Command(Plan(f"DEALLOCATE {old.name.decode()}")))


def is_to_be_prepared(plan: Plan) -> bool:
    return plan.uses >= PREPARED_AT and not plan.name
