"""What the reference keeps of completed activities, and the frames their compensation handlers see.

A handler is not told what was kept; it gets a frame in which that stands before what is there now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from tests.engine.random.blocks import Block
from tests.engine.random.frames import Frame

Around = Callable[[Frame], Frame]  # from the frame around an activity to the one inside it, as it was


class Noting(MutableMapping[str, Any]):
    """Variables that go through to others, with the names of those written by this way."""

    def __init__(self, under: MutableMapping[str, Any]) -> None:
        self.under = under
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        return self.under[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.under[name] = value
        self.names.add(name)

    def edit(self, values: Mapping[str, Any]) -> None:
        """Written by an operator, and so by nothing of what runs here."""
        edit(self.under, values)

    def __delitem__(self, name: str) -> None:
        raise AssertionError("no variable is ever deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self.under)

    def __len__(self) -> int:
        return len(self.under)

    @property
    def written(self) -> dict[str, Any]:
        return {name: self.under[name] for name in self.names}


class Recalling(Noting):
    """The same with some of them as they once were, until they are written."""

    def __init__(self, under: MutableMapping[str, Any], once: dict[str, Any]) -> None:
        super().__init__(under)
        self.once = once

    def __getitem__(self, name: str) -> Any:
        return self.once[name] if name in self.once else self.under[name]

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self.once.pop(name, None)

    def edit(self, values: Mapping[str, Any]) -> None:
        super().edit(values)
        for name in values:
            self.once.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self.under), **dict.fromkeys(self.once)})

    def __len__(self) -> int:
        return len({*self.under, *self.once})


def edit(variables: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
    if isinstance(variables, Noting):
        variables.edit(values)
    else:
        variables.update(values)


def noting(frame: Frame) -> Frame:
    return Frame(Noting(frame.variables), frame.settings, frame.outer)


def recalling(once: dict[str, Any]) -> Around:
    return lambda frame: Frame(Recalling(frame.variables, once), frame.settings, frame.outer)


@dataclass(eq=False)
class Undoing:
    """One completion that may be undone. place: address of what it was an activation of, without the element.

    activity: what it counts as where it may be named now. around: from the outside in. by: who is to undo it.
    """

    activity: str
    place: str
    ordinal: str
    handler: Block
    gave: dict[str, Any]
    around: list[Around] = field(default_factory=list)
    by: Any = None

    def frame(self, outside: Frame) -> Frame:
        for inside in (*self.around, recalling(self.gave)):
            outside = inside(outside)
        return outside


def completion(activity: str, address: str, handler: Block, gave: dict[str, Any]) -> Undoing:
    stem, _, ordinal = address.rpartition(":")
    return Undoing(activity, stem.removesuffix(activity), ordinal, handler, gave)


def inside_frame(undoable: list[Undoing], frame: Frame, *, is_local: bool = False) -> list[Undoing]:
    """What was completed where this frame was, which is over now. is_local: it is seen before what is around it."""
    for one in undoable:
        one.around.insert(0, lambda outside: Frame(frame.variables, frame.settings, outside if is_local else None))
    return undoable


def inside_subprocess(undoable: list[Undoing], written: dict[str, Any]) -> list[Undoing]:
    for one in undoable:
        one.around.insert(0, recalling(written))
    return undoable


def counted_as(undoable: list[Undoing], activity: str) -> list[Undoing]:
    """What is undone in place of an activity without a handler."""
    for one in undoable:
        one.activity = activity
    return undoable
