"""Each law of `laws.py` can fail: a host with one rule changed is found out by that law alone, nobody asking the reference."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.util.task import TaskState

from engine.machine import Machine
from engine.spiff.rules.host import Host
from engine.spiff.specs import HostedExclusiveGateway, boundary_events_of
from tests.engine.random.laws import DecisionsAreSeen, LawBroken, NothingIsLost, OneWinner, SomethingIsWaited
from tests.engine.random.play import Play, drawn
from tests.engine.random.test_ablations import (
    OnlyTheLastResultIsKept,
    TwoEventsWin,
    WhatWasInterruptedIsLost,
    ZeroIsNoResult,
    machine_on,
)

PROCESSES = range(1, 121)


class AChoiceTakesTheDefaultAsWell(Host):
    """Trap 20, at an exclusive gateway: what holds and what is there for when nothing holds."""

    def step(self, token):
        super().step(token)
        spec = token.task_spec
        if isinstance(spec, HostedExclusiveGateway) and token._state == TaskState.COMPLETED and spec.default_task_spec:
            default = token.workflow.spec.task_specs[spec.default_task_spec]
            if all(child.task_spec is not default for child in token.children):
                default._update(token._add_child(default, TaskState.FUTURE))


class ADecisionLeavesItsEventsArmed(Host):
    """Trap 2: who decides and the deadline both win."""

    left = ()

    def complete(self, token, values):
        events = [event for event in boundary_events_of(token) if event.is_live and event.task_spec.cancel_activity]
        super().complete(token, values)
        self.left = events

    def run(self):
        super().run()
        for event in self.left:
            event._state = TaskState.WAITING
        self.left = ()


class AScopeIsNeverLeft(Host):
    def leave_if_done(self, owner):
        if owner.task_spec.node is None or owner.instances is not None:
            super().leave_if_done(owner)


class GatewaysSeeWhatWasBefore(Host):
    """What was decided is written, when the token has long gone on."""

    held = None

    def complete(self, token, values):
        self.held = token, values
        super().complete(token, {})

    def run(self):
        super().run()
        if self.held is not None:
            self.write(*self.held)
        self.held = None


@pytest.mark.parametrize(
    ("law", "host"),
    [
        (OneWinner, AChoiceTakesTheDefaultAsWell),
        (OneWinner, TwoEventsWin),
        (OneWinner, ADecisionLeavesItsEventsArmed),
        (SomethingIsWaited, AScopeIsNeverLeft),
        (DecisionsAreSeen, GatewaysSeeWhatWasBefore),
        (NothingIsLost, WhatWasInterruptedIsLost),
        (NothingIsLost, ZeroIsNoResult),
        (NothingIsLost, OnlyTheLastResultIsKept),
    ],
    ids=lambda made: made.__name__,
)
def test_a_law_alone_notices_a_rule_of_the_host_that_is_gone(law, host):
    assert first_broken(law, machine_on(host))


def first_broken(law: type, machine: type[Machine]) -> str:
    for seed in PROCESSES:
        tree, process = drawn(seed)
        for path in range(3):
            random = Random(f"{seed}/{path}")
            laws = {"checks_snapshots": False, "checks_reference": False, "laws": (law,)}
            try:
                with suppress(
                    AttributeError, KeyError, IndexError, ValueError, WorkflowException
                ):  # the changed host may break at once
                    Play(tree, process, random, machine_class=machine, **laws).run()
            except LawBroken as broken:
                return str(broken)
    return ""
