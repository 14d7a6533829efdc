"""The machine against the token game on unstructured graphs: 300 graphs, 20 paths each; 10,000 in the full run.

After every input: the same tasks are open, the same variables are set, nothing a completed step wrote is lost, a live case waits
for something (if only in an incident `join.stuck`), and it ends when the game does. A graph on which that fails is made smaller
as long as it still does and written to `kept/`; every file there is a test.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from engine.inputs import Started, WorkItemCompleted
from engine.machine import Machine
from engine.spiff.rules.host import Host
from engine.waits import IncidentWait, UserTaskWait
from tests.engine.random.graphs import ANSWERS, Flow, Graph, compiled, graph_of, random_graph
from tests.engine.random.token_game import Game, TooWild
from tests.engine.random.trial import FIRST_SEED, fresh_seed

MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
KEPT = Path(__file__).parent / "kept"
LONGEST_PATH = 12


def play(graph: Graph, path: str, machine_class: type[Machine] = Machine) -> str:
    """How machine and game differ first on this path, "" where they do not."""
    random = Random(path)
    process = compiled(graph)
    try:
        game = Game(graph)
    except TooWild:
        return ""
    machine, _ = machine_class.start(process, Started(at=MONDAY, by="starter"))
    for _ in range(LONGEST_PATH):
        if difference := differs(machine, game):
            return difference
        tasks = [wait for wait in machine.waits.values() if isinstance(wait, UserTaskWait)]
        if not tasks:
            break
        wait, answer = random.choice(tasks), random.choice(ANSWERS)
        values = {f"v_{wait.element}": answer}
        try:
            game.complete(wait.element, answer)
        except TooWild:
            return ""
        machine.apply(WorkItemCompleted(at=machine.at, wait=wait.address, by="somebody", values=values))
        machine = machine_class.load(process, machine.dump())
    return ""


def differs(machine: Machine, game: Game) -> str:
    open_tasks = Counter(wait.element for wait in machine.waits.values() if isinstance(wait, UserTaskWait))
    incidents = {wait.code for wait in machine.waits.values() if isinstance(wait, IncidentWait)}
    pairs = {
        "tasks": (open_tasks, game.active),
        "variables": (machine.variables, game.variables),
        "ended": (machine.is_ended, game.is_ended),
        "stuck": (incidents, {"join.stuck"} if game.is_stuck else set()),
    }
    if not machine.is_ended and not machine.waits:
        return "the case waits for nothing"
    return "; ".join(f"{name}: machine {a}, game {b}" for name, (a, b) in pairs.items() if a != b)


def smaller(graph: Graph) -> list[Graph]:
    """The graph without one of its nodes, what came in leading on to what went out."""
    made = []
    for node, kind in graph.nodes.items():
        if kind in ("start", "end"):
            continue
        onward = [flow.target for flow in graph.out_of(node)]
        flows = [flow for flow in graph.flows if node not in (flow.source, flow.target)]
        for flow in graph.into(node):
            target = next((after for after in onward if after not in (node, flow.source)), "end")
            flows.append(Flow(flow.source, target, flow.variable, flow.wanted))
        made.append(Graph({n: k for n, k in graph.nodes.items() if n != node}, tuple(flows)))
    return made


def shrunk(graph: Graph, path: str, machine_class: type[Machine] = Machine) -> Graph:
    for candidate in smaller(graph):
        try:
            is_failing = bool(play(candidate, path, machine_class))
        except Exception:  # no longer a diagram
            continue
        if is_failing:
            return shrunk(candidate, path, machine_class)
    return graph


def play_graphs(first: int, count: int, paths: int) -> Counter[str]:
    print(f"unstructured graphs: seeds {first} to {first + count - 1}, {paths} paths each (RANDOM_SEED={first})")
    tally: Counter[str] = Counter()
    for seed in range(first, first + count):
        graph = random_graph(seed)
        tally.update(set(graph.nodes.values()))
        for path in range(paths):
            if difference := play(graph, str(path)):
                small = shrunk(graph, str(path))
                file = Path(tempfile.gettempdir()) / f"graph-{seed}.json"
                file.write_text(json.dumps({"path": str(path), **small.as_json()}, indent=1), "utf-8")
                pytest.fail(f"RANDOM_SEED={seed}, path {path}: {difference}\nkeep {file} in {KEPT}", pytrace=False)
    return tally


@pytest.mark.parametrize("chunk", range(6))
def test_unstructured_graphs_run_as_the_token_game_says(chunk):
    tally = play_graphs(FIRST_SEED + 50 * chunk, 50, paths=20)

    assert all(tally[kind] > 10 for kind in ("user", "xor", "and", "or"))


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(20))
def test_ten_thousand_unstructured_graphs_run_as_the_token_game_says(part):
    play_graphs(fresh_seed() + 500 * part, 500, paths=20)


@pytest.mark.parametrize("file", sorted(KEPT.glob("graph-*.json")), ids=lambda file: file.stem)
def test_a_graph_that_once_failed_runs_as_the_token_game_says(file):
    kept = json.loads(file.read_text("utf-8"))

    assert play(graph_of(kept), kept["path"]) == ""


def kept_graphs() -> list[Graph]:
    return [graph_of(json.loads(file.read_text("utf-8"))) for file in sorted(KEPT.glob("graph-*.json"))]


class TheFirstTokenPasses(Host):
    def may_merge(self, scope, spec, filled):
        return True


class TheSecondClauseIsForgotten(Host):
    """BPMN 13.4.3 without "there is also such a path to a flow that has a token": joins in loops wait for each other."""

    def may_merge(self, scope, spec, filled):
        reach = self.process.merges[spec.name]
        others = [token for token in scope.tasks.values() if token.is_live and token.task_spec is not spec]
        return not any(reach.get(token.task_spec.name, frozenset()) - filled for token in others)


class OneBranchIsEnough(Host):
    def join(self, token):
        return True


@pytest.mark.parametrize(
    "host", [TheFirstTokenPasses, TheSecondClauseIsForgotten, OneBranchIsEnough], ids=lambda host: host.__name__
)
def test_the_token_game_notices_a_rule_of_the_joins_that_is_gone(host):
    machine = type("Changed", (Machine,), {"host_class": host})

    graph, path = next(
        (graph, str(path))
        for graph in chain(kept_graphs(), map(random_graph, range(1, 400)))
        for path in range(4)
        if "or" in graph.nodes.values() or "and" in graph.nodes.values()
        if play(graph, str(path), machine)
    )

    small = shrunk(graph, path, machine)
    assert play(small, path, machine)
    assert play(small, path) == ""
    assert len(small.nodes) <= len(graph.nodes)
