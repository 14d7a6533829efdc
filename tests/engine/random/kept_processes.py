"""A path through a process on which something failed: made smaller while it still fails the same way, and kept as a file.

Every file of `kept/` whose name begins with `process-` is a test (test_shrinking.py). It holds the tree, the seed of its drawing
and the inputs; an input finds its wait by its address, or in a smaller tree by its element, and is left out where there is none.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from engine.cases.journal import decode_input, encode_input
from engine.inputs import (
    CaseCancelled,
    CaseResumed,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    Started,
    TimerFired,
    TokenMoved,
    VariableEdited,
    WorkItemCompleted,
    WorkItemReturned,
)
from engine.machine import Machine, compile_process
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait
from tests.engine.random import blocks
from tests.engine.random.blocks import Tree
from tests.engine.random.drawing import draw
from tests.engine.random.play import Play
from tests.engine.random.run import Landed
from tests.engine.random.smaller import smaller_trees

KEPT = Path(__file__).parent / "kept"
SHRINKING_S = 60.0
ANSWERED: dict[type, type] = {  # what is not here answers every wait
    WorkItemCompleted: UserTaskWait,
    WorkItemReturned: UserTaskWait,
    JobSucceeded: JobWait,
    JobFailed: JobWait,
    JobGivenUp: JobWait,
    TimerFired: TimerWait,
    MessageReceived: MessageWait,
    IncidentRetried: IncidentWait,
}
_WHILE_SUSPENDED = (CaseResumed, CaseCancelled, VariableEdited)


@dataclass(frozen=True)
class KeptPath:
    """seed: of the drawing."""

    tree: Tree
    seed: int
    inputs: tuple[Input, ...]

    def failure(self, machine_class: type[Machine] = Machine) -> str:
        """How playing it fails: the kind of it, then the words; "" if it does not."""
        process = compile_process(*draw(self.tree, self.seed))
        play = Replay(self.tree, process, Random(self.seed), machine_class=machine_class)
        try:
            play.replay(self.inputs)
        except Exception as error:  # a changed host may break before it is wrong
            return f"{kind_of(error)}: {error}"
        return ""


class Replay(Play):
    def replay(self, inputs: tuple[Input, ...]) -> None:
        assert isinstance(inputs[0], Started)
        self.start(inputs[0])
        for given in inputs[1:]:
            fitting = self.fitting(given)
            if fitting is not None:
                self.take(fitting)
        self.check_replay()

    def fitting(self, given: Input) -> Input | None:
        """The input as it has a place in the case as it is; None where it has none."""
        given = replace(given, at=max(given.at, self.machine.at), computed={})
        if self.machine.is_ended or self.machine.is_suspended > isinstance(given, _WHILE_SUSPENDED):
            return None
        if isinstance(given, CaseResumed):
            return given if self.machine.is_suspended else None
        if not hasattr(given, "wait"):
            return given
        wait = next(self.waits_for(given), None)
        if wait is None:
            return None
        given = replace(given, wait=wait.address)
        if isinstance(given, TimerFired) and isinstance(wait, TimerWait):
            return replace(given, at=max(given.at, wait.due))
        if isinstance(given, TokenMoved | WorkItemReturned) and not isinstance(self.landing_of(given), Landed):
            return None
        return given

    def waits_for(self, given: Any) -> Iterator[Wait]:
        element = given.wait.rpartition("/")[2].partition(":")[0]
        found = self.machine.waits.get(given.wait)
        for wait in [*([found] if found else []), *self.machine.waits.values()]:
            is_other = isinstance(given, MessageReceived) and given.message != getattr(wait, "message", None)
            if wait.element == element and isinstance(wait, ANSWERED.get(type(given), object)) and not is_other:
                yield wait


def kind_of(error: Exception) -> str:
    """`waits` of "waits: machine …"; of what comes from elsewhere the class."""
    told = re.match(r"[a-z]+(?=:)", str(error))
    return f"{type(error).__name__} {told.group() if told else ''}".strip()


def shrunk(kept: KeptPath, machine_class: type[Machine] = Machine, seconds: float = SHRINKING_S) -> KeptPath:
    """The smallest that was found in time to fail the same way; `kept` itself where it does not fail."""
    until = time.monotonic() + seconds
    kind = kept.failure(machine_class).partition(":")[0]
    while kind and time.monotonic() < until:
        smaller = next((one for one in _smaller(kept) if _fails(one, machine_class, kind, until)), None)
        if smaller is None:
            break
        kept = smaller
    return kept


def _fails(kept: KeptPath, machine_class: type[Machine], kind: str, until: float) -> bool:
    if time.monotonic() > until:
        return False
    try:
        return kept.failure(machine_class).partition(":")[0] == kind
    except Exception:  # no longer a diagram
        return False


def _smaller(kept: KeptPath) -> Iterator[KeptPath]:
    """First half the path, then blocks, then single inputs."""
    count = len(kept.inputs)
    if count > 4:
        yield replace(kept, inputs=kept.inputs[: count // 2])
    if count > 1:
        yield replace(kept, inputs=kept.inputs[:-1])
    for tree in smaller_trees(kept.tree):
        yield replace(kept, tree=tree)
    for place in range(1, count):
        yield replace(kept, inputs=(*kept.inputs[:place], *kept.inputs[place + 1 :]))


# -- files


def keep(kept: KeptPath, why: str, file: Path) -> Path:
    content = {
        "why": why,
        "seed": kept.seed,
        "tree": _as_json(kept.tree),
        "inputs": [[type(given).__name__, json.loads(encode_input(given))] for given in kept.inputs],
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return file


def read_kept(file: Path) -> KeptPath:
    content = json.loads(file.read_text("utf-8"))
    inputs = tuple(decode_input(kind, json.dumps(fields).encode()) for kind, fields in content["inputs"])
    return KeptPath(_from_json(content["tree"]), content["seed"], inputs)


def _as_json(part: Any) -> Any:
    """A block as its class and the fields that are not what they are by default."""
    if isinstance(part, tuple):
        return [_as_json(item) for item in part]
    if not is_dataclass(part):
        return part
    own = {f.name: getattr(part, f.name) for f in fields(part)}
    given = {f.name for f in fields(part) if f.default is MISSING or own[f.name] != f.default}
    return {"block": type(part).__name__} | {name: _as_json(value) for name, value in own.items() if name in given}


def _from_json(part: Any) -> Any:
    if isinstance(part, list):
        return tuple(_from_json(item) for item in part)
    if isinstance(part, dict) and "block" in part:
        given = {name: _from_json(value) for name, value in part.items() if name != "block"}
        return getattr(blocks, part["block"])(**given)
    return part
