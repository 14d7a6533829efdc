"""The instants at which the clock begins cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.language.schedules import compile_schedule, grid_of, next_on_grid

DEPLOYED = datetime(2026, 3, 2, 1, tzinfo=UTC)  # a Monday, 9 o'clock in Shanghai


def instants(kind: str, text: str, count: int, settings=None, at=DEPLOYED) -> list[str]:
    grid, last, found = grid_of(compile_schedule(kind, text), settings or {}, at), at, []
    while len(found) < count and (last := grid.after(last)) is not None:
        found.append(f"{last + timedelta(hours=8):%m-%d %H:%M}")
    return found


def test_a_cycle_counts_from_the_deployment():
    assert instants("timeCycle", "R/P1D", 3) == ["03-03 09:00", "03-04 09:00", "03-05 09:00"]
    assert grid_of(compile_schedule("timeCycle", "R3/PT1H"), {}, DEPLOYED).times == 3


def test_a_cycle_with_a_first_instant_begins_there_or_goes_on_its_grid():
    ahead, behind = "R/2026-03-05T08:30:00+08:00/P7D", "R/2026-01-01T08:30:00+08:00/P1D"

    assert instants("timeCycle", ahead, 2) == ["03-05 08:30", "03-12 08:30"]
    assert instants("timeCycle", behind, 2) == ["03-03 08:30", "03-04 08:30"]


def test_the_last_day_of_the_month_comes_back_after_a_short_month():
    last_days = "R/2026-01-31T00:00:00+08:00/P1M"

    assert instants("timeCycle", last_days, 3) == ["03-31 00:00", "04-30 00:00", "05-31 00:00"]


def test_a_date_comes_once_and_one_that_is_past_never():
    assert instants("timeDate", "2026-04-01T08:00:00+08:00", 2) == ["04-01 08:00"]
    assert instants("timeDate", "2026-03-01T08:00:00+08:00", 2) == []


def test_a_duration_counts_from_the_deployment_and_may_be_one_of_working_days():
    assert instants("timeDuration", "PT2H", 2) == ["03-02 11:00"]
    assert instants("timeDuration", "working_days(5)", 2) == ["03-09 09:00"]


def test_an_expression_reads_the_flows_settings_alone():
    assert instants("timeDate", "settings.opens", 1, {"opens": "2026-04-01T08:00:00+08:00"}) == ["04-01 08:00"]
    with pytest.raises(InvalidExpression, match="settings"):
        compile_schedule("timeDate", "applied_at")
    with pytest.raises(ExpressionFailed):
        grid_of(compile_schedule("timeDate", "settings.opens"), {}, DEPLOYED)


@pytest.mark.parametrize(
    "text", ["R/PT5S", "P1D", "R/soon/P1D", "R/2026-03-05T08:30:00/P1D", "R/2026-03-05/P1D", "0 9 * * *"]
)
def test_what_is_no_cycle_is_refused(text):
    with pytest.raises(InvalidExpression):
        compile_schedule("timeCycle", text)


@pytest.mark.parametrize("period", ["PT1M", "PT90M", "P1D", "P2W", "P1M", "P1Y", "P1M3DT4H"])
def test_the_grid_has_neither_gaps_nor_repetitions(period):
    anchor = datetime(2024, 1, 31, 16, 30, tzinfo=UTC)
    walked = [anchor]
    for _ in range(40):
        walked.append(next_on_grid(anchor, period, walked[-1]))

    assert all(earlier < later for earlier, later in pairwise(walked))
    for earlier, later in pairwise(walked):
        assert next_on_grid(anchor, period, later - timedelta(seconds=1)) == later
        assert next_on_grid(anchor, period, earlier + timedelta(seconds=1)) == later
