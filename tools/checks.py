"""`make test`: the linters, then the tests with the seconds each suite took. Stops at the first red linter."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON_CODE = [
    "config.py", "database.py", "vault.py", "composition.py", "wsgi.py",
    "engine", "domain", "tasks", "api", "bpmn", "migrations", "benchmarks", "tools",
]  # fmt: skip
LINTERS = {
    "ruff": [BIN / "ruff", "check", "--quiet", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "mypy": [BIN / "mypy", "--strict", *PYTHON_CODE],
    "imports": [BIN / "lint-imports"],
}
# Two workers: the machine this is planned for has two cores, and the servers under test need some of them.
PYTEST = [BIN / "python", "-m", "pytest", "-n", "2", "--dist", "loadgroup"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="the long suites as well")
    options.add_argument("--lint", action="store_true", help="the linters only")
    chosen = options.parse_args()
    took: dict[str, float] = {}
    for name, command in LINTERS.items():
        if not _run(name, command, took):
            return _report(took, f"{name} is red")
    if chosen.lint:
        return _report(took, None)
    marker = "" if chosen.full else "not full"
    green = _run("pytest", [*PYTEST, "tests", "-m", marker], took)
    return _report(took, None if green else "a test is red")


def _run(name: str, command: list[str | Path], took: dict[str, float]) -> bool:
    print(f"── {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    took[name] = time.monotonic() - started
    return done.returncode == 0


def _report(took: dict[str, float], red: str | None) -> int:
    print("── seconds")
    for name, seconds in took.items():
        print(f"   {seconds:7.1f}  {name}")
    print(f"   {sum(took.values()):7.1f}  in all: {'green' if red is None else red}", flush=True)
    return 0 if red is None else 1


if __name__ == "__main__":
    sys.exit(main())
