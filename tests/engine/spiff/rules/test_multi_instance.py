"""Multi-instance activities: 会签, 或签, 比例; in parallel and in turn; over a collection or a number of times."""

from __future__ import annotations

import pytest

from engine.errors import InvalidDiagram
from engine.inputs import ElementSkipped, TokenMoved, WorkItemReturned
from engine.machine import Machine, compile_process
from engine.waits import IncidentWait, JobWait, UserTaskWait
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.checking import a_folder, check_files
from tests.engine.diagrams import Diagram, many

VOTERS = {"voters": ["li", "wang", "zhao"]}


def voting(loop: str, **properties: object) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.user("vote", many=loop, **properties)
    d.end("done", outcome="done")
    d.flow("begin", "vote", "done")
    return d


def test_everybody_votes_at_once_and_every_vote_is_kept_in_the_order_of_the_list() -> None:
    case = PlayedCase(voting(many("voters", item="voter", output="votes"), form="vote").compile(), VOTERS)
    assert case.waits == ["vote:1@li", "vote:1@wang", "vote:1@zhao"]
    assert case.wait("vote:1@li") == UserTaskWait(address="vote:1@li", element="vote", form="vote")
    assert case.machine.view_of("vote:1@wang") == {**VOTERS, "voter": "wang"}

    case.completes("vote:1@zhao", opinion="no", why="late")
    case.completes("vote:1@li", opinion="yes")
    case.completes("vote:1@wang", opinion="yes")

    assert case.outcome == "done"
    assert case.variables == {
        **VOTERS,
        "votes": [
            {"key": "li", "opinion": "yes"},
            {"key": "wang", "opinion": "yes"},
            {"key": "zhao", "opinion": "no", "why": "late"},
        ],
    }


def test_one_instance_after_the_other() -> None:
    case = PlayedCase(voting(many("voters", item="voter", output="votes", in_turn=True)).compile(), VOTERS)

    for voter in VOTERS["voters"]:
        assert case.waits == [f"vote:1@{voter}"]
        case.completes(f"vote:1@{voter}", opinion=voter)

    assert [vote["opinion"] for vote in case.variables["votes"]] == VOTERS["voters"]


@pytest.mark.parametrize(
    "until",
    ["done >= 2", "done * 2 > total", "count(column(results, 'opinion'), 'yes') >= 2", "len(votes) == 2"],
)
def test_enough_instances_take_the_others_away(until: str) -> None:
    case = PlayedCase(voting(many("voters", item="voter", output="votes", until=until)).compile(), VOTERS)

    case.completes("vote:1@wang", opinion="yes")
    case.completes("vote:1@li", opinion="yes")

    assert case.outcome == "done"
    assert [vote["key"] for vote in case.variables["votes"]] == ["li", "wang"]
    assert {"vote:1@zhao cancelled", "vote:1 completed"} <= set(case.history())


def test_one_variable_of_each_instance_may_be_collected() -> None:
    loop = many(times="2", item="n", output="numbers", output_item="number")
    case = PlayedCase(voting(loop).compile())
    assert case.machine.view_of("vote:1@2") == {"n": 2}

    case.completes("vote:1@2", number=20, other=1)
    case.completes("vote:1@1", number=10)

    assert case.variables == {"numbers": [10, 20]}


def test_instances_are_known_by_their_items_key_and_not_by_their_place() -> None:
    loop = many("voters", item="voter", output="votes")
    people = [{"id": "b 1", "name": "x"}, {"id": "a/2"}, "c:3", "c:3", {"name": "no key"}, "字" * 30]

    case = PlayedCase(voting(loop).compile(), {"voters": people})

    keys = [wait.rpartition("@")[2] for wait in case.waits]
    assert keys[:5] == ["b%201", "a%2F2", "c%3A3", "c%3A3~2", "5"]
    assert len(keys[5]) == 32

    d = voting(loop, item_key="voter.name")
    case = PlayedCase(d.compile(), {"voters": [{"id": 1, "name": "x"}]})
    assert case.waits == ["vote:1@x"]


@pytest.mark.parametrize("in_turn", [False, True])
def test_nobody_to_vote_is_a_vote_that_is_over(in_turn: bool) -> None:
    loop = many("voters", output="votes", in_turn=in_turn)
    case = PlayedCase(voting(loop).compile(), {"voters": []})

    assert case.outcome == "done"
    assert case.variables["votes"] == []


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["x"] * 1001, "multi_instance.too_many"),
        (None, "multi_instance.not_a_list"),
        ("li", "multi_instance.not_a_list"),
    ],
)
def test_a_collection_that_is_none_is_an_incident_that_can_be_repaired(value: object, code: str) -> None:
    case = PlayedCase(voting(many("voters", output="votes")).compile(), {"voters": value})
    assert case.wait("vote:1").code == code

    case.retried("vote:1", **VOTERS)

    assert len(case.waits) == 3


@pytest.mark.parametrize(("value", "code"), [(1001, "multi_instance.too_many"), ("3", "multi_instance.no_number")])
def test_a_number_of_times_is_a_number_and_not_too_large(value: object, code: str) -> None:
    case = PlayedCase(voting(many(times="n")).compile(), {"n": value})

    assert case.wait("vote:1").code == code


def test_a_thousand_instances_run_and_load() -> None:
    d = Diagram()
    d.start("begin")
    d.service("work", many=many(times="1000", item="n", output="results"), number="n")
    d.end("done", outcome="done")
    d.flow("begin", "work", "done")
    process = d.compile()

    case = PlayedCase(process)

    assert len(case.waits) == 1000
    assert case.wait("work:1@77") == JobWait(
        address="work:1@77", element="work", service="work", parameters={"number": 77}
    )
    again = Machine.load(process, case.machine.dump())
    assert again.waits == case.machine.waits


