"""SpiffWorkflow's task specs, hosted: after parsing, each spec's class is swapped for one of these.

They keep SpiffWorkflow's graph, its XOR choice and its boundary split and join, and ask the host for everything that
depends on data, time, events, joins, scopes and errors. No hook stores anything on a spec. Children are made when a token
leaves its element: nothing is predicted.
"""

from __future__ import annotations

from typing import Any, ClassVar

from SpiffWorkflow.bpmn.specs import defaults as bpmn
from SpiffWorkflow.bpmn.specs.control import (
    BoundaryEventJoin,
    BoundaryEventSplit,
    BpmnStartTask,
    SimpleBpmnTask,
    _EndJoin,
)
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.specs.base import TaskSpec
from SpiffWorkflow.specs.ExclusiveChoice import ExclusiveChoice
from SpiffWorkflow.spiff.specs import defaults as spiff
from SpiffWorkflow.util.task import TaskState

from engine.spiff.process import Node
from engine.spiff.tree import Token


class Stopped(Exception):
    """The element cannot go on: its token stands there in an incident. message: for operators, names no value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Hosted(TaskSpec):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """What every hosted spec shares. node: the diagram's element, None for what the compiler added.

    stands_in: the state in which a token of this spec waits for the outside. is_scope: scopes open in it. is_each: the one
    task of an instance of a multi-instance activity. is_undoing: compensation handlers run in it. is_handler: it is one.
    """

    node: Node | None = None
    stands_in: ClassVar[int] = 0
    is_scope: ClassVar[bool] = False
    is_undoing: ClassVar[bool] = False
    is_each = False
    is_handler = False

    def _predict(self, my_task: Token, seen: Any = None, looked_ahead: int = 0, mask: int = 0) -> None:
        pass

    def _update_hook(self, my_task: Token) -> bool:
        return True

    def _run(self, my_task: Token) -> bool | None:
        result: bool | None = self._run_hook(my_task)
        return result

    def _run_hook(self, my_task: Token) -> bool | None:
        return True

    def _on_complete(self, my_task: Token) -> None:
        if not my_task._children:
            my_task._sync_children(self.next_specs(), TaskState.FUTURE)
        for child in my_task.children:
            if child.is_live:
                child.task_spec._update(child)

    def next_specs(self) -> list[Any]:
        specs: list[Any] = self.outputs
        return specs


class HostedStart(Hosted, BpmnStartTask):  # type: ignore[misc]
    pass


class HostedStartEvent(Hosted, bpmn.StartEvent):  # type: ignore[misc]
    def _on_complete(self, my_task: Token) -> None:
        if len(self.outputs) > 1:  # the compiler's, before the start events of a process that has several
            my_task._sync_children([my_task.workflow.host.chosen_start(self.outputs)], TaskState.FUTURE)
        Hosted._on_complete(self, my_task)


class HostedEndEvent(Hosted, bpmn.EndEvent):  # type: ignore[misc]
    """The token ends here; SpiffWorkflow's end join is left unplugged, a scope is done when no token lives in it."""

    def _run_hook(self, my_task: Token) -> bool | None:
        return my_task.workflow.host.end(my_task)

    def next_specs(self) -> list[Any]:
        return []


class HostedUserTask(Hosted, spiff.UserTask):  # type: ignore[misc]
    stands_in = TaskState.READY


class PlainServiceTask(spiff.NoneTask):  # type: ignore[misc]
    """What the parser makes of a service task: SpiffWorkflow's own evaluates its parameters on the task's data."""


class HostedServiceTask(Hosted, PlainServiceTask):
    stands_in = TaskState.STARTED

    def _run_hook(self, my_task: Token) -> bool | None:
        return None  # STARTED until the job's result comes in


class HostedRuleTask(Hosted, spiff.NoneTask):  # type: ignore[misc]
    def _run_hook(self, my_task: Token) -> bool | None:
        my_task.workflow.host.decide(my_task)
        return True


class HostedSubprocess(Hosted, spiff.SubWorkflowTask):  # type: ignore[misc]
    is_scope = True

    def _run_hook(self, my_task: Token) -> bool | None:
        my_task.workflow.host.open_scope(self.spec, my_task)
        return None  # STARTED until its scope has no live token


class HostedMultiInstance(Hosted, spiff.NoneTask):  # type: ignore[misc]
    """A call activity, or a subprocess: the diagram's own, or the one the compiler wrapped around a task (`spec`)."""

    is_scope = True

    def _run_hook(self, my_task: Token) -> bool | None:
        is_over: bool | None = my_task.workflow.host.begin_many(my_task)
        return is_over  # STARTED until it has enough of its instances


