"""Where a case begins: processes with several start events, in the machine and in what the journal gives."""

from __future__ import annotations

import orjson
import pytest

from engine.cases.journal import decode_input, encode_input
from engine.errors import Conflict
from engine.inputs import CaseMigrated, JobSucceeded, Started
from engine.machine import Process, compile_process
from engine.replay.carry_over import Walk
from engine.replay.rerun import Candidate, rerun
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram, two_tasks


def begun(process: Process, start: str = "") -> PlayedCase:
    return PlayedCase(process, start=start)


def by_hand_by_message_or_by_clock(*, guarded: bool = False) -> Diagram:
    """apply → check; ordered → check; daily → sum; all end at done. guarded: with an event subprocess around it all."""
    d = Diagram()
    d.start("apply")
    d.start("ordered", d.message("order"), result="order")
    d.start("daily", d.timer("R/P1D", "timeCycle"))
    d.xor("either")
    d.user("check")
    d.service("sum")
    d.end("done", outcome="done")
    d.flow("apply", "either", "check", "done")
    d.flow("ordered", "either")
    d.flow("daily", "sum", "done")
    if guarded:
        handler = d.event_subprocess("stopping", "stopped", d.message("stop"))
        handler.end("over", outcome="stopped")
        handler.flow("stopped", "over")
    return d


def test_a_case_begins_at_the_start_event_its_first_input_names():
    process = by_hand_by_message_or_by_clock().compile()

    assert begun(process).waits == ["check:1"]
    assert begun(process, "ordered").waits == ["check:1"]
    assert begun(process, "daily").waits == ["sum:1"]


def test_its_history_names_that_start_event_and_no_other():
    process = by_hand_by_message_or_by_clock().compile()

    case = begun(process, "daily")

    assert case.history() == ["daily:1 entered", "daily:1 completed", "sum:1 entered"]
    assert [start.id for start in process.starts] == ["apply", "ordered", "daily"]


def test_several_start_events_stand_inside_what_event_subprocesses_guard():
    process = by_hand_by_message_or_by_clock(guarded=True).compile()

    case = begun(process, "daily")
    assert sorted(case.waits) == ["stopped:1", "sum:1"]
    case.message("stopped:1", "stop")

    assert case.outcome == "stopped"


def test_a_process_of_one_message_start_begins_by_it_alone():
    d = Diagram()
    d.start("ordered", d.message("order"))
    d.user("check")
    d.end("done")
    d.flow("ordered", "check", "done")
    process = d.compile()

    assert begun(process, "ordered").waits == ["check:1"]
    with pytest.raises(Conflict, match=r"start\.unknown"):
        begun(process)


def test_a_start_event_the_process_does_not_have_begins_nothing():
    with pytest.raises(Conflict, match=r"start\.unknown"):
        begun(two_tasks().compile(), "daily")


def test_an_inclusive_join_behind_two_starts_waits_for_no_token_of_the_other():
    d = Diagram()
    d.start("apply")
    d.start("ordered", d.message("order"))
    d.user("a")
    d.user("b")
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("apply", "a", "join", "done")
    d.flow("ordered", "b", "join")

    case = begun(d.compile(), "ordered")
    case.completes("b:1")

    assert case.outcome == "done"


def test_a_journal_written_before_there_were_several_starts_says_none():
    old = orjson.dumps({"at": MONDAY.isoformat(), "by": "wx:1", "variables": {}, "settings": {}, "computed": {}})

    assert decode_input("Started", old).start == ""
    assert decode_input("Started", encode_input(Started(at=MONDAY, by="x", start="daily"))).start == "daily"


def walked(old: Process, new: Process, started: Started) -> Walk:
    walk = Walk({"old": old, "new": new}.__getitem__, "old")
    walk.apply(1, started)
    return walk


def test_a_migration_keeps_the_start_event_under_its_new_name():
    old = by_hand_by_message_or_by_clock().compile()
    renamed = by_hand_by_message_or_by_clock().xml().replace(b'"daily"', b'"nightly"')
    new = compile_process(renamed, {})
    walk = walked(old, new, Started(at=MONDAY, by="system", start="daily"))

    given = CaseMigrated(at=MONDAY, by="op", from_definition="old", to_definition="new", elements={"daily": "nightly"})
    walk.apply(2, given)

    assert list(walk.course.machine.waits) == ["sum:1"]


def test_a_case_whose_start_event_is_gone_does_not_fit():
    walk = walked(
        by_hand_by_message_or_by_clock().compile(),
        two_tasks().compile(),
        Started(at=MONDAY, by="system", start="daily"),
    )

    carried = walk.migrated(CaseMigrated(at=MONDAY, by="op", from_definition="old", to_definition="new"))

    assert carried.misfit is not None
    assert (carried.misfit.seq, carried.misfit.element, carried.misfit.code) == (1, "daily", "start.unknown")
    assert carried.course is None


def test_what_if_tells_that_the_candidate_is_not_started_so():
    candidate = Candidate(two_tasks().compile(), {}, frozenset(), frozenset(), {}, lambda wait, values: "")
    inputs = [Started(at=MONDAY, by="system", start="daily"), JobSucceeded(at=MONDAY, wait="sum:1")]

    run = rerun(candidate, inputs, frozenset(), MONDAY)

    assert run.misfit is not None
    assert (run.misfit.kind, run.misfit.element, run.misfit.why) == ("Started", "daily", "start.unknown")


def test_what_if_begins_at_the_same_start_event():
    process = by_hand_by_message_or_by_clock().compile()
    candidate = Candidate(process, {}, frozenset(), frozenset(), {}, lambda wait, values: "")
    inputs = [Started(at=MONDAY, by="system", start="daily"), JobSucceeded(at=MONDAY, wait="sum:1")]

    run = rerun(candidate, inputs, frozenset(), MONDAY)

    assert (run.machine.outcome, run.misfit) == ("done", None)
