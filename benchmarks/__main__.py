"""`make bench`: run every script here, keep its JSON under results/, write the README's table from all of them.

A script is a module with a `main()` that prints one JSON object with at least
`{"title": str, "rows": [{"figure": str, "ours": str, "baseline": str, "must": str, "holds": bool}]}`.
`make bench only=engine,reading` runs some of them. What scripts share is in baselines/, fixtures/ and console/.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
README = HERE.parent / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


class Row(TypedDict):
    figure: str
    ours: str
    baseline: str
    must: str
    holds: bool


class Result(TypedDict):
    title: str
    rows: list[Row]


def main() -> int:
    chosen = set(sys.argv[1].split(",")) if len(sys.argv) > 1 and sys.argv[1] else None
    scripts = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    failed = [name for name in scripts if (chosen is None or name in chosen) and not _run(name)]
    README.write_text(_with_table(README.read_text()))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> bool:
    print(f"── {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        return False
    lines = done.stdout.decode().strip().splitlines()
    result = json.loads(lines[-1])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    for row in result["rows"]:
        mark = "✓" if row["holds"] else "✗"
        print(f"   {mark} {row['figure']}: {row['ours']} (must {row['must']}; baseline {row['baseline']})")
    print(f"   {time.monotonic() - started:.0f} s", flush=True)
    return True


def _with_table(readme: str) -> str:
    results: list[Result] = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    lines = ["| figure | here | baseline, same run | must | holds |", "| --- | --- | --- | --- | --- |"]
    for result in results:
        lines.append(f"| **{result['title']}** | | | | |")
        for row in result["rows"]:
            cells = (row["figure"], row["ours"], row["baseline"], row["must"], "yes" if row["holds"] else "**no**")
            lines.append("| " + " | ".join(cells) + " |")
    before, rest = readme.split(BEGIN, 1)
    return before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    sys.exit(main())
