"""The ledger: which activities of a scope have been completed and may be compensated, in the order of their completion.

Pure data, kept in the snapshot with the scope it belongs to. What a frame would hold is kept as values and built again
when a handler needs it (compensation.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

AROUND = "around"  # a subprocess has no variables of its own: those it wrote, as they were when it was done
LOCAL = "local"  # an instance's own, before those around it
OWN = "own"  # a called flow's own

Json = Any  # JSON value


@dataclass(slots=True, eq=False)
class Part:
    """What was completed inside a completed subprocess, called flow or instance. frame: whose `variables` these are."""

    frame: str
    variables: dict[str, Json]
    ledger: list[Completed]


@dataclass(slots=True, eq=False)
class Completed:
    """One completion of an activity. address: of that activation. at: when, ISO 8601. given: what the activity gave then.

    parts: what is compensated in its place where it has no handler of its own; of an activity with several instances
    one each, as they were done. claimed: address of the throw event that compensates it, "" for none.
    """

    element: str
    address: str
    at: str
    given: dict[str, Json]
    parts: list[Part] = field(default_factory=list)
    claimed: str = ""


def plain(ledger: list[Completed]) -> list[Json]:
    """As the snapshot keeps it."""
    return [
        [one.element, one.address, one.at, one.given, one.claimed, plain_parts(one.parts)]
        if one.parts
        else [one.element, one.address, one.at, one.given, one.claimed]
        for one in ledger
    ]


def plain_parts(parts: list[Part]) -> list[Json]:
    return [[part.frame, part.variables, plain(part.ledger)] for part in parts]


def ledger_of(kept: list[Json]) -> list[Completed]:
    """From what plain() gave."""
    return [
        Completed(element, address, at, given, parts_of(parts[0]) if parts else [], claimed)
        for element, address, at, given, claimed, *parts in kept
    ]


def parts_of(kept: list[Json]) -> list[Part]:
    return [Part(frame, variables, ledger_of(inner)) for frame, variables, inner in kept]
