"""Every rule of the host is needed, and the random test would notice if it went: each is given back to what the stock library

does (or to the nearest thing that still runs), and the random test must find a path that goes wrong. The rules:

    one variable store                         WhatWasInterruptedIsLost, ScopesSeeTheDataTheyBeganWith
    called flows have their own variables      CalledFlowsShareTheCallersVariables, CallsTakeNothingBack
    instances have a frame and a key           InstancesWriteForAll, InstancesAreNumbered
    their results are all kept, and counted    OnlyTheLastResultIsKept, EverybodyMustVote, EnoughLeavesTheOthersWaiting
    in parallel or in turn                     AllInstancesAtOnce
    messages go out with what they carry       MessagesGoOutWithoutTheirPayload
    joins by tokens per incoming flow          JoinsLookAtAllPasses
    inclusive joins ask what can still come    AnInclusiveJoinTakesTheFirstToken, AnInclusiveJoinWaitsForEveryFlow
    escalations, terminate ends                EscalationsAreIgnored, AnEscalationComesOnce, TerminatingEndsOneWayOnly
    cycle timers without a burst               CyclesFireOnce, CyclesCatchUp
    what operators write is written            ASkippedElementLosesItsValues, AnEditIsForgotten
    a parallel part is left as a whole         AMoveLeavesTheOtherBranches, AMoveGoesAnywhere, AHandlerLeavesForTheMainWay
    what a moved token had is gone             AMovedTokenLeavesItsEvents, AMovedTokenLeavesItsRivals
    a return goes back, not forth              AReturnGoesForth
    addressed events, one input at a time      TwoEventsWin, DueTimersFireAlong, APlaceIsItsElementAlone
    non-interrupting events                    ARepeatableMessageComesOnce, LeavesByEveryFlow, handlers_always_interrupt
    errors reach the one nearest catcher       ErrorsAreBroadcast, CatchAllComesFirst, ErrorsStayInTheirScope
    an error leaves its scope at once          AFailedScopeCompletesFirst
    scopes are done when nothing lives         ScopesForgetTheirJobs
    what is cancelled takes its scope along    SubprocessesOutliveTheirTask
    ordinals, kept in the snapshot             OrdinalsAreNotCounted, SnapshotsForgetTheOrdinals
    time is the input's                        DurationsCountFromTheClock
    a failing element is a state               AFailingElementRaises
    a falsy result is a result                 ZeroIsNoResult

A changed host is compared with the reference alone, so that it is the meaning that is missed and not the snapshot of a host
that keeps more than the snapshot knows. Pruning is the one rule that must make no difference, and none may be found.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from SpiffWorkflow.util.task import TaskState

from engine.errors import Conflict, InvalidDiagram
from engine.flow.vocabulary import ERROR, ESCALATION
from engine.language.timers_text import due_at
from engine.machine import Machine, Process, compile_process
from engine.spiff.rules.host import Host
from engine.spiff.specs import HostedBoundaryEvent, boundary_events_of
from engine.waits import TimerWait
from tests.engine.random.comparison import Mismatch
from tests.engine.random.drawing import Drawn, draw
from tests.engine.random.generator import generate
from tests.engine.random.laws import LawBroken
from tests.engine.random.play import Play
from tests.engine.random.trial import first_mismatch

PROCESSES = range(1, 121)  # most rules are missed within the first ten


def machine_on(host: type[Host]) -> type[Machine]:
    return type(f"MachineOn{host.__name__}", (Machine,), {"host_class": host})


class WhatWasInterruptedIsLost(Host):
    """Trap 16: an interrupting event on a subprocess drops everything written in it."""

    def open_scope(self, name, owner, *more):
        super().open_scope(name, owner, *more)
        self.scopes[-1].data["before"] = dict(self.store.variables)

    def cancel_scope(self, scope):
        if "before" in scope.data and scope in self.scopes:
            self.store.variables.clear()
            self.store.write(scope.data["before"])
        super().cancel_scope(scope)


class ScopesSeeTheDataTheyBeganWith(Host):
    """Trap 16: what is written in one scope is not seen in another until that one is done."""

    def open_scope(self, name, owner, *more):
        super().open_scope(name, owner, *more)
        self.scopes[-1].data["before"] = dict(self.store.view)

    def view(self, token):
        return token.workflow.data.get("before", self.store.view) if len(self.scopes) > 1 else self.store.view


class CalledFlowsShareTheCallersVariables(Host):
    """The library gives a called process the caller's data, and the caller all of what the called one wrote."""

    def open_scope(self, name, owner, frame=None, *more):
        super().open_scope(name, owner, None, *more)
        if frame is not None:
            self.write(owner, frame.variables)


