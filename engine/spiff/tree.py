"""SpiffWorkflow's task tree without its clock, random ids, logging and prediction.

A `Token` is SpiffWorkflow's Task, a `Scope` its (sub)workflow: one instance of a process or subprocess.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from SpiffWorkflow.bpmn.util.subworkflow import BpmnBaseWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.spiff.ledger import Completed, Part
from engine.spiff.process import UNDO, Process
from engine.spiff.store import Store
from engine.waits import Wait

_NOTHING: Any = MappingProxyType({})


NO_INSTANCE = -1


class Instances:
    """How far a multi-instance activity is. items: (key, item). results: by place in the list. opened: how many ever were."""

    __slots__ = ("items", "opened", "results")

    def __init__(self, items: list[tuple[str, Any]], results: dict[int, Any] | None = None, opened: int = 0) -> None:
        self.items = items
        self.results = results or {}
        self.opened = opened

    def collected(self) -> list[Any]:
        """The results so far, in the order of the list."""
        return [self.results[index] for index in sorted(self.results)]


class ScopeHost(Protocol):
    """What a scope and the elements in it ask of the host they run in; it is engine/spiff/rules/host.py that answers.

    A rule that gives True or False says whether the element is done; None: it stands until the host completes it.
    """

    engine: Any  # SpiffWorkflow's script engine
    process: Process
    scopes: list[Scope]
    queue: deque[Token]

    def view(self, token: Token) -> Mapping[str, Any]: ...

    def chosen_start(self, specs: list[Any]) -> Any: ...

    def end(self, token: Token) -> bool | None: ...

    def decide(self, token: Token) -> None: ...

    def open_scope(self, name: str, owner: Token) -> None: ...

    def begin_many(self, token: Token) -> bool | None: ...

    def call(self, token: Token) -> None: ...

    def throw_on(self, token: Token) -> bool | None: ...

    def compensate(self, token: Token) -> bool | None: ...

    def join(self, token: Token) -> bool: ...

    def cancelled(self, token: Token) -> None: ...


class Scope(BpmnBaseWorkflow):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """One activation of a process or a subprocess.

    owner: the subprocess's token in the scope around, None for the whole process. path: prefix of the addresses inside,
    `Check:2/` or "". frame: the variables seen and written in it. index: which
    instance of a multi-instance owner. counters: how often each element became active in it.
    ledger, wrote: what was completed in it and may be compensated, and the variables written in it (compensation.py).
    """

    def __init__(
        self, host: ScopeHost, name: str, owner: Token | None, path: str, frame: Store, index: int = NO_INSTANCE
    ) -> None:
        self.host = host
        self.name = name
        self.spec = host.process.specs[name]
        self.owner = owner
        self.path = path
        self.frame = frame
        self.index = index
        self.counters: dict[str, int] = {}
        self.ledger: list[Completed] = []
        self.wrote: set[str] = set()
        self.tasks: dict[int, Token] = {}
        self.next_id = 0
        self.data: dict[str, Any] = {}  # read by SpiffWorkflow's conditions, always empty

    @property
    def script_engine(self) -> Any:
        return self.host.engine

    @property
    def is_undoing(self) -> bool:
        """A compensation handler runs in it; `path` is the handler's own address and what is inside it."""
        return self.name.startswith(UNDO)

    @property
    def top_workflow(self) -> Scope:
        return self.host.scopes[0]


class Token(Task):  # type: ignore[misc]
    """One token (or its trace, until pruned) at an element of a scope.

    Its `data` stays empty: variables live in the host's store. ordinal: 0 until the token got its place among the
    activations of its element. inner: the scopes
    open in it. wait: what it waits for, set when the machine has settled. incident: (code, message) of why
    it could not go on. is_entered, is_left: what the activity history knows. given: the variables an activity writes when it is
    completed; parts: what was completed inside it (compensation.py).
    """

    data = _NOTHING
    internal_data = _NOTHING
    triggered = False
    cycle: Any = None  # (next due, firings left) of a cycle timer between a firing and the settling after it
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
        self.inner: list[Scope] = []
        self.given: Mapping[str, Any] | None = None
        self.parts: list[Part] = []
        self.instances: Any = None  # Instances of a multi-instance activity under way
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
