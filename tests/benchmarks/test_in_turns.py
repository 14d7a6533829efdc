"""The interval of ratios that were measured in turns."""

from __future__ import annotations

import pytest

from benchmarks.in_turns.__main__ import interval, of_cases, of_steps, row_of


def test_the_mean_is_that_of_ratios_so_that_twice_and_half_as_fast_are_even() -> None:
    low, middle, high = interval([2.0, 0.5, 1.0])

    assert middle == pytest.approx(1.0)
    assert low * high == pytest.approx(1.0)
    assert low < 0.5  # three rounds that differ so much prove nothing


def test_the_interval_is_students_on_the_logarithms() -> None:
    # mean and deviation of ln: 0 and 0.01; 0.01 * 2.306 / 3 on either side of nine rounds
    low, _, high = interval([1.01005017, 0.99004983] * 4 + [1.0])

    assert (low, high) == pytest.approx((0.99234, 1.00772), abs=1e-4)


def test_a_figure_that_fell_by_a_tenth_does_not_hold() -> None:
    assert row_of("steps", [0.90, 0.91, 0.89])["holds"] is False
    assert row_of("steps", [1.00, 1.01, 0.99])["holds"] is True


def test_figures_are_speeds() -> None:
    steps = of_steps({"SQLite": {"0": {"ms_p50": 2.0}, "150": {"ms_p50": 4.0}}})

    assert steps == {"SQLite, steps a second, 0 loops": 500.0, "SQLite, steps a second, 150 loops": 250.0}
    assert of_cases({"ours": {"cases_a_second": 150.0}}) == {"whole cases a second": 150.0}
