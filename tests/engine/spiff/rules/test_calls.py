"""Call activities with their own frame, and messages that leave a case."""

from __future__ import annotations

import pytest

from engine.errors import InvalidDiagram
from engine.machine import Process, SentMessage
from engine.waits import IncidentWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.checking import a_folder, check_files, form
from tests.engine.diagrams import Diagram


def checking() -> Diagram:
    """ask (user) → checked, with a lane of its own."""
    d = Diagram("checking", lanes={"clerk": ["ask"]})
    d.start("checking_begin")
    d.user("ask", form="fill")
    d.end("checked", outcome="not the case's")
    d.flow("checking_begin", "ask", "checked")
    return d


def calling(**properties: str) -> Diagram:
    d = Diagram("main")
    d.start("begin")
    d.call("check", "checking", **properties)
    d.end("done", outcome="done")
    d.flow("begin", "check", "done")
    return d


def compiled(d: Diagram) -> Process:
    return d.compile(None, checking())


def test_a_called_flow_has_its_own_variables_and_gives_back_what_the_call_takes() -> None:
    case = PlayedCase(
        compiled(calling(in_unit="applicant.unit", out_passed="opinion == 'yes'")),
        {"applicant": {"unit": "420100", "name": "张三"}, "opinion": "mine"},
    )
    assert case.waits == ["check:1/ask:1"]
    assert case.machine.view_of("check:1/ask:1") == {"unit": "420100"}

    case.completes("check:1/ask:1", opinion="yes")

    assert case.outcome == "done"
    assert case.variables == {"applicant": {"unit": "420100", "name": "张三"}, "opinion": "mine", "passed": True}


def test_a_called_flow_reads_the_settings_of_the_flow() -> None:
    d = checking()
    d.flow("checking_begin", "ask")
    called = Diagram("checking")
    called.start("checking_begin")
    called.xor("choose")
    called.user("ask")
    called.end("checked")
    called.flow("checking_begin", "choose")
    called.flow("choose", "ask", when="settings.is_strict")
    called.flow("choose", "checked", default=True)
    called.flow("ask", "checked")

    case = PlayedCase(calling().compile(None, called), is_strict=True)

    assert case.waits == ["check:1/ask:1"]


def test_an_input_that_cannot_be_worked_out_leaves_the_call_in_an_incident() -> None:
    case = PlayedCase(compiled(calling(in_limit="amount + 1")), {"amount": "many"})
    assert case.wait("check:1") == IncidentWait(
        address="check:1", element="check", code="expression.failed", message=case.wait("check:1").message
    )

    case.retried("check:1", amount=1)

    assert case.waits == ["check:1/ask:1"]
    assert case.machine.view_of("check:1/ask:1") == {"limit": 2}


def test_an_output_that_cannot_be_worked_out_is_repaired_in_the_called_flow() -> None:
    case = PlayedCase(compiled(calling(out_total="score + 1")))
    case.completes("check:1/ask:1", score="many")
    assert isinstance(case.wait("check:1"), IncidentWait)

    case.retried("check:1", score=2)

    assert case.outcome == "done"
    assert case.variables == {"total": 3}


def test_a_boundary_event_of_the_call_takes_the_called_flow_away() -> None:
    d = calling(out_opinion="opinion")
    d.boundary("stop", "check", d.message("stop"))
    d.end("stopped", outcome="stopped")
    d.flow("stop", "stopped")
    case = PlayedCase(compiled(d))

    case.message("stop:1", "stop")

    assert case.outcome == "stopped"
    assert case.variables == {}


def test_an_error_of_the_called_flow_walks_to_the_boundary_event_of_the_call() -> None:
    called = Diagram("checking")
    called.start("checking_begin")
    called.error_end("broken", "bad")
    called.flow("checking_begin", "broken")
    d = calling()
    d.boundary("failed", "check", d.error("bad"))
    d.user("repair")
    d.flow("failed", "repair", "done")

    case = PlayedCase(d.compile(None, called))

    assert case.waits == ["repair:1"]


@pytest.mark.parametrize(
    ("process", "called", "code"),
    [("nowhere", [checking()], "call.unknown"), ("checking", [checking(), calling()], "xml.duplicate_id")],
)
def test_calls_that_lead_nowhere_and_ids_used_twice_are_refused(process, called, code) -> None:
    d = Diagram("main")
    d.start("begin")
    d.call("check", process)
    d.end("done")
    d.flow("begin", "check", "done")

    with pytest.raises(InvalidDiagram) as refused:
        d.compile(None, *called)

    assert code in {problem.code for problem in refused.value.problems}


