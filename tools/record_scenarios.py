"""Record the scenarios of a flow from the stories of its tests: `python -m tools.record_scenarios FLOW TESTS…`.

Every case of every story becomes a scenario where it can; of those, as few are kept as use every sequence flow that any of
them uses. Files are named after the stories; older ones of the flow are replaced.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from engine.errors import Conflict
from engine.flow.flow import Flow, load_flow
from engine.machine import Process, compile_process
from engine.replay.scenarios.playing import FOLDER, Scenario, coverage_of, run_scenario, write_scenario
from engine.replay.scenarios.recording import record_scenario
from engine.replay.what_if.recorded_cases import cases_of


@dataclass
class Recorder:
    """A pytest plugin: at the end of each story, its cases are recorded."""

    flow: Flow
    found: dict[str, Scenario] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: Any) -> None:  # Any: pytest.Item of a function
        for fixture in getattr(item, "funcargs", {}).values():
            sessions = getattr(fixture, "sessions", None)
            if sessions is not None:
                self._record(item, sessions)
                return

    def _record(self, item: Any, sessions: Any) -> None:
        # Without its parameters, which may be values somebody typed.
        told = item.originalname.removeprefix("test_").replace("_", " ")
        with sessions() as session:
            for case_id in reversed(cases_of(session, self.flow.key, None, None)):
                name = self._name(told)
                try:
                    self.found[name] = record_scenario(session, case_id, self.flow, told)
                except Conflict as conflict:
                    self.refused.append(f"{name}: {conflict.code} {conflict.facts.get('problem', '')}")

    def _name(self, told: str) -> str:
        name = re.sub(r"[^a-z0-9]+", "-", told.lower()).strip("-")
        numbered = (f"{name}-{number}" if number > 1 else name for number in itertools.count(1))
        return next(one for one in numbered if one not in self.found)


def fewest(flow: Flow, process: Process, found: dict[str, Scenario]) -> Iterator[str]:
    """Names of scenarios that together use every line that any uses: the one that adds most first, the shorter of equals."""
    used = {name: frozenset(run_scenario(flow, process, one).lines) for name, one in found.items()}
    left = frozenset().union(*used.values())
    while left:
        best = min(used, key=lambda name: (-len(used[name] & left), len(found[name].inputs), name))
        yield best
        left -= used[best]


def main(key: str, tests: list[str]) -> int:
    folder = ROOT / "bpmn" / key
    flow = load_flow(folder)
    process = compile_process(flow.bpmn, flow.decisions, flow.called)
    recorder = Recorder(flow)
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests], plugins=[recorder])
    target = folder / FOLDER
    target.mkdir(exist_ok=True)
    for old in target.glob("*.toml"):
        old.unlink()
    results = []
    for name in fewest(flow, process, recorder.found):
        Path(target / f"{name}.toml").write_text(write_scenario(recorder.found[name]))
        results.append(run_scenario(flow, process, recorder.found[name]))
    coverage = coverage_of(flow, process, results)
    print(
        f"{len(results)} of {len(recorder.found)} scenarios kept, {len(recorder.refused)} cases could not be recorded"
    )
    for line in recorder.refused:
        print(f"  {line}")
    print(
        f"not used: {', '.join(coverage.not_used) or 'none'}; not reached: {', '.join(coverage.not_reached) or 'none'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
