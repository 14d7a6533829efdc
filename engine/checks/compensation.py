"""Compensation: handlers, boundary events, and what a throw event can reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.compensation import reach_findings, read_compensation
from engine.flow.diagram import Diagram


def check_compensation(diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    """Of all diagrams of a flow: a throw event may reach into a called one."""
    parts = [read_compensation(diagram) for diagram in diagrams]
    for part in parts:
        yield from (found(*finding) for finding in part.findings)
    yield from (found(*finding) for finding in reach_findings(parts))