def test_processes_that_call_each_other_without_end_are_refused() -> None:
    called = Diagram("checking")
    called.start("checking_begin")
    called.call("again", "checking")
    called.end("checked")
    called.flow("checking_begin", "again", "checked")

    with pytest.raises(InvalidDiagram) as refused:
        calling().compile(None, called)

    assert [(p.element, p.code) for p in refused.value.problems] == [("again", "call.recursive")]


def test_the_check_reads_every_diagram_of_the_folder() -> None:
    files = a_folder(calling(in_number="1", out_x="number"))
    alone = {(p.element, p.code) for p in check_files(files)}
    files |= {"checking.bpmn": checking().xml()}
    files["forms/fill.json"] = form(opinion={"type": "string"})

    found = {(p.element, p.code) for p in check_files(files)}

    assert ("check", "call.unknown") in alone
    assert found >= {("checked", "outcome.nested"), ("ask", "user_task.no_timeout")}
    assert not {code for _, code in found} & {"call.unknown", "lane.unused", "form.unused", "variable.unknown"}


def test_the_check_names_unknown_calls_unused_diagrams_and_wrong_names() -> None:
    d = Diagram("main")
    d.start("begin")
    d.call("check", "other", in_settings="1", out_x="1 +")
    d.end("done", outcome="done")
    d.flow("begin", "check", "done")

    found = {(p.element, p.code) for p in check_files(a_folder(d) | {"checking.bpmn": checking().xml()})}

    assert found >= {
        ("check", "call.unknown"),
        ("check", "variable.name"),
        ("check", "expression.invalid"),
        ("checking", "call.unused"),
    }


def test_a_loop_around_a_called_flow_that_never_waits_is_refused() -> None:
    called = Diagram("checking")
    called.start("checking_begin")
    called.end("checked")
    called.flow("checking_begin", "checked")
    d = Diagram("main")
    d.start("begin")
    d.xor("again")
    d.call("check", "checking", out_x="1")
    d.xor("enough")
    d.end("done", outcome="done")
    d.flow("begin", "again", "check", "enough")
    d.flow("enough", "again", when="x < 3")
    d.flow("enough", "done", default=True)

    found = {p.code for p in check_files(a_folder(d) | {"checking.bpmn": called.xml()})}

    assert "loop.no_wait" in found


def telling(draw: str, **properties: str) -> Process:
    d = Diagram()
    d.start("begin")
    d.user("ask")
    if draw == "end":
        d.end("tell", event=d.message("told"), outcome="done", **properties)
        d.flow("begin", "ask", "tell")
        return d.compile()
    if draw == "send":
        d.send("tell", "told", **properties)
    else:
        d.throw("tell", d.message("told"), **properties)
    d.end("done", outcome="done")
    d.flow("begin", "ask", "tell", "done")
    return d.compile()


@pytest.mark.parametrize("draw", ["throw", "send", "end"])
def test_a_message_leaves_the_case_with_its_payload_and_correlation(draw: str) -> None:
    case = PlayedCase(telling(draw, correlation="number", payload_name="person.name", payload_ok="True"))
    assert case.applied.sent == ()

    case.completes("ask:1", number=7, person={"name": "张三"})

    assert case.applied.sent == (SentMessage("message", "told", "7", {"name": "张三", "ok": True}),)
    assert case.outcome == "done"


def test_a_payload_that_cannot_be_worked_out_leaves_the_thrower_in_an_incident() -> None:
    case = PlayedCase(telling("throw", payload_sum="amount + 1"))
    case.completes("ask:1", amount="many")
    assert isinstance(case.wait("tell:1"), IncidentWait)
    assert case.applied.sent == ()

    case.retried("tell:1", amount=1)

    assert [sent.payload for sent in case.applied.sent] == [{"sum": 2}]


@pytest.mark.parametrize(
    "xml",
    [
        '<bpmn:sendTask id="t"/>',
        '<bpmn:intermediateThrowEvent id="t"><bpmn:messageEventDefinition/></bpmn:intermediateThrowEvent>',
    ],
)
def test_a_message_without_a_name_is_refused(xml: str) -> None:
    d = telling_raw(xml)

    with pytest.raises(InvalidDiagram) as refused:
        d.compile()

    assert ("t", "message.unknown") in {(p.element, p.code) for p in refused.value.problems}
    assert ("t", "message.unknown") in {(p.element, p.code) for p in check_files(a_folder(d))}


def telling_raw(xml: str) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.raw(xml)
    d.end("done", outcome="done")
    d.flow("begin", "t", "done")
    return d
