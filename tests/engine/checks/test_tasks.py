"""The check of what tasks and events say they need, and of the folder around the diagram."""

import pytest

from engine.checks.check import check_files, check_flow
from tests.engine.checking import TOML, a_folder, alone, form, in_folder, said
from tests.engine.diagrams import Diagram
from tests.engine.tables import a_table

LANES = {"clerk": ["begin", "fill", "done", "late", "step"]}


def a_flow_diagram(**user: object) -> Diagram:
    """begin → fill (form `fill`, a time limit that leads to the end too) → done."""
    d = Diagram(lanes=LANES)
    d.start("begin")
    d.user("fill", **({"form": "fill"} | user))
    d.boundary("late", "fill", d.timer("P30D"))
    d.end("done", outcome="done")
    d.flow("begin", "fill", "done")
    d.flow("late", "done")
    return d


def with_step(draw, *, caught: bool = True) -> Diagram:
    """begin → fill → step → done; `draw(d)` draws the element `step`. caught: any error of it is."""
    d = Diagram(lanes=LANES)
    d.start("begin")
    d.user("fill", form="fill")
    d.boundary("late", "fill", d.timer("P30D"))
    draw(d)
    if caught:
        d.boundary("failed", "step", d.error())
        d.flow("failed", "done")
    d.end("done", outcome="done")
    d.flow("begin", "fill", "step", "done")
    d.flow("late", "done")
    return d


def test_a_sound_folder_has_no_problem():
    assert in_folder(a_flow_diagram()) == set()


def test_a_folder_on_disk_and_its_files_in_memory_give_the_same(tmp_path):
    files = a_folder(a_flow_diagram(form="absent"))
    (tmp_path / "forms").mkdir()
    for path, content in files.items():
        (tmp_path / path).write_bytes(content)

    checked = check_flow(tmp_path)

    assert checked.problems == check_files(files)
    assert ("fill", "form.missing") in said(checked.problems)
    assert (checked.path, checked.deployable) == (str(tmp_path), False)


@pytest.mark.parametrize(
    ("draw", "code"),
    [
        (lambda d: d.service("step", "check.read", pages="[]", result="r"), None),
        (lambda d: d.service("step", "check.read", pages="[]", language="'en'"), None),
        (lambda d: d.service("step", "check.unheard_of"), "service_task.unknown"),
        (lambda d: d.raw('<bpmn:serviceTask id="step"/>'), "service_task.no_operator"),
        (lambda d: d.service("step", "check.read"), "service_task.parameter_missing"),
        (lambda d: d.service("step", "check.read", pages="[]", colour="1"), "service_task.parameter_unknown"),
        (lambda d: d.service("step", "check.read", pages="open('x')"), "expression.invalid"),
        (lambda d: d.service("step", "check.read", pages="[]", result="a b"), "variable.name"),
        (lambda d: d.service("step", "check.read", pages="[]", result="settings"), "variable.name"),
        (lambda d: d.service("step", "check.record", result="r"), "service_task.no_result"),
        (lambda d: d.rule("step", ""), "decision.missing"),
        (lambda d: d.rule("step", "unheard_of"), "decision.unknown"),
    ],
)
def test_what_a_step_calls_must_be_there(draw, code):
    found = {found_code for element, found_code in in_folder(with_step(draw)) if element == "step"}

    assert found == ({code} if code else set())


def test_declared_errors_want_a_boundary_event():
    draw = lambda d: d.service("step", "check.read", pages="[]")  # noqa: E731

    assert ("step", "error.not_caught") in in_folder(with_step(draw, caught=False))
    assert ("step", "error.not_caught") not in in_folder(with_step(draw))


def test_an_error_may_be_caught_further_out():
    d = Diagram()
    d.start("begin")
    inside = d.subprocess("inside")
    inside.start("inner")
    inside.service("step", "check.record")
    inside.error_end("inner_done", "own")
    inside.flow("inner", "step", "inner_done")
    d.boundary("taken", "inside", d.error("check.taken"))
    d.end("done")
    d.flow("begin", "inside", "done")
    d.flow("taken", "done")

    problems = alone(d)

    assert ("step", "error.not_caught") not in problems
    assert ("inner_done", "error.not_caught") in problems


