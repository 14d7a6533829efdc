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
    ("clocks.py", "wait.due is not None and wait.due > self.at", "wait.due is not None"),
    ("clocks.py", ' and f"{wait.address}/".startswith(path)', ""),
    ("clocks.py", " and self.runs_in(task, token.workflow)", ""),
    ("clocks.py", "            scope = scope.owner.workflow\n", "            break\n"),
    ("clocks.py", "        due = self.recorded.get(key)\n", "        due = None\n"),
    ("codec.py", "    host.is_suspended = bool(suspended)", "    pass"),
    ("codec.py", "        token.instances = Instances(", "        Instances("),
    ("codec.py", "    token.ordinal = kept[3]", "    token.ordinal = 0"),
    ("remembering.py", "        owner.given = wrote\n", "        pass\n"),
    ("compensation.py", "            if not entry.claimed and activity in", "            if activity in"),
    (
        "compensation.py",
        "        super().cancelled(token)\n        if is_running:",
        "        super().cancelled(token)\n        if False:",
    ),
    ("compensation.py", "(Local if part.frame == LOCAL else Recalled)(part.variables, frame)", "frame"),
    ("compensation.py", "        if is_undone:\n            self.tell_undone(entry)\n", ""),
    ("compensation.py", "        self.reach(owner)\n", ""),
    (
        "remembering.py",
        '            if node is not None and node.kind != "eventSubProcess":',
        "            if node is not None:",
    ),
    ("remembering.py", "        if not scope.ledger or node.id in", "        if not scope.ledger or not node.id in"),
    ("events.py", "        self.rearm(token)\n", ""),
    ("events.py", "            rival.cancel()", "            pass"),
    ("events.py", "if node.result and payload is not None:", "if False:"),
    ("throwing.py", "catcher = self.catcher_at(standing, code, ESCALATION)", "catcher = None"),
    ("throwing.py", "standing = token.workflow.owner\n", "standing = None\n"),
    ("events.py", "wait.left - 1 if wait.left > 0 else wait.left", "wait.left"),
    ("events.py", "wait.due, self.noticed)", "wait.due, wait.due)"),
    ("throwing.py", "        if node.trigger == TERMINATE:", "        if False:"),
    ("throwing.py", "        payload = evaluated(node.payload, view)", "        payload = {}"),
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
    ("many.py", "            self.give(owner, {many.output: owner.instances.collected()})", "            pass"),
    ("tree.py", "for index in sorted(self.results)]", "for index in self.results]"),
    ("operating.py", "        if region[: len(target)] != target:", "        if False:"),
    ("operating.py", "        if any(branch == BESIDE for _, branch in left):", "        if False:"),
    ("operating.py", "        self.note(token, SKIPPED)", "        pass"),
    ("operating.py", "            for event in boundary_events_of(token):\n                event.cancel()\n", ""),
    ("operating.py", "or not found.scope.counters.get(to):", "or False:"),
    ("scopes.py", "        for inner in list(token.inner):\n            self.cancel_scope(inner)\n", ""),
    ("scopes.py", "                if other is not kept:\n                    other.cancel()", "                pass"),
    ("running.py", "        self.report_stuck()\n", ""),
    ("host.py", "        self.give(token, values)\n        token.complete()", "        token.complete()"),
    ("state.py", "            self.ordinal_of(token)\n", ""),
    ("state.py", "(len(scope.path), element in scope.spec.task_specs)", "len(scope.path)"),
    (
        "store.py",
        "        self.variables.update({name: json_value(value) for name, value in values.items()})",
        "        self.outer.write(values)",
    ),
    (
        "waiting.py",
        "due=rules.due(token, node.timer) if token.cycle is None else token.cycle[0],",
        "due=rules.due(token, node.timer),",
    ),
    # elements and inputs that came later
    ("calls.py", "        given = evaluated(node.inputs, self.view(token))", "        given = dict(self.view(token))"),
    (
        "event_nodes.py",
        'return {"trigger": MESSAGE, "message": SIGNALLED + name}',
        'return {"trigger": MESSAGE, "message": name}',
    ),
    ("event_nodes.py", '{"message": SIGNALLED + name, "payload"', '{"message": name, "payload"'),
    ("throwing.py", "if node.trigger in (MESSAGE, SIGNAL):", "if node.trigger == MESSAGE:"),
    ("throwing.py", "        return not is_interrupting", "        return True"),
    ("throwing.py", '        self.fire(catcher, {"code": code})', "        self.fire(catcher)"),
    (
        "throwing.py",
        "            if catcher is not None and (is_drawn or catcher.task_spec.node.error_code):",
        "            if catcher is not None:",
    ),
    ("throwing.py", "            if is_drawn and catches_all is not None:", "            if False:"),
    ("throwing.py", "            if not node.error_code and catches_all is None:", "            if False:"),
    ("throwing.py", "            if node.trigger != trigger or", "            if"),
    (
        "events.py",
        "if cycle is not None or node.trigger in (MESSAGE, ESCALATION):",
        "if cycle is not None or node.trigger == MESSAGE:",
    ),
    ("events.py", "        if not isinstance(spec, HostedBoundaryEvent) or spec.cancel_activity:", "        if False:"),
    (
        "joins.py",
        "arrived.setdefault(other.parent.task_spec.name, other)",
        "arrived[other.parent.task_spec.name] = other",
    ),
    ("joins.py", "                    for other in others:\n", "                    for other in others[1:]:\n"),
    (
        "many.py",
        "if many.condition is None or not many.condition",
        "if many.condition is not None and not many.condition",
    ),
    ("many.py", "            scope.frame.write(variables)", "            pass"),
    ("many.py", "        if not items:\n            self.collect(token)\n            return True\n", ""),
    ("many.py", "            token.instances = None\n            raise", "            raise"),
    ("operating.py", "            for rival in self.rivals_of(token):\n                rival.cancel()\n", ""),
    ("operating.py", "self._is_inside(token, split, join)", "token is standing"),
    ("operating.py", "        return token.task_spec.node.id == join or any(", "        return any("),
    ("operating.py", "            standing = standing.workflow.owner", "            standing = None"),
    ("operating.py", "or to == token.task_spec.node.id or", "or"),
    ("operating.py", "        for inner in list(token.inner):\n            self.cancel_scope(inner)\n", ""),
    ("operating.py", "        self.frame_at(place).write(values)", "        self.store.write(values)"),
    ("regions.py", "[to for to in targets if to in lasting]", "targets"),
    ("regions.py", "frozenset({split, meet})", "frozenset({split})"),
    ("regions.py", "            parts[element][reminder] = BESIDE", "            pass"),
    (
        "regions.py",
        "            onward[event.attached_to].append(event.id)",
        "            pass",
    ),
    ("scopes.py", "            kept, scope = scope.owner, scope.owner.workflow", "            return"),
    ("scopes.py", "not self.hand_back(scope, owner)", "False"),
    ("specs.py", "my_task._sync_children(matches or defaults,", "my_task._sync_children(matches + defaults,"),
    ("specs.py", "        if self.cancel_activity:\n            return list(self.outputs)\n", ""),
]
# These change nothing that can be seen, and why.
EQUIVALENT = {
    (
        "state.py",
        "            self.ordinal_of(token)\n",
    ): "an instance's task has its ordinal kept, and its address does not hold it",
    (
        "joins.py",
        "arrived.setdefault(other.parent.task_spec.name, other)",
    ): "tokens that wait on the same flow are alike: which of them is taken cannot be seen",
    (
        "many.py",
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
MACHINE_TESTS = (*PYTEST, *map(str, sorted((ROOT / "tests/engine").glob("test_machine_*.py"))))


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
    folder = copy_with(("host.py", "class Host(", "class NoHost("), tmp_path)

    assert not is_green(folder, *run)
