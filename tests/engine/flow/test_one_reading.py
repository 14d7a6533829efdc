"""The check and the machine read a diagram alike: mutated attributes are refused by both, or mean the same to both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from random import Random

import pytest

from composition import declare_service_tasks
from config import ROOT
from engine.checks.check import check_bpmn, check_files
from engine.errors import InvalidDiagram
from engine.flow.attributes import SINCE
from engine.flow.flow import flow_folders, flow_of_files, load_flow
from engine.flow.four_eyes import others_of
from engine.flow.reading import read_alone
from engine.machine import Process, compile_deployed, compile_process
from tests.engine.diagrams import Diagram
from tests.engine.flow.everything import a_rich_folder
from tests.engine.flow.reading_difference import Mutation, difference, mutations, sampled

SHIPPED = flow_folders(ROOT / "bpmn")


def assert_no_difference(files: Mapping[str, bytes], tried: list[Mutation]) -> None:
    assert difference(files) == "", "as it is drawn"
    found = [f"{mutation}: {told}" for mutation in tried if (told := difference(mutation.of(files)))]
    assert not found, "\n".join(found)


def test_mutated_attributes_of_a_rich_flow_are_read_alike() -> None:
    seed = 20261201
    files = a_rich_folder()

    print(f"seed {seed}")
    assert len(list(mutations(files))) > 400
    assert_no_difference(files, sampled(files, Random(seed), 40))


@pytest.mark.full
def test_every_mutated_attribute_of_a_rich_flow_is_read_alike() -> None:
    files = a_rich_folder()

    assert_no_difference(files, list(mutations(files)))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_mutated_attributes_of_a_shipped_flow_are_read_alike(folder) -> None:
    declare_service_tasks(ROOT / "bpmn")
    seed = 20261201
    files = load_flow(folder).files

    print(f"seed {seed}")
    assert_no_difference(files, sampled(files, Random(seed), 6))


@pytest.mark.full
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_many_mutated_attributes_of_a_shipped_flow_are_read_alike(folder) -> None:
    declare_service_tasks(ROOT / "bpmn")
    seed = Random().randrange(10**8)
    files = load_flow(folder).files

    print(f"seed {seed}")
    assert_no_difference(files, sampled(files, Random(seed), 100))


def drawn(**properties: object) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.user("first")
    d.user("review", **properties)
    d.end("done", outcome="done")
    d.flow("begin", "first", "review", "done")
    return d


def codes(xml: bytes) -> tuple[set[str], set[str]]:
    """Error codes of the check, of the machine."""
    refused: set[str] = set()
    try:
        compile_process(xml, {})
    except InvalidDiagram as error:
        refused = {problem.code for problem in error.problems}
    return {problem.code for problem in check_bpmn(xml) if problem.severity == "error"}, refused


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('value="review"', 'value="review "', "attribute.blanks"),
        ('value="review"', 'value="\u3000review"', "attribute.blanks"),
        ('value="PT1H"', 'value=" "', "attribute.blanks"),
        ('value="30"', 'value="0000000001000"', "user_task.priority"),
        ('sourceRef="begin"', 'sourceRef=" begin"', "attribute.blanks"),
        ('<bpmn:userTask id="review"', '<bpmn:userTask isForCompensation="True" id="review"', "attribute.flag"),
        ('<bpmn:userTask id="review"', '<bpmn:userTask cancelActivity="false" id="review"', "attribute.misplaced"),
        ("<spiffworkflow:property name", '<x:property xmlns:x="y" name', "attribute.misplaced"),
    ],
)
def test_what_nobody_can_mean_is_refused_by_both_with_its_value(old: str, new: str, code: str) -> None:
    xml = drawn(form="review", due="PT1H", priority="30").xml().decode()
    assert codes(xml.encode()) == (set(), set())

    check, machine = codes(xml.replace(old, new).encode())

    assert code in check
    assert code in machine


def test_the_value_with_blanks_is_told() -> None:
    (told,) = [problem for problem in check_bpmn(drawn(form="review ").xml()) if problem.code == "attribute.blanks"]

    assert told.element == "review"
    assert "“review ”" in told.message


def form_of(process: Process) -> str:
    return next(node.form for node in process.nodes() if node.id == "review")


def test_a_version_deployed_before_keeps_the_reading_it_had() -> None:
    xml = drawn(form="review ", due=" ").xml()

    process = compile_deployed(xml, {})

    assert form_of(process) == "review"
    assert process.digest == compile_deployed(xml, {}).digest
    with pytest.raises(InvalidDiagram) as refused:
        compile_process(xml, {})
    assert {problem.code for problem in refused.value.problems} <= SINCE


def test_what_could_never_be_deployed_is_refused_of_a_deployed_version_too() -> None:
    with pytest.raises(InvalidDiagram):
        compile_deployed(drawn(priority="many").xml(), {})


def test_four_eyes_read_what_the_check_read() -> None:
    d = drawn(not_same_person_as=" first ")
    files = {"flow.toml": b'key = "flow"\ntitle = "f"', "process.bpmn": d.xml()}

    assert read_alone(d.xml()).nodes["review"].others == ("first",)
    assert others_of(flow_of_files(files), "review") == ("first",)
    assert not [problem for problem in check_files(files) if problem.code == "user_task.four_eyes"]


def test_a_diagram_that_was_read_cannot_be_changed() -> None:
    diagram = read_alone(drawn(form="review").xml())

    with pytest.raises(FrozenInstanceError):
        diagram.nodes["review"].name = "other"
    with pytest.raises(FrozenInstanceError):
        diagram.process_id = "other"
    with pytest.raises(TypeError):
        diagram.nodes["review"].properties["form"] = "other"
    with pytest.raises(TypeError):
        diagram.nodes["other"] = diagram.nodes["review"]
