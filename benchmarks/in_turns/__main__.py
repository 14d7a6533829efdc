"""Whether this checkout is as fast as another: their benchmarks in turns, and the ratio of each figure with its interval.

    git worktree add ../before HEAD~1
    python -m benchmarks.in_turns ../before --rounds 9

Each round runs `engine_store` and `throughput` (two rounds of its own, one process a core) here and there, the first one
changing from round to round, so that a slow quarter of an hour meets both. A ratio is speed here by speed there, above 1
where this checkout is faster. Interval: Student's t on the logarithms of the rounds' ratios, 95 %. Prints JSON; both are
run by the Python that runs this.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
SCRIPTS = ("engine_store", "throughput")
LEAST = 0.95
# two-sided 95 % quantiles of Student's t by degrees of freedom
STUDENT = {
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
    9: 2.262,
    10: 2.228,
    11: 2.201,
    14: 2.145,
}

Figures = Mapping[str, float]  # speed by name: the more the faster


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before", type=Path, help="the other checkout")
    options.add_argument("--rounds", type=int, choices=sorted(n + 1 for n in STUDENT), default=9)
    chosen = options.parse_args()
    ratios: dict[str, list[float]] = {}
    for number in range(chosen.rounds):
        places = (HERE, chosen.before.resolve()) if number % 2 == 0 else (chosen.before.resolve(), HERE)
        found = {place: speeds(place) for place in places}
        here, there = found[HERE], found[chosen.before.resolve()]
        for name in here:
            ratios.setdefault(name, []).append(here[name] / there[name])
        print(f"round {number + 1}: " + ", ".join(f"{n} {r[-1]:.3f}" for n, r in ratios.items()), file=sys.stderr)
    rows = [row_of(name, many) for name, many in ratios.items()]
    print(json.dumps({"title": "This checkout against another, in turns", "rows": rows, "measured": ratios}))
    return 0 if all(row["holds"] for row in rows) else 1


def speeds(checkout: Path) -> Figures:
    """Of one run of each script in that checkout. Raises CalledProcessError."""
    return {name: speed for script in SCRIPTS for name, speed in FIGURES[script](run(script, checkout)).items()}


def run(script: str, checkout: Path) -> Any:  # Any: JSON
    environ = {**os.environ, "ROUNDS": "2", "PROCESSES": str(os.cpu_count() or 2)}
    command = [sys.executable, "-m", f"benchmarks.{script}"]
    done = subprocess.run(command, cwd=checkout, env=environ, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.decode().strip().splitlines()[-1])["measured"]


def of_steps(measured: Any) -> Figures:
    return {
        f"{database}, steps a second, {loops} loops": 1000 / by_loops[loops]["ms_p50"]
        for database, by_loops in measured.items()
        for loops in ("0", "150")
    }


def of_cases(measured: Any) -> Figures:
    return {"whole cases a second": measured["ours"]["cases_a_second"]}


FIGURES: dict[str, Callable[[Any], Figures]] = {"engine_store": of_steps, "throughput": of_cases}


def row_of(name: str, ratios: list[float]) -> dict[str, Any]:
    low, middle, high = interval(ratios)
    return {
        "figure": f"{name}, here by there, {len(ratios)} rounds in turns",
        "ours": f"{middle:.3f} [{low:.3f}, {high:.3f}]",
        "baseline": "1",
        "must": f"lower end ≥ {LEAST}",
        "holds": low >= LEAST,
    }


def interval(ratios: list[float]) -> tuple[float, float, float]:
    """Lower end, geometric mean and upper end."""
    logs = [math.log(ratio) for ratio in ratios]
    middle = statistics.mean(logs)
    half = STUDENT[len(logs) - 1] * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(middle - half), math.exp(middle), math.exp(middle + half)


if __name__ == "__main__":
    sys.exit(main())
