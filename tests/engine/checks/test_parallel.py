"""The check of what runs at once: branches that write one variable, and joins that get one token too many."""

import pytest

from tests.engine.checking import a_diagram, alone
from tests.engine.diagrams import Diagram


def test_two_flows_from_one_element_into_a_join_are_refused():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork", "join", "done")
    d.flow("fork", "join")

    assert ("join", "join.doubled") in alone(d)


def a_fork(first: str = "a", second: str = "b") -> Diagram:
    """Two jobs side by side, whose results go to the variables `first` and `second`."""
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.service("one", "check.read", result=first, pages="[]")
    d.service("two", "check.read", result=second, pages="[]")
    for element in ("one", "two"):
        d.boundary(f"{element}_failed", element, d.error())
        d.end(f"{element}_over")
        d.flow(f"{element}_failed", f"{element}_over")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork", "one", "join", "done")
    d.flow("fork", "two", "join")
    return d


@pytest.mark.parametrize(("second", "is_shared"), [("a", True), ("b", False)])
def test_parallel_branches_may_not_write_one_variable(second, is_shared):
    assert (("fork", "variable.parallel_write") in alone(a_fork(second=second))) is is_shared


def test_a_write_after_the_join_is_no_parallel_write():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.service("one", "check.read", result="a", pages="[]")
    d.user("two")
    d.parallel("join")
    d.service("three", "check.read", result="a", pages="[]")
    d.xor("again")
    d.end("done")
    d.flow("begin", "fork", "one", "join", "three", "again", "done")
    d.flow("fork", "two", "join")
    d.flow("again", "fork", when="a is None")

    assert "variable.parallel_write" not in {code for _, code in alone(d)}


def test_a_write_inside_a_subprocess_of_a_branch_counts_and_a_loop_around_hides_nothing():
    d = Diagram()
    d.start("begin")
    d.xor("merge")
    d.parallel("fork")
    inside = d.subprocess("one")
    inside.start("inner")
    inside.service("deep", "check.read", result="a", pages="[]")
    inside.end("inner_done")
    inside.flow("inner", "deep", "inner_done")
    d.service("two", "check.read", result="a", pages="[]")
    d.parallel("join")
    d.xor("again")
    d.end("done")
    d.flow("begin", "merge", "fork", "one", "join", "again")
    d.flow("fork", "two", "join")
    d.flow("again", "merge", when="a is None")
    d.flow("again", "done", default=True)

    assert ("fork", "variable.parallel_write") in alone(d)


def test_a_join_that_two_tokens_reach_by_one_flow_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    for element in ("one", "two", "three"):
        d.user(element)
        d.flow("fork", element)
    d.xor("merge")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork")
    d.flow("one", "merge", "join", "done")
    d.flow("two", "merge")
    d.flow("three", "join")

    assert ("join", "join.many_tokens") in alone(d)


def test_a_sound_fork_and_join_is_not_pointed_out():
    assert "join.many_tokens" not in {code for _, code in alone(a_fork())}


@pytest.mark.parametrize(("event", "is_refused"), [("message", True), ("timer", False)])
def test_a_repeatable_handler_may_not_share_a_joins_tokens(event, is_refused):
    d = a_diagram()
    d.boundary("asked", "fill", d.message("ask") if event == "message" else d.timer("P1D"), interrupting=False)
    d.parallel("fork")
    d.user("one")
    d.user("two")
    d.parallel("join")
    d.end("answered")
    d.flow("asked", "fork", "one", "join", "answered")
    d.flow("fork", "two", "join")

    assert (("asked", "handler.parallel") in alone(d)) is is_refused


def test_a_handler_that_writes_what_the_main_flow_writes_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.service("read", "check.read", result="a", pages="[]")
    d.boundary("reminded", "read", d.timer("P1D"), interrupting=False)
    d.service("read_again", "check.read", result="a", pages="[]")
    d.end("done")
    d.end("over")
    d.flow("begin", "read", "done")
    d.flow("reminded", "read_again", "over")

    assert ("reminded", "variable.handler_write") in alone(d)


def test_a_handler_beside_a_path_that_its_host_does_not_take_is_not():
    d = a_diagram()
    d.service("read", "check.read", result="a", pages="[]")
    d.boundary("asked", "fill", d.message("x"))
    d.boundary("reminded", "fill", d.timer("P1D"), interrupting=False)
    d.service("read_again", "check.read", result="a", pages="[]")
    d.end("over")
    d.flow("asked", "read", "done")
    d.flow("reminded", "read_again", "over")

    assert ("reminded", "variable.handler_write") not in alone(d)
