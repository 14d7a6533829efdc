"""The host, changed in one place at a time: the machine's tests, or the first random processes and graphs, must fail.

The full run only: each mutation is a copy of the engine and its tests in a temporary folder. What is changed must still be there
to be changed; that is told in every run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPIFF = ROOT / "engine" / "spiff"
COPIED = ("engine", "tests", "bpmn", "vault.py", "database.py", "config.py", "pyproject.toml")

# file, what stands there, what is put in its place
MUTATIONS = [
    (
        "calls.py",
        "self.open_scope(node.called, token, Store(given, self.store.settings))",
        "self.open_scope(node.called, token)",
    ),
    ("calls.py", "scope.frame.view))", "self.view(owner)))"),
    (
        "calls.py",
        "            owner.incident = incident_of(error)\n            return False",
        "            return True",
    ),
    ("codec.py", "    host.is_suspended = bool(suspended)", "    pass"),
    ("codec.py", "        token.instances = Instances(", "        Instances("),
    ("codec.py", "    token.ordinal = kept[3]", "    token.ordinal = 0"),
    ("events.py", "        self.rearm(token)\n", ""),
    ("events.py", "            rival.cancel()", "            pass"),
    ("events.py", "if node.result and payload is not None:", "if False:"),
    ("events.py", "catcher = self.catcher_at(standing, code, ESCALATION)", "catcher = None"),
    ("events.py", "standing = token.workflow.owner\n", "standing = None\n"),
    ("events.py", "wait.left - 1 if wait.left > 0 else wait.left", "wait.left"),
    ("events.py", "wait.due, self.noticed)", "wait.due, wait.due)"),
    ("events.py", "        if node.trigger == TERMINATE:", "        if False:"),
    ("events.py", "        payload = evaluated(node.payload, view)", "        payload = {}"),
    ("joins.py", "        if len(arrived) < len(token.task_spec._inputs):", "        if not arrived:"),
    (
        "joins.py",
        "                other._state = TaskState.COMPLETED\n        return True",
        "                pass\n        return True",
    ),
    ("joins.py", "            if ahead - filled and not ahead & filled:", "            if False:"),
    ("joins.py", "            if ahead - filled and not ahead & filled:", "            if ahead - filled:"),
    ("joins.py", "[token, *(event for event in boundary_events_of(token) if event.is_live)]", "[token]"),
    ("many.py", "        if count > MOST_INSTANCES:", "        if False:"),
    ("many.py", "        for scope in list(owner.inner):\n            self.cancel_scope(scope)\n", ""),
    (
        "many.py",
        "        first = 1 if token.task_spec.node.many.is_sequential else len(items)",
        "        first = len(items)",
    ),
    ("many.py", 'return {**written, "key": owner.instances.items[scope.index][0]}', "return written"),
    ("many.py", "if name != node.many.item}", "}"),
    ("many.py", 'keys.append(key if seen[key] == 1 else f"{key}~{seen[key]}")', "keys.append(key)"),
    ("many.py", "            self.write(owner, {many.output: owner.instances.collected()})", "            pass"),
    ("tree.py", "for index in sorted(self.results)]", "for index in self.results]"),
    ("operating.py", "        if region[: len(target)] != target:", "        if False:"),
    ("operating.py", "        if any(branch == BESIDE for _, branch in left):", "        if False:"),
    ("operating.py", "        self.note(token, SKIPPED)", "        pass"),
    ("operating.py", "            for event in boundary_events_of(token):\n                event.cancel()\n", ""),
    ("operating.py", "or not found.scope.counters.get(to):", "or False:"),
    ("scopes.py", "        for inner in list(token.inner):\n            self.cancel_scope(inner)\n", ""),
    ("scopes.py", "                if other is not kept:\n                    other.cancel()", "                pass"),
    ("host.py", "        self.report_stuck()\n", ""),
    ("host.py", "        self.write(token, values)\n        token.complete()", "        token.complete()"),
    ("state.py", "            self.ordinal_of(token)\n", ""),
    (
        "store.py",
        "        self.variables.update({name: json_value(value) for name, value in values.items()})",
        "        self.outer.write(values)",
    ),
    (
        "waiting.py",
        "due=host.due(token, node.timer) if token.cycle is None else token.cycle[0],",
        "due=host.due(token, node.timer),",
    ),
]
# These change nothing that can be seen, and why.
EQUIVALENT = {
    (
        "state.py",
        "            self.ordinal_of(token)\n",
    ): "an instance's task has its ordinal kept, and its address does not hold it"
}


@pytest.mark.parametrize(("file", "old", "new"), MUTATIONS)
def test_what_a_mutation_changes_is_there(file: str, old: str, new: str) -> None:
    assert (SPIFF / file).read_text("utf-8").count(old) >= 1
    assert old != new


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) - len(EQUIVALENT) >= 30


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("file", "old", "new"), [m for m in MUTATIONS if m[:2] not in EQUIVALENT])
def test_a_changed_host_is_noticed(file: str, old: str, new: str, tmp_path: Path) -> None:
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    changed = tmp_path / "engine" / "spiff" / file
    changed.write_text(changed.read_text("utf-8").replace(old, new, 1), "utf-8")

    assert not passes(tmp_path), f"nobody noticed: {file}: {old!r} → {new!r}"


def passes(folder: Path) -> bool:
    """Whether the machine's own tests pass there, and then some random processes and graphs."""
    machine_tests = sorted(
        str(path.relative_to(folder)) for path in (folder / "tests/engine").glob("test_machine_*.py")
    )
    random_play = (
        "from tests.engine.random.trial import play_processes\n"
        "from tests.engine.random.test_unstructured import play_graphs\n"
        "play_processes(1, 60, 3)\nplay_graphs(1, 60, 5)\n"
    )
    runs = (["-m", "pytest", "-q", "-x", "-p", "no:xdist", "-m", "not full", *machine_tests], ["-c", random_play])
    return all(
        subprocess.run(
            [sys.executable, *run],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            check=False,
        ).returncode
        == 0
        for run in runs
    )
