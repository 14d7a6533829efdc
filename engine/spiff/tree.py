"""SpiffWorkflow's task tree without its clock, random ids, logging and prediction.

A `Token` is SpiffWorkflow's Task, a `Scope` its (sub)workflow: one instance of a process or subprocess.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnBaseWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.spiff.store import Store
from engine.waits import Wait

if TYPE_CHECKING:
    from engine.spiff.host import Host

_NOTHING: Any = MappingProxyType({})


class Scope(BpmnBaseWorkflow):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """One activation of a process or a subprocess.

    owner: the subprocess's token in the scope around, None for the whole process. path: prefix of the addresses inside,
    `Check:2/` or "". frame: the variables seen and written in it. counters: how often each element became active in it.
    """

    def __init__(self, host: Host, name: str, owner: Token | None, path: str, frame: Store) -> None:
        self.host = host
        self.name = name
        self.spec = host.process.specs[name]
        self.owner = owner
        self.path = path
        self.frame = frame
        self.counters: dict[str, int] = {}
        self.tasks: dict[int, Token] = {}
        self.next_id = 0
        self.data: dict[str, Any] = {}  # read by SpiffWorkflow's conditions, always empty

    @property
    def script_engine(self) -> Any:
        return self.host.engine

    @property
    def top_workflow(self) -> Scope:
        return self.host.scopes[0]


class Token(Task):  # type: ignore[misc]
    """One token (or its trace, until pruned) at an element of a scope.

    Its `data` stays empty: variables live in the host's store. ordinal: 0 until the token got its place among the
    activations of its element. wait: what it waits for, set when the machine has settled. incident: (code, message) of why
    it could not go on. is_entered, is_left: what the activity history knows.
    """

    data = _NOTHING
    internal_data = _NOTHING
    triggered = False
    thread_id = 0

    def __init__(
        self, workflow: Scope, task_spec: Any, parent: Token | None = None, state: int = TaskState.FUTURE
    ) -> None:
        self.id = workflow.next_id
        workflow.next_id += 1
        workflow.tasks[self.id] = self
        self.workflow = workflow
        self.task_spec = task_spec
        self._parent: int | None = None
        self._children: list[int] = []
        self._state = state
        self.ordinal = 0
        self.wait: Wait | None = None
        self.incident: tuple[str, str] | None = None
        self.inner: Scope | None = None
        self.is_fired = False
        self.is_entered = False
        self.is_left = False
        if parent is not None:
            self._parent = parent.id
            parent._children.append(self.id)

    def _add_child(self, task_spec: Any, state: int = TaskState.FUTURE) -> Token:
        return Token(self.workflow, task_spec, self, state)

    def _set_state(self, value: int) -> None:
        self._state = value

    def _inherit_data(self) -> None:
        pass

    def _ready(self) -> None:
        if self._state < TaskState.COMPLETED:
            self._state = TaskState.READY
            self.workflow.host.queue.append(self)

    @property
    def is_live(self) -> bool:
        return bool(self._state < TaskState.COMPLETED)

    def cancel(self) -> None:
        if self.is_live:
            self._state = TaskState.CANCELLED
            self.workflow.host.cancelled(self)
