"""One PostgreSQL for all suites. In the closing lines: the seconds each took, what was not run and why, figures recorded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers import ServerMissing, start_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    try:
        with start_postgres() as url:
            yield url
    except ServerMissing as missing:
        pytest.skip(str(missing))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, int] = defaultdict(int)
    figures: list[tuple[str, object]] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "when"):
                suite = "/".join(report.nodeid.split("::")[0].split("/")[1:3]).removesuffix(".py")
                seconds[suite] += report.duration
                tests[suite] += report.when == "call"
                figures += report.user_properties if report.when == "call" else []
    if seconds:
        terminalreporter.section("seconds per suite (both workers added up)")
        for suite in sorted(seconds, key=lambda name: -seconds[name]):
            terminalreporter.write_line(f"{seconds[suite]:8.1f}  {tests[suite]:4d} tests  {suite}")
    skipped = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in skipped.items():
        terminalreporter.write_line(f"{count} tests not run: {reason.removeprefix('Skipped: ')}")
    if figures:
        terminalreporter.section("figures (record_property)")
        for name, figure in figures:
            terminalreporter.write_line(f"{figure}  {name}")