def test_a_boundary_event_for_an_error_nobody_raises_is_pointed_out():
    d = with_step(lambda d: d.service("step", "check.record"))
    d.boundary("odd", "step", d.error("check.unheard_of"))
    d.flow("odd", "done")

    assert ("odd", "error.not_raised") in in_folder(d)


@pytest.mark.parametrize(
    "event",
    [
        Diagram.timer("soon; now"),
        Diagram.timer("3"),
        Diagram.timer("__import__('os')"),
        Diagram.timer("P99999D"),
        Diagram.timer("R3/PT1H", "timeCycle"),
        Diagram.timer("2026-12-01", "timeDate"),
        Diagram.timer(""),
        "<bpmn:timerEventDefinition/>",
    ],
)
def test_a_bad_timer_is_found_at_its_element(event):
    d = a_flow_diagram()
    d.boundary("bad", "fill", event)
    d.flow("bad", "done")

    assert ("bad", "timer.invalid") in in_folder(d)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("<bpmn:messageEventDefinition/>", "message.unknown"),
        ('<bpmn:messageEventDefinition messageRef="absent"/>', "message.unknown"),
        ("<bpmn:timerEventDefinition/><bpmn:messageEventDefinition/>", "event.definition"),
        ("", "event.definition"),
        ('<bpmn:errorEventDefinition errorRef="absent"/>', "error.unknown"),
    ],
)
def test_a_bad_event_is_found_at_its_element(event, code):
    d = with_step(lambda d: d.service("step", "check.record"))
    d.boundary("bad", "step", event)
    d.flow("bad", "done")

    assert ("bad", code) in in_folder(d)


def test_a_bad_correlation_or_result_of_a_message_is_found():
    d = a_flow_diagram()
    d.boundary("bad", "fill", d.message("x"), correlation="a.__b__", result="_x")
    d.flow("bad", "done")

    assert {("bad", "expression.invalid"), ("bad", "variable.name")} <= in_folder(d)


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ({"form": "absent"}, "form.missing"),
        ({"form": ""}, "user_task.no_form"),
        ({"due": "tomorrow at nine"}, "timer.invalid"),
        ({"due": "working_days(3)"}, None),
        ({"priority": "high"}, "user_task.priority"),
        ({"priority": "101"}, "user_task.priority"),
        ({"colour": "red"}, "element.property"),
    ],
)
def test_a_user_task_is_checked(user, code):
    found = {found_code for element, found_code in in_folder(a_flow_diagram(**user)) if element == "fill"}

    assert found == ({code} if code else set())


@pytest.mark.parametrize(
    ("limit", "code"), [("none", "user_task.no_timeout"), ("reminder", "user_task.only_reminded"), ("handler", None)]
)
def test_a_user_task_wants_a_way_out_in_time(limit, code):
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.end("done")
    d.flow("begin", "fill", "done")
    if limit == "reminder":
        d.boundary("reminded", "fill", d.timer("P1D"), interrupting=False)
        d.flow("reminded", "done")
    if limit == "handler":
        handler = d.event_subprocess("handler", "late", d.timer("P30D"))
        handler.end("over")
        handler.flow("late", "over")

    assert {found for _, found in alone(d)} == ({code} if code else set())


def test_lanes_and_outcomes_must_be_named_in_flow_toml():
    d = a_flow_diagram()
    toml = 'key = "flow"\ntitle = "流程"\n[lanes]\nnobody = "-"\n[outcomes.other]\nlabel = "其他"\n'

    problems = in_folder(d, toml)

    assert {("clerk", "lane.unmapped"), ("nobody", "lane.unused")} <= problems
    assert {("done", "outcome.no_label"), ("other", "outcome.unused")} <= problems


