"""What the inputs wrote, frame by frame: told from addresses and the tree alone, without running anything.

A frame is known by the address of what has it: a call activity, an instance of a multi-instance activity, "" for the case.
Known are variables that inputs write; what decisions, calls and collected results write has names of its own.
"""

from __future__ import annotations

from typing import Any

from engine.inputs import (
    ElementSkipped,
    IncidentRetried,
    Input,
    JobSucceeded,
    MessageReceived,
    Started,
    VariableEdited,
    WorkItemCompleted,
)
from tests.engine.random import blocks
from tests.engine.random.blocks import Tree

UNKNOWN = object()  # written in one of several frames


class Ledger:
    def __init__(self, tree: Tree) -> None:
        self.frames: dict[str, dict[str, Any]] = {"": {}}
        self.calls: set[str] = set()
        self.alone: set[str] = set()  # multi-instance activities whose instances do not see what is around them
        self.many: set[str] = set()
        self.results: dict[str, str] = {}  # element → the variable that takes what it brings
        for part in tree.parts:
            self._learn(part)

    def _learn(self, part: Any) -> None:
        match part:
            case blocks.Many():
                self.many.add(part.id)
                if isinstance(part.inner, blocks.Call):
                    self.alone.add(part.id)
                self._learn(part.inner if isinstance(part.inner, blocks.Job) else None)
            case blocks.Call():
                self.calls.add(part.id)
            case blocks.Job():
                self.results[part.id] = part.result
            case blocks.Catch() | blocks.Boundary() if isinstance(part.event, blocks.Message):
                self.results[part.id] = part.event.result
            case blocks.EventSub() if isinstance(part.event, blocks.Message):
                self.results[part.start] = part.event.result

    # -- frames

    def frame_of(self, address: str) -> str:
        """The frame what is at this address sees and writes."""
        segments = address.split("/")
        for length in range(len(segments), 0, -1):
            segment = segments[length - 1]
            is_around = length < len(segments)
            if "@" in segment or (is_around and element_of(segment) in self.calls):
                return "/".join(segments[:length])
        return ""

    def visible(self, frame: str) -> dict[str, Any]:
        """By name, what was written last in this frame or, where it sees them, in those around it."""
        own = self.frames.get(frame, {})
        if not frame or element_of(frame.rpartition("/")[2]) in self.calls | self.alone:
            return own
        return {**self.visible(self.frame_of(f"{frame.rpartition('/')[0]}/_")), **own}

    # -- what inputs write

    def write(self, given: Input) -> None:
        match given:
            case Started():
                self.frames[""] = dict(given.variables)
            case VariableEdited():
                self._put(self.frame_of(f"{given.place}/_") if given.place else "", given.values)
            case WorkItemCompleted() | ElementSkipped():
                self._put(self.frame_of(given.wait), given.values)
            case JobSucceeded():
                self._bring(given.wait, given.result)
            case MessageReceived():
                self._bring(given.wait, dict(given.payload))
            case IncidentRetried():
                self._retry(given)

    def _put(self, frame: str, values: Any) -> None:
        self.frames.setdefault(frame, {}).update(values)

    def _bring(self, address: str, value: Any) -> None:
        name = self.results.get(element_of(address.rpartition("/")[2]), "")
        if name:
            self._put(self.frame_of(address), {name: value})

    def _retry(self, given: IncidentRetried) -> None:
        last = given.wait.rpartition("/")[2]
        if "@" in last or element_of(last) not in self.calls | self.many:
            return self._put(self.frame_of(given.wait), given.variables)
        inner = [f for f in self.frames if f.startswith((f"{given.wait}/", f"{given.wait}@")) or f == given.wait]
        for frame in {self.frame_of(given.wait), given.wait, *inner}:
            self._put(frame, dict.fromkeys(given.variables, UNKNOWN))
        return None


def element_of(segment: str) -> str:
    """The element in one segment of an address: `Each4` of `Each4:1@p`."""
    return segment.partition(":")[0]
