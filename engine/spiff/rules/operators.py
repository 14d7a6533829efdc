"""What operators do to the tokens of a case: skip an element, move a token, return a work item (docs/interventions.md).

A move stays within its scope or leads out of it; a parallel part of the scope is left as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.errors import Conflict
from engine.flow.vocabulary import ACTIVITIES
from engine.spiff.process import spec_name
from engine.spiff.regions import BESIDE, Region
from engine.spiff.rules.events import EventRules
from engine.spiff.rules.state import SKIPPED
from engine.spiff.specs import HostedBoundaryEvent, HostedExclusiveGateway, HostedInclusiveGateway, boundary_events_of
from engine.spiff.tree import Scope, Token
from engine.waits import UserTaskWait

_TARGETS = ACTIVITIES | {"intermediateCatchEvent", "intermediateThrowEvent", "exclusiveGateway", "endEvent"}


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a moved token comes down. leaves: the tokens of `scope` that are taken away for it."""

    scope: Scope
    spec: Any  # SpiffWorkflow ships no types
    leaves: tuple[Token, ...]


class OperatingRules(EventRules):
    def refuse_skip(self, token: Token) -> None:
        """Raises Conflict for what is not a token of its own, and for a choice nobody has made."""
        if isinstance(token.task_spec, HostedBoundaryEvent):
            raise Conflict("skip.not_an_activity", wait=self.address_of(token))
        is_choice = isinstance(token.task_spec, HostedExclusiveGateway | HostedInclusiveGateway)
        if is_choice and token._state != TaskState.WAITING:  # one that waits to join makes its choice when it goes on
            raise Conflict("skip.no_single_way", wait=self.address_of(token))

    def skip(self, token: Token, values: Mapping[str, Any]) -> None:
        """The element counts as done without having been done; an event as happened, without what it would have brought."""
        self.write(token, values)
        token.incident = None
        token.wait = None
        if token.task_spec.node.kind == "intermediateCatchEvent":
            return self.fire(token)
        is_join = token.task_spec.stands_in != TaskState.WAITING
        if token._state == TaskState.WAITING and is_join:  # it lacks a token
            return token._ready()
        for inner in list(token.inner):
            self.cancel_scope(inner)
        token.inner = []
        token.complete()
        self.note(token, SKIPPED)
        return self.close_if_done(token.workflow)

    def landing(self, token: Token, to: str) -> Landing:
        """Where a token moved from here to the element `to` comes down.

        Raises Conflict: `move.not_a_token`, `move.unknown_target`, `move.bad_target`, `move.out_of_reach`,
        `move.into_parallel`, `move.out_of_handler`.
        """
        if isinstance(token.task_spec, HostedBoundaryEvent):
            raise Conflict("move.not_a_token", wait=self.address_of(token))
        element = self.process.elements.get(to)
        if element is None:
            raise Conflict("move.unknown_target", to=to)
        if element.kind not in _TARGETS:
            raise Conflict("move.bad_target", to=to, kind=element.kind)
        standing: Token | None = token
        while standing is not None:
            specs = standing.workflow.spec.task_specs
            if spec_name(to) in specs:
                if specs[spec_name(to)].is_handler:  # one completion is undone once
                    raise Conflict("move.bad_target", to=to, kind=element.kind)
                leaves = self._leaving(standing, to)
                name = f"{spec_name(to)}.BoundaryEventSplit"
                return Landing(standing.workflow, specs.get(name) or specs[spec_name(to)], leaves)
            standing = standing.workflow.owner
        raise Conflict("move.out_of_reach", to=to)

    def returning(self, token: Token, to: str) -> Landing:
        """As landing(), for a user task given back to an earlier one. Raises Conflict(`return.not_earlier`) as well."""
        found = self.landing(token, to)
        is_user_task = isinstance(token.wait, UserTaskWait) and self.process.elements[to].kind == "userTask"
        if not is_user_task or to == token.task_spec.node.id or not found.scope.counters.get(to):
            raise Conflict("return.not_earlier", to=to)
        return found

    def move(self, landing: Landing) -> None:
        for token in landing.leaves:
            for event in boundary_events_of(token):
                event.cancel()
            for rival in self.rivals_of(token):
                rival.cancel()
            token.cancel()
        token = Token(landing.scope, landing.spec)
        landing.spec._update(token)

    def edit(self, place: str, values: Mapping[str, Any]) -> None:
        """Set variables of the frame at this address, the case's for ""."""
        self.frame_at(place).write(values)

    def _leaving(self, standing: Token, to: str) -> tuple[Token, ...]:
        """The token itself; with it all tokens of a parallel part that the move leaves."""
        region, target = self._region_of(standing), self.process.regions.of.get(to, ())
        if region[: len(target)] != target:
            raise Conflict("move.into_parallel", to=to)
        left = region[len(target) :]
        if not left:
            return (standing,)
        if any(branch == BESIDE for _, branch in left):
            raise Conflict("move.out_of_handler", to=to)
        split = left[0][0]
        join = self.process.regions.meets.get(split, "")
        return tuple(
            token
            for token in standing.workflow.tasks.values()
            if token.is_live and token.task_spec.node is not None and self._is_inside(token, split, join)
        )

    def _is_inside(self, token: Token, split: str, join: str) -> bool:
        return token.task_spec.node.id == join or any(opened == split for opened, _ in self._region_of(token))

    def _region_of(self, token: Token) -> Region:
        node = token.task_spec.node
        place = node.attached_to if node is not None and isinstance(token.task_spec, HostedBoundaryEvent) else ""
        element = place or (node.id if node is not None else "")
        return self.process.regions.of.get(element, ())