def test_a_condition_that_fails_stands_at_the_activity_and_is_evaluated_again() -> None:
    case = PlayedCase(voting(many("voters", until="done >= limit + 1")).compile(), {**VOTERS, "limit": "x"})
    case.completes("vote:1@li")
    assert isinstance(case.wait("vote:1"), IncidentWait)
    assert "vote:1@wang" in case.waits

    case.retried("vote:1", limit=0)

    assert case.outcome == "done"


def test_a_boundary_event_takes_all_instances_away() -> None:
    d = voting(many("voters", item="voter", output="votes"))
    d.boundary("late", "vote", d.timer("PT1H"))
    d.end("expired", outcome="expired")
    d.flow("late", "expired")
    case = PlayedCase(d.compile(), VOTERS)
    case.completes("vote:1@li", opinion="yes")

    case.timer("late:1", minutes=60)

    assert case.outcome == "expired"
    assert case.variables == VOTERS


def test_an_error_in_one_instance_reaches_the_boundary_of_the_activity() -> None:
    d = Diagram()
    d.start("begin")
    d.service("work", many=many("voters", item="voter"))
    d.boundary("failed", "work", d.error("bad"))
    d.end("done", outcome="done")
    d.end("broken", outcome="broken")
    d.flow("begin", "work", "done")
    d.flow("failed", "broken")
    case = PlayedCase(d.compile(), VOTERS)

    case.job_fails("work:1@wang", "bad")

    assert case.outcome == "broken"


def test_a_subprocess_has_a_frame_for_each_instance() -> None:
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Ask", many=many("voters", item="voter", output="answers"))
    sub.start("ask_begin")
    sub.user("ask")
    sub.service("note", text="join([voter, answer], ':')", result="noted")
    sub.end("asked")
    sub.flow("ask_begin", "ask", "note", "asked")
    d.end("done", outcome="done")
    d.flow("begin", "Ask", "done")
    case = PlayedCase(d.compile(), VOTERS)

    case.completes("Ask:1@wang/ask:1", answer="a")
    assert case.wait("Ask:1@wang/note:1").parameters == {"text": "wang:a"}
    case.job("Ask:1@wang/note:1", 1)
    for voter in ("zhao", "li"):
        case.completes(f"Ask:1@{voter}/ask:1", answer=voter)
        case.job(f"Ask:1@{voter}/note:1", 2)

    assert case.outcome == "done"
    assert case.variables["answers"] == [
        {"key": "li", "answer": "li", "noted": 2},
        {"key": "wang", "answer": "a", "noted": 1},
        {"key": "zhao", "answer": "zhao", "noted": 2},
    ]


def test_a_called_flow_is_called_for_each_item() -> None:
    called = Diagram("checking")
    called.start("checking_begin")
    called.user("ask")
    called.end("checked")
    called.flow("checking_begin", "ask", "checked")
    d = Diagram()
    d.start("begin")
    d.call(
        "check", "checking", many=many("voters", item="voter", output="answers"), in_who="voter", out_answer="said + 1"
    )
    d.end("done")
    d.flow("begin", "check", "done")
    case = PlayedCase(d.compile(None, called), VOTERS)
    assert case.machine.view_of("check:1@li/ask:1") == {"who": "li"}

    case.completes("check:1@zhao/ask:1", said="x")
    assert isinstance(case.wait("check:1"), IncidentWait)
    case.retried("check:1", said=3)
    case.completes("check:1@li/ask:1", said=1)
    case.completes("check:1@wang/ask:1", said=2)

    assert case.variables["answers"] == [
        {"key": "li", "answer": 2},
        {"key": "wang", "answer": 3},
        {"key": "zhao", "answer": 4},
    ]


def test_a_skipped_instance_counts_with_the_operators_values() -> None:
    case = PlayedCase(voting(many("voters", output="votes", until="done == 1")).compile(), VOTERS)

    case.apply(ElementSkipped(at=MONDAY, by="op", wait="vote:1@li", values={"opinion": "none"}))

    assert case.variables["votes"] == [{"key": "li", "opinion": "none"}]


def test_a_return_from_one_instance_takes_all_of_them_away() -> None:
    d = voting(many("voters", output="votes"))
    d.user("fill")
    d.flow("fill", "vote")
    xml = d.xml().replace(b'sourceRef="begin" targetRef="vote"', b'sourceRef="begin" targetRef="fill"')
    case = PlayedCase(compile_process(xml, {}), VOTERS)
    case.completes("fill:1")
    case.completes("vote:1@li")

    case.apply(WorkItemReturned(at=MONDAY, by="wx:1", wait="vote:1@wang", to="fill"))

    assert case.waits == ["fill:2"]
    case.apply(TokenMoved(at=MONDAY, by="op", wait="fill:2", to="vote"))
    assert case.waits == ["vote:2@li", "vote:2@wang", "vote:2@zhao"]


@pytest.mark.parametrize("loop", [many(), many("voters", times="3")])
def test_neither_or_both_of_collection_and_number_are_refused(loop: str) -> None:
    d = voting(loop)

    with pytest.raises(InvalidDiagram) as refused:
        d.compile()

    assert ("vote", "multi_instance.invalid") in {(p.element, p.code) for p in refused.value.problems}
    assert ("vote", "multi_instance.invalid") in {(p.element, p.code) for p in check_files(a_folder(d))}


def test_the_check_reads_the_texts_and_names_of_a_multi_instance_activity() -> None:
    d = voting(many("voters +", item="settings", output="votes", until="done >= quota"), item_key="voter.")

    found = {(p.element, p.code) for p in check_files(a_folder(d))}

    assert found >= {("vote", "expression.invalid"), ("vote", "variable.name"), ("vote", "variable.unknown")}