class HostedCallActivity(Hosted, spiff.NoneTask):  # type: ignore[misc]
    is_scope = True

    def _run_hook(self, my_task: Token) -> bool | None:
        my_task.workflow.host.call(my_task)
        return None  # STARTED until the called flow has no live token


class HostedThrowEvent(Hosted, spiff.NoneTask):  # type: ignore[misc]
    def _run_hook(self, my_task: Token) -> bool | None:
        went: bool | None = my_task.workflow.host.throw_on(my_task)
        return went


class _Undoing(Hosted):
    """Compensation: STARTED until the handlers of what this event compensates are done."""

    is_scope = True
    is_undoing = True

    def _run_hook(self, my_task: Token) -> bool | None:
        is_over: bool | None = my_task.workflow.host.compensate(my_task)
        return is_over


class HostedCompensation(_Undoing, spiff.NoneTask):  # type: ignore[misc]
    pass


class HostedCompensationEnd(_Undoing, HostedEndEvent):
    pass


class HostedExclusiveGateway(Hosted, bpmn.ExclusiveGateway):  # type: ignore[misc]
    def _run_hook(self, my_task: Token) -> bool | None:
        try:
            ExclusiveChoice._run_hook(self, my_task)
        except WorkflowException as error:
            raise Stopped("gateway.no_way_out", "没有一个出口条件成立，也没有默认出口") from error
        return True


class HostedInclusiveGateway(Hosted, bpmn.InclusiveGateway):  # type: ignore[misc]
    """Joins when no token can come any more by a flow that has none (Host.merge); leaves by every flow that holds."""

    def _update_hook(self, my_task: Token) -> bool:
        if len(self._inputs) > 1:
            my_task._state = TaskState.WAITING
            return False
        return True

    def _run_hook(self, my_task: Token) -> bool | None:
        matches, defaults = self._get_matching_outputs(my_task)  # the library takes the default along with what holds
        if not matches and not defaults:
            raise Stopped("gateway.no_way_out", "没有一个出口条件成立，也没有默认出口")
        my_task._sync_children(matches or defaults, TaskState.FUTURE)
        return True


class HostedParallelGateway(Hosted, bpmn.ParallelGateway):  # type: ignore[misc]
    def _update_hook(self, my_task: Token) -> bool:
        may_fire: bool = my_task.workflow.host.join(my_task)
        return may_fire


class HostedEventBasedGateway(Hosted, bpmn.EventBasedGateway):  # type: ignore[misc]
    """Passes its token to all its events at once; the first to fire takes the others away (Host.fire)."""


class HostedCatchEvent(Hosted, bpmn.IntermediateCatchEvent):  # type: ignore[misc]
    stands_in = TaskState.WAITING

    def _update_hook(self, my_task: Token) -> bool:
        return _fired(my_task)


class HostedBoundarySplit(Hosted, BoundaryEventSplit):  # type: ignore[misc]
    pass


class HostedBoundaryEvent(Hosted, bpmn.BoundaryEvent):  # type: ignore[misc]
    stands_in = TaskState.WAITING

    def _update_hook(self, my_task: Token) -> bool:
        return _fired(my_task)

    def next_specs(self) -> list[Any]:
        if self.cancel_activity:
            return list(self.outputs)
        # A non-interrupting event leaves the activity alone: its join would only stand there until the activity ends.
        return [spec for spec in self.outputs if not isinstance(spec, BoundaryEventJoin)]


class HostedBoundaryJoin(Hosted, BoundaryEventJoin):  # type: ignore[misc]
    """SpiffWorkflow's own: the activity done takes its events away, an interrupting event takes the activity away."""

    def _update_hook(self, my_task: Token) -> bool:
        may_fire: bool = BoundaryEventJoin._update_hook(self, my_task)
        return may_fire

    def _do_join(self, my_task: Token) -> None:
        pass  # there is never a second token of one split at its join


class HostedEndJoin(Hosted, _EndJoin):  # type: ignore[misc]
    pass


class HostedEnd(Hosted, SimpleBpmnTask):  # type: ignore[misc]
    pass


def boundary_events_of(token: Token) -> list[Token]:
    """The boundary events on this one activity that are still in the tree."""
    split = token.parent
    if split is None or not isinstance(split.task_spec, HostedBoundarySplit):
        return []
    return [child for child in split.children if isinstance(child.task_spec, HostedBoundaryEvent)]


def activity_of(token: Token) -> Token | None:
    """The activity a boundary event sits on."""
    split = token.parent
    if split is None:
        return None
    return next((child for child in split.children if not isinstance(child.task_spec, HostedBoundaryEvent)), None)


def _fired(my_task: Token) -> bool:
    """An event definition is one flag, set by the host on one token."""
    if not my_task.is_fired:
        my_task._state = TaskState.WAITING
    return my_task.is_fired