class CallsTakeNothingBack(Host):
    def hand_back(self, scope, owner):
        return True


class InstancesWriteForAll(Host):
    """Trap 16: what one child writes, the others see."""

    def write(self, token, values):
        self.store.write(values)
        super().write(token, values)


class OnlyTheLastResultIsKept(Host):
    """Trap 16: a condition is evaluated on one child's data, and so many votes are lost."""

    def hand_back(self, scope, owner):
        if owner.instances is not None:
            owner.instances.results = dict.fromkeys(owner.instances.results)
        return super().hand_back(scope, owner)


class EverybodyMustVote(Host):
    def is_enough(self, owner):
        done = len(owner.instances.results)
        return super().is_enough(owner) if done == len(owner.instances.items) else False


class EnoughLeavesTheOthersWaiting(Host):
    """Trap 20: what cancelled children were doing goes on."""

    def is_enough(self, owner):
        owner.inner, inner = [], owner.inner
        enough = super().is_enough(owner)
        owner.inner = inner
        return enough


class AllInstancesAtOnce(Host):
    """Each instance of a sequence is opened with the first."""

    def begin_many(self, token):
        went = super().begin_many(token)
        if went is None:
            for index in range(token.instances.opened, len(token.instances.items)):
                self.open_instance(token, index, self.instance_frame(token, index))
        return went


class InstancesAreNumbered(Host):
    """A reordered list would move every vote."""

    def items_of(self, token):
        return [(str(number), item) for number, (_, item) in enumerate(super().items_of(token), 1)]


class MessagesGoOutWithoutTheirPayload(Host):
    def send(self, token):
        super().send(token)
        self.sent[-1] = replace(self.sent[-1], payload={})


class JoinsLookAtAllPasses(Host):
    """Trap 19: a branch that arrived on an earlier pass of the loop is taken for one that arrived now."""

    def join(self, token):
        arrived = token.workflow.data.setdefault(token.task_spec.name, set())
        arrived.add(token.parent.task_spec.name)
        if len(arrived) < len(token.task_spec._inputs):
            token._state = TaskState.WAITING
            return False
        for other in token.workflow.tasks.values():
            if other.task_spec is token.task_spec and other._state == TaskState.WAITING:
                other._state = TaskState.COMPLETED
        return True

    def prune(self):
        pass


class AnInclusiveJoinTakesTheFirstToken(Host):
    def may_merge(self, scope, spec, filled):
        return True


class AnInclusiveJoinWaitsForEveryFlow(Host):
    def may_merge(self, scope, spec, filled):
        return len(filled) == len(spec._inputs)


class EscalationsAreIgnored(Host):
    """Trap 6."""

    def escalate(self, token):
        return True


class AnEscalationComesOnce(Host):
    def rearm(self, token):
        if token.task_spec.node.trigger != ESCALATION:
            super().rearm(token)


class TerminatingEndsOneWayOnly(Host):
    """Trap 6: a terminate event is taken for a plain one."""

    def terminate(self, token):
        pass


class CyclesFireOnce(Host):
    def next_in_cycle(self, token):
        return None


class CyclesCatchUp(Host):
    """Trap 10: what was slept through comes in a burst."""

    def next_in_cycle(self, token):
        self.noticed = token.wait.due
        return super().next_in_cycle(token)


class ASkippedElementLosesItsValues(Host):
    def skip(self, token, values):
        super().skip(token, {})


class AnEditIsForgotten(Host):
    def edit(self, place, values):
        pass


class AMoveLeavesTheOtherBranches(Host):
    """The token alone is moved, whatever it leaves: a join waits for it for ever, or two ways go on."""

    def landing(self, token, to):
        found = super().landing(token, to)
        while token.workflow is not found.scope:
            token = token.workflow.owner
        return replace(found, leaves=(token,))


class AMoveGoesAnywhere(Host):
    def _leaving(self, standing, to):
        with suppress(Conflict):
            return super()._leaving(standing, to)
        return (standing,)


class AHandlerLeavesForTheMainWay(Host):
    def _leaving(self, standing, to):
        try:
            return super()._leaving(standing, to)
        except Conflict as conflict:
            if conflict.code != "move.out_of_handler":
                raise
            return (standing,)


