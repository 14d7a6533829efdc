"""Clocks that stand still, replayed on another version: in a migration, and in a what-if."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.inputs import CaseMigrated, Input
from engine.machine import Machine, Process
from engine.replay.carry_over import Walk
from engine.replay.rerun import Candidate, rerun
from engine.waits import Pause
from tests.engine.case_under_test import PlayedCase
from tests.engine.pausing import DAY, HOUR, a_review, amended, sent_back


def migrated(old: Process, new: Process, inputs: list[Input], at: datetime) -> Machine:
    walk = Walk({"old": old, "new": new}.__getitem__, "old")
    for seq, given in enumerate(inputs, 1):
        walk.apply(seq, given)
    walk.apply(len(inputs) + 1, CaseMigrated(at=at, by="op", from_definition="old", to_definition="new"))
    return walk.course.machine


def test_a_migration_keeps_a_deadline_that_went_on_and_one_that_stands_still():
    process, longer = a_review("working_days(5)").compile(), a_review("working_days(9)").compile()
    case = PlayedCase(process)
    sent_back(case, 3 * DAY)
    stopped = migrated(process, longer, case.journal, case.at(4 * DAY)).waits["late:1"]
    amended(case, 4 * DAY)
    went_on = migrated(process, longer, case.journal, case.at(5 * DAY)).waits["late:1"]

    assert stopped.pause == Pause(case.at(3 * DAY), case.at(7 * DAY))  # type: ignore[union-attr]
    assert went_on.due == case.at(8 * DAY)  # type: ignore[union-attr]


def test_a_version_whose_clock_stops_stops_it_at_the_migration_where_the_ball_lies_with_the_applicant():
    old, new = a_review(pauses="").compile(), a_review().compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)

    machine = migrated(old, new, case.journal, case.at(20 * HOUR))

    assert machine.waits["late:1"].pause == Pause(case.at(10 * HOUR), case.at(48 * HOUR))  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["PT48H", "working_days(2)"])
def test_what_if_sees_who_would_not_have_been_late(text):
    old, new = a_review(text, pauses="").compile(), a_review(text).compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)
    case.timer("late:1", 48 * HOUR)
    assert case.outcome == "late"
    candidate = Candidate(new, {}, frozenset(), frozenset(), {}, lambda wait, values: "")

    run = rerun(candidate, case.journal, frozenset(new.elements), case.at(99 * HOUR))

    assert list(run.machine.waits) == ["late:1", "Review:1/amend:1"] or sorted(run.machine.waits) == [
        "Review:1/amend:1",
        "late:1",
    ]
    assert not run.machine.is_ended


@pytest.mark.parametrize("text", ["PT48H", "working_days(2)"])
def test_what_if_does_not_take_an_instant_for_one_of_another_pause(text):
    """The recorded clock stood still until the amendment; the candidate's for the police, who are never asked."""
    lanes = {"reviewer": ["Review", "review"], "applicant": ["amend"], "police": []}
    old = a_review(text, lanes=lanes).compile()
    new = a_review(text, pauses="police", lanes=lanes).compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)
    amended(case, 30 * HOUR)
    case.completes("Review:1/review:2", 60 * HOUR, more=False)
    assert case.outcome == "done"
    candidate = Candidate(new, {}, frozenset(), frozenset(), {}, lambda wait, values: "")

    run = rerun(candidate, case.journal, frozenset(new.elements), case.at(99 * HOUR))

    assert run.machine.outcome == "late"
