"""What a what-if run comes to: totals, from which end to which, and the reviewers' hours it would add or save."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from engine.replay.what_if.comparison import KINDS, LACKS, SAME_END, CaseOutcome, work_of

Json = dict[str, Any]  # Any: a JSON object

MEASURED_ITEMS = 50_000  # newest decided items that the medians come from


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people take from claim to completion at one element. n: how many were measured."""

    median_s: float
    n: int


def paces(session: Session, flow_key: str) -> dict[str, Pace]:
    """By element, of the flow's newest decided items that somebody had claimed."""
    decided = (
        select(WAITING.c.element, WAITING.c.claimed_at, WAITING.c.closed_at)
        .where(
            WAITING.c.flow_key == flow_key,
            spelled(WAITING.c.kind, WaitKind.WORK_ITEM),
            WAITING.c.state == WorkItemState.COMPLETED,
            WAITING.c.claimed_at.is_not(None),
        )
        .order_by(WAITING.c.id.desc())
        .limit(MEASURED_ITEMS)
    )
    took: dict[str, list[float]] = {}
    for element, claimed_at, closed_at in session.execute(decided):
        took.setdefault(element, []).append((closed_at - claimed_at).total_seconds())
    return {element: Pace(statistics.median(found), len(found)) for element, found in took.items()}


def report_of(outcomes: Sequence[CaseOutcome], pace: Mapping[str, Pace], elements: Mapping[str, str]) -> Json:
    """JSON: `cases`, `totals` by kind, `matrix` of old end → new end, `differences` (every case that is not the same),

    `reviewer_hours`. elements: renamed elements, old id → new id: the old one's pace is the new one's.
    """
    totals = Counter(one.kind for one in outcomes)
    matrix = Counter((one.old, one.new) for one in outcomes if one.new)
    return {
        "cases": len(outcomes),
        "totals": {kind: totals[kind] for kind in KINDS},
        "matrix": [
            {"old": old, "new": new, "cases": count}
            for (old, new), count in sorted(matrix.items(), key=lambda each: (-each[1], each[0]))
        ],
        "lacking": _counted(outcomes, "lacks"),
        "misfits": _misfits(outcomes),
        "differences": [_difference(one) for one in outcomes if one.kind != SAME_END],
        "reviewer_hours": _hours(outcomes, pace, elements),
    }


def _counted(outcomes: Iterable[CaseOutcome], kind: str) -> list[Json]:
    found = Counter(element for one in outcomes if one.kind == kind for element in one.elements)
    return [{"element": element, "cases": count} for element, count in found.most_common()]


def _misfits(outcomes: Iterable[CaseOutcome]) -> list[Json]:
    found = Counter((one.elements, one.why, one.detail) for one in outcomes if one.kind == "does_not_fit")
    return [
        {"element": elements[0] if elements else "", "why": why, "detail": detail, "cases": count}
        for (elements, why, detail), count in found.most_common()
    ]


def _difference(one: CaseOutcome) -> Json:
    return {
        "case": one.case_id,
        "kind": one.kind,
        "old": one.old,
        "new": one.new,
        "elements": list(one.elements),
        "seq": one.seq,
        "why": one.why,
        "detail": one.detail,
    }


def _hours(outcomes: Sequence[CaseOutcome], pace: Mapping[str, Pace], elements: Mapping[str, str]) -> Json:
    """An element nobody ever worked at has no median: its items are counted, its hours are not known.

    open_ended_cases: that stop where a result is lacking and what would follow is not sure; they count up to there.
    """
    found_before, after = work_of(outcomes)
    before: Counter[str] = Counter()
    for element, count in found_before.items():
        before[elements.get(element, element)] += count
    old_names = {new: old for old, new in elements.items()}
    lines: list[Json] = []
    for element in sorted(before | after):
        known = pace.get(old_names.get(element, element))
        change = after[element] - before[element]
        lines.append(
            {
                "element": element,
                "items_before": before[element],
                "items_after": after[element],
                "median_minutes": round(known.median_s / 60, 2) if known else None,
                "n": known.n if known else 0,
                "hours": round(change * known.median_s / 3600, 2) if known else None,
            }
        )
    known_hours = [line["hours"] for line in lines if line["hours"] is not None]
    unknown = [
        line["element"] for line in lines if line["hours"] is None and line["items_before"] != line["items_after"]
    ]
    open_ended = sum(one.kind == LACKS and not one.ahead for one in outcomes)
    return {"elements": lines, "hours": round(sum(known_hours), 2), "unknown": unknown, "open_ended_cases": open_ended}
