"""The check of loops: each leads to an end, and each waits for somebody."""

import pytest

from tests.engine.checking import alone
from tests.engine.diagrams import Diagram


def test_a_loop_that_never_leads_to_an_end_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.user("again")
    d.end("done")
    d.flow("begin", "again", "again")

    problems = alone(d)

    assert ("again", "element.no_end_ahead") in problems
    assert ("done", "element.unreachable") in problems


@pytest.mark.parametrize(
    ("wait", "is_loop"),
    [("user", False), ("job", False), ("timer", False), ("decision", True), ("transaction", True), ("gateway", True)],
)
def test_a_loop_needs_a_wait(wait, is_loop):
    d = Diagram()
    d.start("begin")
    d.xor("again")
    {
        "user": lambda: d.user("step"),
        "job": lambda: d.service("step", "check.read", pages="[]"),
        "timer": lambda: d.catch("step", d.timer("PT1H")),
        "decision": lambda: d.rule("step", "decide"),
        "transaction": lambda: d.service("step", "check.record"),
        "gateway": lambda: d.xor("step"),
    }[wait]()
    d.xor("enough")
    d.end("done")
    d.flow("begin", "again", "step", "enough")
    d.flow("enough", "again", when="n < 3")
    d.flow("enough", "done", default=True)

    assert (("again", "loop.no_wait") in alone(d)) is is_loop


@pytest.mark.parametrize("has_wait", [True, False])
def test_a_subprocess_in_a_loop_waits_only_if_every_way_through_it_does(has_wait):
    d = Diagram()
    d.start("begin")
    inside = d.subprocess("step")
    inside.start("inner")
    inside.xor("quick")
    inside.user("slow")
    inside.end("inner_done")
    inside.flow("inner", "quick")
    inside.flow("quick", "slow", default=True)
    inside.flow("slow", "inner_done")
    if not has_wait:
        inside.flow("quick", "inner_done", when="skip")
    d.xor("again")
    d.end("done")
    d.flow("begin", "step", "again")
    d.flow("again", "step", when="n < 3")
    d.flow("again", "done", default=True)

    assert any(code == "loop.no_wait" for _, code in alone(d)) is not has_wait


def test_an_error_of_a_transaction_that_leads_back_is_a_loop_without_a_wait():
    d = Diagram()
    d.start("begin")
    d.service("record", "check.record")
    d.boundary("taken", "record", d.error("check.taken"))
    d.end("done")
    d.flow("begin", "record", "done")
    d.flow("taken", "record")

    assert ("record", "loop.no_wait") in alone(d)