class AMovedTokenLeavesItsEvents(Host):
    """What was armed on the activity it left stays armed."""

    def move(self, landing):
        for token in landing.leaves:
            token.cancel()
        super().move(replace(landing, leaves=()))


class AMovedTokenLeavesItsRivals(Host):
    """After an event-based gateway the other events go on waiting."""

    def move(self, landing):
        for token in landing.leaves:
            for event in boundary_events_of(token):
                event.cancel()
            token.cancel()
        super().move(replace(landing, leaves=()))


class AReturnGoesForth(Host):
    def returning(self, token, to):
        return self.landing(token, to)


class TwoEventsWin(Host):
    """Trap 2: after an event-based gateway, one event leaves the others waiting."""

    def rivals_of(self, token):
        return []


class DueTimersFireAlong(Host):
    """Trap 2: the run ends with a look at every other timer, and fires those that are due."""

    def settled(self):
        super().settled()
        for token, wait in self.waits().values():
            if isinstance(wait, TimerWait) and wait.due <= self.at and token.is_live and token.wait is wait:
                self.fire(token)
        super().settled()


class APlaceIsItsElementAlone(Machine):
    """Trap 2: completing a task a second time is accepted, if another activation of it happens to be open."""

    def _check(self, given):
        with suppress(Conflict):
            return super()._check(given)
        bare = str(getattr(given, "wait", "")).rpartition(":")[0]
        again = [address for address in self._waits if bare and address.rpartition(":")[0] == bare]
        return self._waits[again[0]][0] if again else super()._check(given)


class ARepeatableMessageComesOnce(Host):
    """Trap 20: a non-interrupting message boundary event fires once only."""

    def rearm(self, token):
        pass


class ErrorsAreBroadcast(Host):
    """Trap 8: every activity that would catch this error does."""

    def throw(self, token, code, message):
        if not super().throw(token, code, message):
            return False
        for scope in list(self.scopes):
            for other in list(scope.tasks.values()):
                catcher = self.catcher_at(other, code) if other.is_live else None
                if catcher is not None and catcher.task_spec.node.error_code == code:
                    self.fire(catcher, {"code": code, "message": message})
        return True


class CatchAllComesFirst(Host):
    """The library takes whichever event equals the error, and an event without a code equals all."""

    def catcher_at(self, token, code):
        catching = [
            event
            for event in boundary_events_of(token)
            if event.task_spec.node.trigger == ERROR and event._state == TaskState.WAITING
        ]
        return next((event for event in catching if event.task_spec.node.error_code in ("", code)), None)


class ErrorsStayInTheirScope(Host):
    """Only the activity itself and the subprocess right around it are asked."""

    def throw(self, token, code, message):
        for standing in (token, token.workflow.owner):
            catcher = self.catcher_at(standing, code) if standing is not None else None
            if catcher is not None:
                self.fire(catcher, {"code": code, "message": message})
                return True
        return False


class AFailedScopeCompletesFirst(Host):
    """Trap 20: the end event only sets its catcher READY and completes; its scope goes on as if nothing had happened."""

    def end(self, token):
        node = token.task_spec.node
        if node is None or node.trigger != ERROR:
            return super().end(token)
        catcher, standing = None, token
        while catcher is None and standing is not None:
            standing = standing.workflow.owner
            catcher = self.catcher_at(standing, node.error_code) if standing is not None else None
        if catcher is None:
            return super().end(token)
        if catcher.task_spec.node.result:
            self.write(catcher, {catcher.task_spec.node.result: {"code": node.error_code, "message": ""}})
        catcher.is_fired = True
        catcher.task_spec._update(catcher)
        return True


class ScopesForgetTheirJobs(Host):
    """The library tracks no task that is STARTED."""

    def is_done(self, scope):
        return not any(token._state < TaskState.STARTED for token in scope.tasks.values())


class SubprocessesOutliveTheirTask(Host):
    """Trap 20: a cancelled task's subprocess lives on."""

    def cancelled(self, token):
        token.inner = []


class OrdinalsAreNotCounted(Host):
    def ordinal_of(self, token):
        token.ordinal = 1
        return 1


class SnapshotsForgetTheOrdinals(Machine):
    @classmethod
    def load(cls, process, snapshot):
        machine = super().load(process, snapshot)
        for scope in machine._host.scopes:
            scope.counters = {}
        return machine


