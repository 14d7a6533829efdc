"""The host, changed in one place at a time: the first random processes and graphs, or the machine's tests, must fail.

Each mutation is a copy of the engine in a temporary folder. The full run tries all of them; every run tries one for each kind of
element that came after the first ones, on the random processes alone, and tells that what is changed is there to be changed.
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

# file, what stands there, what is put in its place
MUTATIONS = [
    (
        "rules/calls.py",
        "self.open_scope(node.called, token, Store(given, self.store.settings))",
        "self.open_scope(node.called, token)",
    ),
    ("rules/calls.py", "scope.frame.view))", "self.view(owner)))"),
    (
        "rules/calls.py",
        "            owner.incident = incident_of(error)\n            return False",
        "            return True",
    ),
    ("rules/clocks.py", "wait.due is not None and wait.due > self.at", "wait.due is not None"),
    ("rules/clocks.py", ' and f"{wait.address}/".startswith(path)', ""),
    ("rules/clocks.py", " and self.runs_in(task, token.workflow)", ""),
    ("rules/clocks.py", "            scope = scope.owner.workflow\n", "            break\n"),
    ("rules/clocks.py", "        due = self.recorded.get(key)\n", "        due = None\n"),
    ("rules/snapshot.py", "    host.is_suspended = bool(suspended)", "    pass"),
    ("rules/snapshot.py", "        token.instances = Instances(", "        Instances("),
    ("rules/snapshot.py", "    token.ordinal = kept[3]", "    token.ordinal = 0"),
    ("rules/remembering.py", "        owner.given = wrote\n", "        pass\n"),
    ("rules/compensation.py", "            if not entry.claimed and activity in", "            if activity in"),
    (
        "rules/compensation.py",
        "        super().cancelled(token)\n        if is_running:",
        "        super().cancelled(token)\n        if False:",
    ),
    ("rules/compensation.py", "(Local if part.frame == LOCAL else Recalled)(part.variables, frame)", "frame"),
    ("rules/compensation.py", "        if is_undone:\n            self.tell_undone(entry)\n", ""),
    ("rules/compensation.py", "        self.reach(owner)\n", ""),
    (
        "rules/remembering.py",
        '            if node is not None and node.kind != "eventSubProcess":',
        "            if node is not None:",
    ),
    (
        "rules/remembering.py",
        "        if not scope.ledger or node.id in",
        "        if not scope.ledger or not node.id in",
    ),
    ("rules/events.py", "        self.rearm(token)\n", ""),
    ("rules/events.py", "            rival.cancel()", "            pass"),
    ("rules/events.py", "if node.result and payload is not None:", "if False:"),
    ("rules/throwing.py", "catcher = self.catcher_at(standing, code, ESCALATION)", "catcher = None"),
    ("rules/throwing.py", "standing = token.workflow.owner\n", "standing = None\n"),
    ("rules/events.py", "wait.left - 1 if wait.left > 0 else wait.left", "wait.left"),
    ("rules/events.py", "wait.due, self.noticed)", "wait.due, wait.due)"),
    ("rules/throwing.py", "        if node.trigger == TERMINATE:", "        if False:"),
    ("rules/throwing.py", "        payload = evaluated(node.payload, view)", "        payload = {}"),
    ("rules/joins.py", "        if len(arrived) < len(token.task_spec._inputs):", "        if not arrived:"),
    (
        "rules/joins.py",
        "                other._state = TaskState.COMPLETED\n        return True",
        "                pass\n        return True",
    ),
    ("rules/joins.py", "            if ahead - filled and not ahead & filled:", "            if False:"),
    ("rules/joins.py", "            if ahead - filled and not ahead & filled:", "            if ahead - filled:"),
    ("rules/joins.py", "[token, *(event for event in boundary_events_of(token) if event.is_live)]", "[token]"),
    ("rules/multi_instance.py", "        if count > MOST_INSTANCES:", "        if False:"),
    ("rules/multi_instance.py", "        for scope in list(owner.inner):\n            self.cancel_scope(scope)\n", ""),
    (
        "rules/multi_instance.py",
        "        first = 1 if token.task_spec.node.many.is_sequential else len(items)",
        "        first = len(items)",
    ),
    ("rules/multi_instance.py", 'return {**written, "key": owner.instances.items[scope.index][0]}', "return written"),
    ("rules/multi_instance.py", "if name != node.many.item}", "}"),
    ("rules/multi_instance.py", 'keys.append(key if seen[key] == 1 else f"{key}~{seen[key]}")', "keys.append(key)"),
    (
        "rules/multi_instance.py",
        "            self.give(owner, {many.output: owner.instances.collected()})",
        "            pass",
    ),
    ("tree.py", "for index in sorted(self.results)]", "for index in self.results]"),
    ("rules/operators.py", "        if region[: len(target)] != target:", "        if False:"),
    ("rules/operators.py", "        if any(branch == BESIDE for _, branch in left):", "        if False:"),
    ("rules/operators.py", "        self.note(token, SKIPPED)", "        pass"),
    ("rules/operators.py", "            for event in boundary_events_of(token):\n                event.cancel()\n", ""),
    ("rules/operators.py", "or not found.scope.counters.get(to):", "or False:"),
    ("rules/scopes.py", "        for inner in list(token.inner):\n            self.cancel_scope(inner)\n", ""),
    (
        "rules/scopes.py",
        "                if other is not kept:\n                    other.cancel()",
        "                pass",
    ),
    ("rules/running.py", "        self.report_stuck()\n", ""),
    ("rules/host.py", "        self.give(token, values)\n        token.complete()", "        token.complete()"),
    ("rules/state.py", "            self.ordinal_of(token)\n", ""),
    ("rules/state.py", "(len(scope.path), element in scope.spec.task_specs)", "len(scope.path)"),
    (
        "store.py",
        "        self.variables.update({name: json_value(value) for name, value in values.items()})",
        "        self.outer.write(values)",
    ),
    (
        "rules/standing.py",
        "due=rules.due(token, node.timer) if token.cycle is None else token.cycle[0],",
        "due=rules.due(token, node.timer),",
    ),
    # elements and inputs that came later
    (
        "rules/calls.py",
        "        given = evaluated(node.inputs, self.view(token))",
        "        given = dict(self.view(token))",
    ),
    (
        "reading/event_nodes.py",
        'return {"trigger": MESSAGE, "message": SIGNALLED + name}',
        'return {"trigger": MESSAGE, "message": name}',
    ),
    ("reading/event_nodes.py", '{"message": SIGNALLED + name, "payload"', '{"message": name, "payload"'),
    ("rules/throwing.py", "if node.trigger in (MESSAGE, SIGNAL):", "if node.trigger == MESSAGE:"),
    ("rules/throwing.py", "        return not is_interrupting", "        return True"),
    ("rules/throwing.py", '        self.fire(catcher, {"code": code})', "        self.fire(catcher)"),
    (
        "rules/throwing.py",
        "            if catcher is not None and (is_drawn or catcher.task_spec.node.error_code):",
        "            if catcher is not None:",
    ),
    ("rules/throwing.py", "            if is_drawn and catches_all is not None:", "            if False:"),
    ("rules/throwing.py", "            if not node.error_code and catches_all is None:", "            if False:"),
    ("rules/throwing.py", "            if node.trigger != trigger or", "            if"),
    (
        "rules/events.py",
        "if cycle is not None or node.trigger in (MESSAGE, ESCALATION):",
        "if cycle is not None or node.trigger == MESSAGE:",
    ),
    (
        "rules/events.py",
        "        if not isinstance(spec, HostedBoundaryEvent) or spec.cancel_activity:",
        "        if False:",
    ),
    (
        "rules/joins.py",
        "arrived.setdefault(other.parent.task_spec.name, other)",
        "arrived[other.parent.task_spec.name] = other",
    ),
    ("rules/joins.py", "                    for other in others:\n", "                    for other in others[1:]:\n"),
    (
        "rules/multi_instance.py",
        "if many.condition is None or not many.condition",
        "if many.condition is not None and not many.condition",
    ),
    ("rules/multi_instance.py", "            scope.frame.write(variables)", "            pass"),
    (
        "rules/multi_instance.py",
        "        if not items:\n            self.collect(token)\n            return True\n",
        "",
    ),
    ("rules/multi_instance.py", "            token.instances = None\n            raise", "            raise"),
    ("rules/operators.py", "            for rival in self.rivals_of(token):\n                rival.cancel()\n", ""),
    ("rules/operators.py", "self._is_inside(token, split, join)", "token is standing"),
    ("rules/operators.py", "        return token.task_spec.node.id == join or any(", "        return any("),
    ("rules/operators.py", "            standing = standing.workflow.owner", "            standing = None"),
    ("rules/operators.py", "or to == token.task_spec.node.id or", "or"),
    ("rules/operators.py", "        for inner in list(token.inner):\n            self.cancel_scope(inner)\n", ""),
    ("rules/operators.py", "        self.frame_at(place).write(values)", "        self.store.write(values)"),
    ("regions.py", "[to for to in targets if to in lasting]", "targets"),
    ("regions.py", "frozenset({split, meet})", "frozenset({split})"),
    ("regions.py", "            parts[element][reminder] = BESIDE", "            pass"),
    (
        "regions.py",
        "            onward[event.attached_to].append(event.id)",
        "            pass",
    ),
    ("rules/scopes.py", "            kept, scope = scope.owner, scope.owner.workflow", "            return"),
    ("rules/scopes.py", "not self.hand_back(scope, owner)", "False"),
    ("specs.py", "my_task._sync_children(matches or defaults,", "my_task._sync_children(matches + defaults,"),
    ("specs.py", "        if self.cancel_activity:\n            return list(self.outputs)\n", ""),
]
# These change nothing that can be seen, and why.
EQUIVALENT = {
    (
        "rules/state.py",
        "            self.ordinal_of(token)\n",
    ): "an instance's task has its ordinal kept, and its address does not hold it",
    (
        "rules/joins.py",
        "arrived.setdefault(other.parent.task_spec.name, other)",
    ): "tokens that wait on the same flow are alike: which of them is taken cannot be seen",
    (
        "rules/multi_instance.py",
        "            token.instances = None\n            raise",
    ): "the list that was read is kept beside the incident, and read again when the activity begins",
}


@pytest.mark.parametrize(("file", "old", "new"), MUTATIONS)
def test_what_a_mutation_changes_is_there(file: str, old: str, new: str) -> None:
    assert (SPIFF / file).read_text("utf-8").count(old) >= 1
    assert old != new


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) - len(EQUIVALENT) >= 30


ONE_OF_EACH_KIND = [
    "scope.frame.view))",  # call activities
    "        first = 1 if token.task_spec.node.many.is_sequential else len(items)",  # multi-instance
    "            if ahead - filled and not ahead & filled:",  # inclusive gateways
    "        return not is_interrupting",  # escalations
    "if node.trigger in (MESSAGE, SIGNAL):",  # signals
    "wait.left - 1 if wait.left > 0 else wait.left",  # cycle timers
    "        if node.trigger == TERMINATE:",  # terminate ends
    "self._is_inside(token, split, join)",  # operators' moves
]


def test_there_is_one_of_each_kind() -> None:
    assert set(ONE_OF_EACH_KIND) <= {old for _, old, _ in MUTATIONS}


@pytest.mark.parametrize("old", ONE_OF_EACH_KIND)
def test_a_changed_host_is_noticed_by_the_random_processes_alone(old: str, tmp_path: Path) -> None:
    change = next(mutation for mutation in MUTATIONS if mutation[1] == old)

    assert not is_green(copy_with(change, tmp_path), *PROCESSES)


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "mutation", [m for m in MUTATIONS if m[:2] not in EQUIVALENT], ids=lambda m: f"{m[0]} {m[1][:40]!r}"
)
def test_a_changed_host_is_noticed(mutation: tuple[str, str, str], tmp_path: Path) -> None:
    folder = copy_with(mutation, tmp_path)

    green = all(is_green(folder, *run) for run in (PROCESSES, GRAPHS, KEPT, MACHINE_TESTS))

    assert not green, f"nobody noticed: {mutation}"


@pytest.mark.full
@pytest.mark.timeout(900)
def test_the_host_as_it_is_passes(tmp_path: Path) -> None:
    """Else every mutation would be noticed."""
    folder = copy_with((MUTATIONS[0][0], MUTATIONS[0][1], MUTATIONS[0][1]), tmp_path)

    assert all(is_green(folder, *run) for run in (PROCESSES, GRAPHS, KEPT, MACHINE_TESTS))


PLAY = "import sys; from engine.machine import Machine; from tests.engine.random.{} import {}; "
PROCESSES = (
    "-c",
    PLAY.format("trial", "first_mismatch") + "sys.exit(first_mismatch(range(1, 121), 3, Machine) or None)",
)
GRAPHS = ("-c", PLAY.format("test_unstructured", "play_graphs") + "play_graphs(1, 60, 5)")
PYTEST = (
    "-m",
    "pytest",
    "-q",
    "-x",
    "-p",
    "no:xdist",
    "-c",
    str(ROOT / "pyproject.toml"),
    "-o",
    "pythonpath=",
    "-m",
    "not full",
)
_KEPT_BY = [str(ROOT / "tests/engine/random" / name) for name in ("test_shrinking.py", "test_unstructured.py")]
KEPT = (*PYTEST, *_KEPT_BY, "-k", "once_failed")
MACHINE_TESTS = (*PYTEST, *(str(ROOT / "tests/engine/spiff" / folder) for folder in ("reading", "rules")))


def copy_with(mutation: tuple[str, str, str], folder: Path) -> Path:
    """The engine with one thing changed."""
    file, old, new = mutation
    shutil.copytree(ROOT / "engine", folder / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    changed = folder / "engine" / "spiff" / file
    changed.write_text(changed.read_text("utf-8").replace(old, new, 1), "utf-8")
    return folder


def is_green(folder: Path, *run: str) -> bool:
    """Whether this ends well with the engine of the folder and everything else from here."""
    path = os.pathsep.join((str(folder), str(ROOT)))
    environ = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, *run], cwd=folder, env=environ, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("run", [PROCESSES, MACHINE_TESTS], ids=["processes", "machine_tests"])
def test_the_engine_of_the_folder_is_the_one_that_runs(run: tuple[str, ...], tmp_path: Path) -> None:
    """A copy that cannot be imported is noticed, so it was the copy."""
    folder = copy_with(("rules/host.py", "class Host(", "class NoHost("), tmp_path)

    assert not is_green(folder, *run)
