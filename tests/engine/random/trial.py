"""Runs many paths through many random processes, and writes down the first that fails so that it can be run again."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path
from pprint import pformat
from random import Random

import pytest

from engine.machine import Machine, Process
from tests.engine.graph_digest import spec_digest
from tests.engine.random.blocks import Tree
from tests.engine.random.comparison import Mismatch
from tests.engine.random.drawing import draw
from tests.engine.random.kept_processes import KEPT, KeptPath, keep, shrunk
from tests.engine.random.play import Play, drawn

FIRST_SEED = int(os.environ.get("RANDOM_SEED", "20260302"))


def fresh_seed() -> int:
    """RANDOM_SEED, or one that no run had before."""
    return FIRST_SEED if "RANDOM_SEED" in os.environ else int(time.time()) % 1_000_000_000


def play_processes(
    first: int, processes: int, paths: int, machine_class: type[Machine] = Machine, folder: Path = KEPT
) -> Counter[str]:
    """Play `paths` paths through each of the processes of the seeds from `first` on.

    Returns how often each kind of input and element occurred. Fails with the seed, a file that holds the diagram, its
    tables and the inputs, and one in `folder` with the smallest process and path found that fail the same way. Prints the
    seeds first: pytest shows them if anything at all goes wrong.
    """
    print(f"random processes: seeds {first} to {first + processes - 1}, {paths} paths each (RANDOM_SEED={first})")
    tally: Counter[str] = Counter()
    for seed in range(first, first + processes):
        tree, process = drawn(seed)
        before = spec_digest(process)
        for path in range(paths):
            play = Play(tree, process, Random(f"{seed}/{path}"), machine_class=machine_class, tally=tally)
            try:
                play.run()
            except Exception as error:  # whatever it is, the inputs that led to it are wanted
                place = f"RANDOM_SEED={seed}, path {path}: {error!r}"
                kept = kept_of(play, seed, folder / f"process-{seed}-{path}.json", error)
                pytest.fail(f"{place}\nkept as a test: {kept}\n{written(play, seed, path, error)}", pytrace=False)
        if spec_digest(process) != before:
            pytest.fail(f"RANDOM_SEED={seed}: the definition that all cases share has changed", pytrace=False)
    return tally


def kept_of(play: Play, seed: int, file: Path, error: Exception) -> Path:
    small = shrunk(KeptPath(play.tree, seed, tuple(play.inputs)), play.machine_class)
    return keep(small, f"{type(error).__name__}: {error}"[:300], file)


@lru_cache(maxsize=200)
def compiled(seed: int) -> tuple[Tree, Process]:
    return drawn(seed)


def first_mismatch(seeds: range, paths: int, machine_class: type[Machine], *, checks_snapshots: bool = True) -> str:
    """What goes wrong first when the machine runs on a changed host; "" if nothing does."""
    for seed in seeds:
        tree, process = compiled(seed)
        for path in range(paths):
            play = Play(
                tree, process, Random(f"{seed}/{path}"), machine_class=machine_class, checks_snapshots=checks_snapshots
            )
            try:
                play.run()
            except Mismatch as mismatch:
                return f"{seed}/{path}: {mismatch}"
            except Exception as error:  # a rule taken away may break the machine before it is wrong
                return f"{seed}/{path}: {error!r}"
    return ""


def written(play: Play, seed: int, path: int, error: Exception) -> Path:
    xml, decisions, called = draw(play.tree, seed)
    folder = Path(tempfile.gettempdir()) / "random-processes" / f"{seed}-{path}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "process.bpmn").write_bytes(xml)
    for name, bpmn in called.items():
        (folder / f"{name}.bpmn").write_bytes(bpmn)
    for name, dmn in decisions.items():
        (folder / f"{name}.dmn").write_bytes(dmn)
    inputs = "\n".join(repr(given) for given in play.inputs)
    (folder / "inputs.txt").write_text(f"{error}\n\n{inputs}\n\n{pformat(play.tree, width=160)}\n", encoding="utf-8")
    return folder