class DurationsCountFromTheClock(Host):
    """Trap 10."""

    def due(self, token, text):
        return due_at(text, self.view(token), datetime.now(UTC)).at


class AFailingElementRaises(Host):
    """Traps 7 and 18: no way out, a failing expression."""

    def step(self, token):
        token.run()
        self.close_if_done(token.workflow)


class ZeroIsNoResult(Host):
    def complete(self, token, values):
        super().complete(token, {name: value for name, value in values.items() if value})


HOSTS = [
    WhatWasInterruptedIsLost,
    ScopesSeeTheDataTheyBeganWith,
    CalledFlowsShareTheCallersVariables,
    CallsTakeNothingBack,
    InstancesWriteForAll,
    OnlyTheLastResultIsKept,
    EverybodyMustVote,
    EnoughLeavesTheOthersWaiting,
    AllInstancesAtOnce,
    InstancesAreNumbered,
    MessagesGoOutWithoutTheirPayload,
    JoinsLookAtAllPasses,
    AnInclusiveJoinTakesTheFirstToken,
    AnInclusiveJoinWaitsForEveryFlow,
    EscalationsAreIgnored,
    AnEscalationComesOnce,
    TerminatingEndsOneWayOnly,
    CyclesFireOnce,
    CyclesCatchUp,
    ASkippedElementLosesItsValues,
    AnEditIsForgotten,
    AMoveLeavesTheOtherBranches,
    AMoveGoesAnywhere,
    AHandlerLeavesForTheMainWay,
    AMovedTokenLeavesItsEvents,
    AMovedTokenLeavesItsRivals,
    AReturnGoesForth,
    TwoEventsWin,
    DueTimersFireAlong,
    ARepeatableMessageComesOnce,
    ErrorsAreBroadcast,
    CatchAllComesFirst,
    ErrorsStayInTheirScope,
    AFailedScopeCompletesFirst,
    ScopesForgetTheirJobs,
    SubprocessesOutliveTheirTask,
    OrdinalsAreNotCounted,
    DurationsCountFromTheClock,
    AFailingElementRaises,
    ZeroIsNoResult,
]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.__name__)
def test_the_random_test_notices_a_rule_of_the_host_that_is_gone(host):
    assert first_mismatch(PROCESSES, 3, machine_on(host), checks_snapshots=False)


@pytest.mark.parametrize(
    "machine", [APlaceIsItsElementAlone, SnapshotsForgetTheOrdinals], ids=lambda made: made.__name__
)
def test_the_random_test_notices_a_rule_of_the_machine_that_is_gone(machine):
    assert first_mismatch(PROCESSES, 3, machine)


class LeavesByEveryFlow(HostedBoundaryEvent):
    """The library's own: a non-interrupting event leads to the join of its activity as well."""

    def next_specs(self):
        return list(self.outputs)


def leaving_by_every_flow(drawn: Drawn) -> Process:
    process = compile_process(*drawn)
    for spec in process.specs.values():
        for task_spec in spec.task_specs.values():
            if type(task_spec) is HostedBoundaryEvent:
                task_spec.__class__ = LeavesByEveryFlow
    return process


def handlers_always_interrupt(drawn: Drawn) -> Process:
    """Trap 21: the parser loses that an event subprocess does not interrupt."""
    xml = drawn.xml.replace(b'isInterrupting="false"', b'isInterrupting="true"')
    return compile_process(xml, drawn.decisions, drawn.called)


@pytest.mark.parametrize("compiled", [leaving_by_every_flow, handlers_always_interrupt])
def test_the_random_test_notices_a_diagram_that_is_read_wrong(compiled):
    assert any(is_mismatch(seed, compiled) for seed in PROCESSES)


def is_mismatch(seed: int, compiled: Callable[[Drawn], Process]) -> bool:
    tree = generate(seed)
    try:
        play = Play(tree, compiled(draw(tree, seed)), Random(f"{seed}/0"), checks_snapshots=False)
    except InvalidDiagram:
        return False  # a cycle timer that interrupts is refused
    try:
        play.run()
    except (Mismatch, LawBroken):
        return True
    return False


class NothingIsForgotten(Host):
    def prune(self):
        pass


def test_pruning_makes_no_difference():
    assert first_mismatch(range(1, 16), 2, machine_on(NothingIsForgotten)) == ""
