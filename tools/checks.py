"""`make test`: linters, the console's types and tests, then pytest, with the seconds each took. Stops at the first red one."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.node import NoNode
from tools.web import WEB, NotBuilt, install_packages

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON_CODE = [
    "composition.py", "config.py", "wsgi.py",
    "storage", "engine", "domain", "tasks", "api", "bpmn", "migrations", "benchmarks", "tools",
]  # fmt: skip
LINTERS: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "--quiet", "."],
    "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "mypy": [BIN / "mypy", "--strict", *PYTHON_CODE],
    "imports": [BIN / "lint-imports"],
}
# Two workers: the machine this is planned for has two cores, and the servers under test need some of them.
PYTEST: list[str | Path] = [BIN / "python", "-m", "pytest", "-n", "2", "--dist", "loadgroup", "--durations=10"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="the long suites as well")
    options.add_argument("--lint", action="store_true", help="the linters only")
    chosen = options.parse_args()
    took: dict[str, float] = {}
    for name, command in LINTERS.items():
        if not _run(name, command, took):
            return _report(took, f"{name} is red")
    if not _check_web(took):
        return _report(took, "web is red")
    if chosen.lint:
        return _report(took, None)
    marker = "" if chosen.full else "not full"
    green = _run("pytest", [*PYTEST, "tests", "-m", marker], took)
    return _report(took, None if green else "a test is red")


def _check_web(took: dict[str, float]) -> bool:
    """vue-tsc and vitest, on the machine's Node or on one from PyPI."""
    try:
        node = install_packages(lambda text: print(text, flush=True))
    except (NoNode, NotBuilt) as failure:
        print(failure, file=sys.stderr)
        return False
    return _run("web", [*node.npm, "run", "--silent", "check"], took, cwd=WEB, environ=node.environ)


def _run(
    name: str,
    command: Sequence[str | Path],
    took: dict[str, float],
    *,
    cwd: Path = ROOT,
    environ: Mapping[str, str] = os.environ,
) -> bool:
    print(f"── {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=dict(environ), check=False)
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
