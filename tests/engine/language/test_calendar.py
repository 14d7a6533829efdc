"""Working days around National Day 2026 and Spring Festival, and the texts timers are written in."""

import random
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

import pytest

from engine.language.calendar import Deadline, add_working_days, working_time_between
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.language.timers_text import Due, compile_timer, due_at

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02T09:00", 0, "2026-03-02T09:00"),
        ("2026-03-02T09:00", 1, "2026-03-03T09:00"),
        ("2026-03-06T16:30", 1, "2026-03-09T16:30"),  # Friday → Monday
        ("2026-03-07T10:00", 0, "2026-03-09T00:00"),  # a Saturday counts from Monday's beginning
        ("2026-03-07T10:00", 1, "2026-03-10T00:00"),
        ("2026-09-18T15:00", 1, "2026-09-20T15:00"),  # Sunday 20 September is worked instead of a holiday
        ("2026-09-30T15:00", 1, "2026-10-08T15:00"),  # National Day, 1-7 October
        ("2026-09-30T15:00", 3, "2026-10-10T15:00"),  # Saturday 10 October is worked
        ("2026-10-01T15:00", 3, "2026-10-12T00:00"),
        ("2026-10-03T23:59", 1, "2026-10-09T00:00"),
        ("2026-02-13T11:00", 1, "2026-02-14T11:00"),  # Saturday 14 February is worked
        ("2026-02-14T11:00", 1, "2026-02-24T11:00"),  # Spring Festival, 15-23 February
        ("2026-02-17T08:00", 2, "2026-02-26T00:00"),
        ("2026-02-27T08:00", 1, "2026-02-28T08:00"),  # Saturday 28 February is worked
    ],
)
def test_a_deadline_in_working_days(start, days, due):
    deadline = add_working_days(local(start), days)

    assert deadline == Deadline(local(due).astimezone(UTC), is_flagged=False)


def test_the_local_day_counts_not_the_utc_day():
    late_on_wednesday_utc = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)  # 1 October in Shanghai: a holiday

    deadline = add_working_days(late_on_wednesday_utc, 1)

    assert deadline.at == local("2026-10-09T00:00")


def test_a_year_without_a_table_counts_monday_to_friday_and_is_flagged():
    deadline = add_working_days(local("2026-12-31T10:00"), 1)

    assert deadline == Deadline(local("2027-01-01T10:00").astimezone(UTC), is_flagged=True)


def test_the_calendar_is_the_one_that_is_installed():
    """The holidays below are of this version; another one is looked through before it is taken."""
    assert version("chinesecalendar") == "1.11.0"


@pytest.mark.parametrize(("at", "days"), [(datetime(2026, 3, 2), 1), (local("2026-03-02T09:00"), -1)])  # noqa: DTZ001
def test_a_naive_start_or_a_negative_number_is_a_mistake_of_the_caller(at, days):
    with pytest.raises(ValueError):
        add_working_days(at, days)


def test_more_working_days_are_never_earlier():
    start = local("2026-01-01T12:00")

    deadlines = [add_working_days(start + timedelta(hours=7 * step), 5).at for step in range(1_000)]

    assert deadlines == sorted(deadlines)


AT = local("2026-09-30T15:00")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("PT15M", "2026-09-30T15:15"),
        ("P30D", "2026-10-30T15:00"),
        ("P2W", "2026-10-14T15:00"),
        ("P1M", "2026-10-30T15:00"),
        ("P1Y2M", "2027-11-30T15:00"),
        ("P1DT12H", "2026-10-02T03:00"),
        ("PT0S", "2026-09-30T15:00"),
        (" 2026-12-01T00:00:00+08:00 ", "2026-12-01T00:00"),
        ("2026-11-30T16:00:00Z", "2026-12-01T00:00"),
        ("limit", "2026-10-03T15:00"),
        ("settings.patience", "2026-09-30T17:00"),
        ("duration(n, 'hours')", "2026-09-30T17:00"),
        ("until if is_urgent else 'P1D'", "2026-10-01T15:00"),
    ],
)
def test_a_timer_text_gives_an_instant(text, due):
    variables = {"limit": "P3D", "settings": {"patience": "PT2H"}, "n": 2, "until": "2026-10-02T00:00:00+08:00"}

    assert due_at(text, variables, AT) == Due(local(due).astimezone(UTC), is_computed_from_calendar=False)


@pytest.mark.parametrize("text", ["working_days(1)", "working_days(n)", "'working_days(1)'", "given"])
def test_working_days_are_marked_as_computed_from_the_calendar(text):
    due = due_at(text, {"n": 1, "given": "working_days(1)"}, AT)

    assert due == Due(local("2026-10-08T15:00").astimezone(UTC), is_computed_from_calendar=True)


def test_a_deadline_in_an_unknown_year_is_flagged():
    assert due_at("working_days(1)", {}, local("2026-12-31T10:00")).is_flagged


@pytest.mark.parametrize(
    "text",
    ["", "PT", "-P1D", "P1.5D", "P99999D", "R3/PT1H", "3", "2026-12-01", "2026-12-01T00:00:00", "2026-13-01T00:00:00Z",
     "9999-12-31T23:59:59-12:00", "working_days(-1)", "working_days(1001)", "__import__('os')", "'soon'", "P1D; x"],
)  # fmt: skip
def test_a_wrong_timer_text_is_refused_before_it_is_deployed(text):
    with pytest.raises(InvalidExpression):
        compile_timer(text)


@pytest.mark.parametrize("value", [None, 5, "soon", "2026-12-01", ["P1D"], "P99999D"])
def test_an_expression_that_gives_no_timer_text_fails(value):
    with pytest.raises(ExpressionFailed):
        due_at("limit", {"limit": value}, AT)


@pytest.mark.parametrize("seed", [20260301])
def test_working_time_is_the_inverse_of_adding_working_days(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(365 * 24 * 60))
        days = chance.randrange(20)

        left = working_time_between(start, add_working_days(start, days).at)

        assert left == timedelta(days=days), f"seed {seed}: {start} + {days}"


def test_working_time_is_negative_after_the_deadline_and_stands_still_on_days_off() -> None:
    friday = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)
    monday = datetime(2026, 3, 9, 2, 0, tzinfo=UTC)

    assert working_time_between(friday, monday) == timedelta(days=1)
    assert working_time_between(monday, friday) == timedelta(days=-1)
    assert working_time_between(friday + timedelta(days=1), friday + timedelta(days=2)) == timedelta()
