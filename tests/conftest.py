"""What every suite shares: the seconds a suite took, in the closing lines."""

from __future__ import annotations

from collections import defaultdict
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, int] = defaultdict(int)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "when"):
                suite = "/".join(report.nodeid.split("::")[0].split("/")[1:3]).removesuffix(".py")
                seconds[suite] += report.duration
                tests[suite] += report.when == "call"
    if seconds:
        terminalreporter.section("seconds per suite (both workers added up)")
        for suite in sorted(seconds, key=lambda name: -seconds[name]):
            terminalreporter.write_line(f"{seconds[suite]:8.1f}  {tests[suite]:4d} tests  {suite}")
