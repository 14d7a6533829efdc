"""Load + complete one user task + run to the next wait + dump, no database: the machine against stock SpiffWorkflow.

Diagram: bpmn/real_name. Both sides are measured in this run, interleaved, on cases of equal history; medians, wall clock.
The write path with journal, encryption and a database is benchmarks/engine_store.py.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.baselines import stock
from benchmarks.fixtures import real_name as flow
from engine.inputs import JobSucceeded, Started, WorkItemCompleted
from engine.machine import Machine, Process, compile_process

OURS, EMBEDDED, CACHED = "ours", "stock, spec embedded", "stock, spec cached"
ROUNDS = 15  # of each side at each length; ours runs INNER times a round
INNER = 40


def at_information(process: Process, loops: int) -> Machine:
    """A case that stands at `information` for the loops+1-st time."""
    machine, _ = Machine.start(process, Started(at=flow.AT, by="wx:1", settings=flow.SETTINGS))
    machine.apply(WorkItemCompleted(at=flow.AT, wait="consent:1", by="wx:1", values=flow.CONSENT))
    machine.apply(JobSucceeded(at=flow.AT, wait="record_consent:1"))
    for n in range(1, loops + 1):
        machine.apply(WorkItemCompleted(at=flow.AT, wait=f"information:{n}", by="wx:1", values=flow.INFORMATION))
        machine.apply(JobSucceeded(at=flow.AT, wait=f"check_information:{n}", result=flow.WRONG))
    return machine


def step(process: Process, snapshot: bytes, loops: int) -> bytes:
    machine = Machine.load(process, snapshot)
    machine.apply(WorkItemCompleted(at=flow.AT, wait=f"information:{loops + 1}", by="wx:1", values=flow.INFORMATION))
    return machine.dump()


def measured() -> dict[int, dict[str, dict[str, float]]]:
    """By loops done, by side: median ms of a step, bytes of the saved state."""
    process = compile_process(flow.BPMN, flow.DECISIONS)
    embedded, cached = stock.serializer(is_spec_cached=False), stock.serializer(is_spec_cached=True)
    workflow, done = stock.at_information(), 0
    found: dict[int, dict[str, dict[str, float]]] = {}
    for loops in flow.LOOPS:
        while done < loops:
            stock.loop(workflow)
            done += 1
        snapshot = at_information(process, loops).dump()
        states = {EMBEDDED: embedded.serialize_json(workflow), CACHED: cached.serialize_json(workflow)}
        sides: dict[str, tuple[int, Callable[[], Any]]] = {
            OURS: (INNER, partial(step, process, snapshot, loops)),
            EMBEDDED: (1, partial(stock.step, states[EMBEDDED], embedded)),
            CACHED: (1, partial(stock.step, states[CACHED], cached)),
        }
        times = timed(sides)
        sizes = {OURS: len(snapshot), **{side: len(state) for side, state in states.items()}}
        found[loops] = {side: {"ms": statistics.median(times[side]), "bytes": sizes[side]} for side in sides}
    return found


def timed(sides: dict[str, tuple[int, Callable[[], Any]]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(ROUNDS + 1):
        for side, (inner, run) in sides.items():
            for _ in range(inner):
                began = time.perf_counter()
                run()
                if number:  # the first round warms up
                    times[side].append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    found = measured()
    ours = {loops: found[loops][OURS]["ms"] for loops in flow.LOOPS}
    rows = []
    for loops, must in ((0, 0.25), (100, 0.02)):
        base = found[loops][EMBEDDED]["ms"]
        ratio = ours[loops] / base
        rows.append(row(f"one step, {loops} loops, of stock SpiffWorkflow", ours[loops], base, ratio, must))
    rows.append(row("one step, 100 loops, of 0 loops", ours[100], ours[0], ours[100] / ours[0], 1.2))
    result = {
        "title": "Engine, one user task, no database",
        "rows": rows,
        "medians": {str(loops): sides for loops, sides in found.items()},
        "of_stock_embedded": {str(n): round(ours[n] / found[n][EMBEDDED]["ms"], 5) for n in flow.LOOPS},
        "of_stock_cached": {str(n): round(ours[n] / found[n][CACHED]["ms"], 5) for n in flow.LOOPS},
    }
    print(json.dumps(result, ensure_ascii=False))


def row(figure: str, ours: float, base: float, ratio: float, must: float) -> dict[str, Any]:
    return {
        "figure": figure,
        "ours": f"{ours:.3f} ms ({ratio:.4f})",
        "baseline": f"{base:.3f} ms",
        "must": f"≤ {must}",
        "holds": ratio <= must,
    }


if __name__ == "__main__":
    main()
