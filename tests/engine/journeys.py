"""Journeys that are booked and given back: the processes of the compensation tests."""

from __future__ import annotations

from engine.machine import Process
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram, Scope


def booked(d: Scope, *activities: str) -> None:
    """Service tasks `book_<name>` that give `<name>`, each undone by a service task `free_<name>` that is told it."""
    for name in activities:
        d.service(f"book_{name}", result=name)
        d.service(f"free_{name}", which=name)
        d.undone_by(f"book_{name}", f"free_{name}")


def a_journey(*, only: str = "") -> Diagram:
    """begin → book_hotel → book_flight → decide (a person) → undo (throws) → done."""
    d = Diagram()
    d.start("begin")
    booked(d, "hotel", "flight")
    d.user("decide")
    d.throw("undo", d.compensation(only))
    d.end("done", outcome="undone")
    d.flow("begin", "book_hotel", "book_flight", "decide", "undo", "done")
    return d


def undoing(process: Process) -> PlayedCase:
    case = PlayedCase(process)
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")
    case.completes("decide:1")
    return case


def with_a_way_out(d: Diagram) -> Diagram:
    """The journey, whose flight's handler has an error boundary that leads to a person."""
    d.boundary("refused", "free_flight", d.error("refused"), result="why")
    d.user("settle")
    d.end("settled")
    d.flow("refused", "settle", "settled")
    return d