def test_a_user_task_needs_somebody():
    assert ("fill", "user_task.nobody") in in_folder(
        a_flow_diagram(), TOML.format(more="").replace('"flow.clerk"', '"-"')
    )


def test_what_flow_toml_names_must_be_in_the_diagram():
    toml = TOML.format(more='[progress]\nnowhere = "x"\n[messages.withdraw]\nlabel = "撤回"\nwho = "starter"\n')

    problems = in_folder(a_flow_diagram(), toml)

    assert {("nowhere", "progress.unknown"), ("withdraw", "message.not_caught")} <= problems


@pytest.mark.parametrize("facet", ["nowhere", "note"])
def test_the_inbox_is_narrowed_only_by_what_a_form_offers_to_choose(facet):
    problems = in_folder(a_flow_diagram(), TOML.format(more=f'[inbox]\nfacet = "{facet}"\n'))

    assert (facet, "inbox.facet") in problems


def test_an_end_without_an_outcome_is_pointed_out_but_not_a_reminders():
    d = a_flow_diagram()
    d.boundary("reminded", "fill", d.timer("P1D"), interrupting=False)
    d.end("over")
    d.boundary("gone", "fill", d.timer("P2D"))
    d.end("nothing")
    d.flow("reminded", "over")
    d.flow("gone", "nothing")

    problems = in_folder(d)

    assert ("nothing", "outcome.none") in problems
    assert ("over", "outcome.none") not in problems


def test_unused_forms_and_decisions_are_said():
    problems = in_folder(a_flow_diagram(), other_json=form(), decide_dmn=a_table([["-", "1"]], type_ref="string"))

    assert problems == {("forms/other.json", "form.unused"), ("decide", "decision.unused")}


def test_problems_of_forms_and_tables_are_problems_of_the_flow():
    d = with_step(lambda d: d.rule("step", "decide"))
    overlapping = a_table([["> 1", "1"], ["> 2", "2"]], inputs=("number",))

    problems = in_folder(d, fill_json=b"{", decide_dmn=overlapping)

    assert {("forms/fill.json", "form.malformed"), ("r2", "decision.overlap")} <= problems


def test_a_variable_that_nobody_writes_is_said_once_as_information():
    d = with_step(lambda d: d.service("step", "check.read", pages="[number, typo, settings.x]", result="r"))

    assert {item for item in in_folder(d) if item[1] == "variable.unknown"} == {("step", "variable.unknown")}


CONSENT = form(agreed={"type": "boolean", "ui": {"kind": "consent", "purpose": "compare_face"}})


def a_face_flow(*, asks: bool = True, offers_other_way: bool = True, can_skip: bool = False) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.xor("ask")
    d.user("consent", form="consent" if asks else "fill")
    d.xor("agreed")
    d.service("compare", "face.of_check", result="r")
    d.user("review", form="fill")
    d.end("done", outcome="done")
    d.flow("begin", "ask")
    d.flow("ask", "consent", default=True)
    if can_skip:
        d.flow("ask", "compare", when="number == '1'")
    d.flow("consent", "agreed")
    d.flow("agreed", "compare", default=True)
    if offers_other_way:
        d.flow("agreed", "review", when="not agreed")
    else:
        d.boundary("late", "consent", d.timer("P30D"))
        d.flow("late", "review")
    d.flow("compare", "done")
    d.flow("review", "done")
    return d


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, None),
        ({"asks": False}, "face.no_consent"),
        ({"can_skip": True}, "face.no_consent"),
        ({"offers_other_way": False}, "face.no_alternative"),
    ],
)
def test_comparing_faces_wants_a_consent_before_and_another_way(options, code):
    problems = in_folder(a_face_flow(**options), consent_json=CONSENT)

    assert {found for element, found in problems if element == "compare"} == ({code} if code else set())


def test_a_consent_that_timed_out_is_no_consent():
    d = a_face_flow()
    d.boundary("late", "consent", d.timer("P1D"))
    d.flow("late", "compare")

    assert ("compare", "face.no_consent") in in_folder(d, consent_json=CONSENT)
