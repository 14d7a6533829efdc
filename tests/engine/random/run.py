"""What every block of the reference under way is (see `reference.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tests.engine.random.blocks import Block

if TYPE_CHECKING:
    from tests.engine.random.reference import ScopeRun


class Went(Enum):
    """GOING: the block waits. THROUGH: it is done, the next one begins. ENDED: it ran into an end event."""

    GOING = auto()
    THROUGH = auto()
    ENDED = auto()


class Thrown(Exception):
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.known = {"code": code, "message": message}


class Escalated(Exception):
    """An escalation interrupts `by`, at its boundary event or event subprocess `catcher`."""

    def __init__(self, by: Any, catcher: Any, code: str) -> None:
        super().__init__(code)
        self.by, self.catcher, self.known = by, catcher, {"code": code}


class Terminated(Exception):
    """Everything in `scope` is over."""

    def __init__(self, scope: Any) -> None:
        super().__init__()
        self.scope = scope


@dataclass
class Open:
    """One wait. details: what else its kind says (see `comparison.py`). frame: where its element reads variables.

    pauses, scope: of a timer whose clock may stand still, for which lanes and in which scope's run.
    """

    address: str
    kind: str
    element: str
    due: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    frame: Any = None
    pauses: tuple[str, ...] = ()
    scope: Any = None


@dataclass(frozen=True)
class Landed:
    """A move, worked out (`moving.py`): the way through `root`, in `scope`, begins again at the element `to`.

    wait: the address of the wait that is left.
    """

    wait: str
    root: Run
    to: str
    scope: ScopeRun


class Run:
    """A block under way. above: the run that is told of errors this one does not catch."""

    def __init__(self, scope: ScopeRun, above: Run | None) -> None:
        self.scope, self.above, self.case, self.frame = scope, above, scope.case, scope.frame

    def begin(self) -> Went:
        raise NotImplementedError

    def feed(self, given: Any) -> Went | None:
        """None: the input is for somewhere else."""
        raise NotImplementedError

    def open(self) -> Iterator[Open]:
        raise NotImplementedError

    def under(self) -> Iterator[Run]:
        """The runs right inside this one."""
        return iter(())

    def enter(self, to: str) -> Went:
        """Begin in the middle, at the element `to` of this block."""
        raise NotImplementedError

    def catches(self, code: str) -> bool:
        return self.above is not None and self.above.catches(code)

    def escalate(self, code: str) -> None:
        """Tell the nearest catcher around this. Raises Escalated where that interrupts."""
        if self.above is not None:
            self.above.escalate(code)


RunOf = Callable[[Block, "ScopeRun", "Run | None"], Run]
