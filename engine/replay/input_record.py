"""A case's recorded inputs as a rerun uses them up, in what order it likes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from engine.inputs import CaseMigrated, Input, JobFailed, JobGivenUp, JobSucceeded
from engine.replay.carry_over import renamed_input
from engine.waits import element_of

Answer = JobSucceeded | JobFailed | JobGivenUp

_ORDINAL = re.compile(r":\d+")


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An input the candidate did not take. why: `element.gone`, `form.refused`, a code of the machine, `not_reached`."""

    seq: int
    kind: str
    element: str
    why: str
    detail: str = ""


def as_recorded(inputs: Sequence[Input], elements: Mapping[str, str]) -> list[tuple[int, Input]]:
    """The inputs with their seq, elements named as the last version names them; migrations themselves are left out."""
    recorded: list[tuple[int, Input]] = []
    for seq, given in enumerate(inputs, 1):
        if isinstance(given, CaseMigrated):
            recorded = [(n, renamed_input(one, given.elements)) for n, one in recorded]
        else:
            recorded.append((seq, given))
    return [(seq, renamed_input(given, elements)) for seq, given in recorded] if elements else recorded


class InputRecord:
    """What was recorded, and how far it is used.

    used: indexes of the inputs that found their place. instants: those of the calendar recorded up to here, at the elements
    that keep theirs.
    """

    def __init__(self, recorded: Sequence[tuple[int, Input]], keeps: frozenset[str]) -> None:
        """recorded: with their seq (`as_recorded`). keeps: elements whose recorded instants count."""
        self._recorded = recorded
        self._keeps = keeps
        self._answers: dict[str, deque[int]] = {}  # by address
        self.used: set[int] = set()
        self.instants: dict[str, datetime] = {}
        for index, (_, given) in enumerate(recorded):
            if isinstance(given, Answer):
                self._answers.setdefault(given.wait, deque()).append(index)

    def __len__(self) -> int:
        return len(self._recorded)

    def given(self, index: int) -> Input:
        return self._recorded[index][1]

    def told(self, index: int, why: str, detail: str = "") -> Unplaced:
        """This input as one that found no place."""
        seq, given = self._recorded[index]
        return Unplaced(seq, type(given).__name__, element_of(getattr(given, "wait", "")), why, detail)

    def keep_instants(self, given: Input) -> None:
        if given.computed:
            found = {place: at for place, at in given.computed.items() if element_of(place) in self._keeps}
            self.instants = {**self.instants, **found}

    def use_answer(self, address: str) -> Answer | None:
        """The next unused result of this activation; of the element, where this activation never happened."""
        index = self._answer_for(address)
        if index is None:
            return None
        self.used.add(index)
        given = cast(Answer, self.given(index))
        self.keep_instants(given)
        return given

    def _answer_for(self, address: str) -> int | None:
        own = self._answers.get(address)
        if own is not None:
            return self._next_unused(own)
        path = without_ordinals(address)
        others = [found for place, found in self._answers.items() if without_ordinals(place) == path]
        unused = [index for found in others for index in found if index not in self.used]
        return min(unused, default=None)

    def _next_unused(self, indexes: deque[int]) -> int | None:
        while indexes and indexes[0] in self.used:
            indexes.popleft()
        return indexes[0] if indexes else None


def without_ordinals(address: str) -> str:
    """The element in its kind of scope: `Check:2/scan:1` → `Check/scan`."""
    return _ORDINAL.sub("", address)
