"""Deployment: versions, what is current, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cases.start import may_start, start_case, startable_flows
from engine.deployment.deploy import (
    current_definition,
    current_definitions,
    deploy_flow,
    deploy_folder,
    find_definition,
)
from engine.errors import Forbidden, InvalidDiagram, NotFound
from engine.flow.flow import flow_of_files, load_flow
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow

NEWER = LEAVE.replace('name="审核"', 'name="复核"')


def write_flow(folder: Path, bpmn: str = LEAVE) -> None:
    for path, content in a_flow(bpmn).files.items():
        (folder / "leave" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "leave" / path).write_bytes(content)


def test_the_same_files_are_deployed_once(any_store: Store) -> None:
    first = any_store.deploy()
    again = any_store.deploy()
    newer = any_store.deploy(a_flow(NEWER))

    with any_store.sessions() as session:
        assert first == again
        assert current_definition(session, "leave").id == newer
        assert (find_definition(session, first).version, find_definition(session, newer).version) == (1, 2)
        assert [definition.id for definition in current_definitions(session)] == [newer]


def test_a_running_case_stays_on_its_version(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    any_store.deploy(a_flow(NEWER))

    item = any_store.waiting(case_id, "decide")
    any_store.claim(item.id, REVIEWER)
    any_store.complete(item.id, REVIEWER, opinion="x")

    assert any_store.waiting(case_id, "decide").state == "COMPLETED"


def test_an_analysts_newer_version_stays_current_when_the_program_starts_again(store: Store, tmp_path: Path) -> None:
    write_flow(tmp_path)
    with store.writing() as session:
        first = deploy_folder(session, tmp_path, NOW)
    analysts = store.deploy(a_flow(NEWER))

    with store.writing() as session:
        again = deploy_folder(session, tmp_path, NOW)

    assert (len(first), again) == (1, [])
    with store.sessions() as session:
        assert current_definition(session, "leave").id == analysts


def test_a_drawing_that_moved_is_a_new_version_of_the_same_diagram(any_store: Store) -> None:
    drawing = (
        '<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" id="drawing">'
        '<bpmndi:BPMNPlane id="plane" bpmnElement="leave" /></bpmndi:BPMNDiagram></bpmn:definitions>'
    )
    plain = any_store.deploy()
    drawn = any_store.deploy(a_flow(LEAVE.replace("</bpmn:definitions>", drawing)))
    renamed = any_store.deploy(a_flow(NEWER))

    with any_store.sessions() as session:
        digests = {id: find_definition(session, id).process.digest for id in (plain, drawn, renamed)}
    assert digests[plain] == digests[drawn] != digests[renamed]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (LEAVE.replace('id="test.read"', 'id="no.such.task"'), "service_task.unknown"),
        (LEAVE.replace('value="number" />', 'value="__import__(1)" />'), "expression.invalid"),
        (LEAVE.replace("<bpmn:definitions", "<!DOCTYPE x>\n<bpmn:definitions", 1), "xml.doctype"),
        ("not xml", "xml.malformed"),
    ],
)
def test_what_the_check_finds_is_not_deployed(store: Store, broken: str, code: str) -> None:
    with store.writing() as session, pytest.raises(InvalidDiagram) as refused:
        deploy_flow(session, a_flow(broken), by=ANALYST, reason="", now=NOW)

    assert code in {problem.code for problem in refused.value.problems if problem.severity == "error"}
    with store.sessions() as session, pytest.raises(NotFound):
        current_definition(session, "leave")


def test_a_flow_file_that_says_something_else_is_named_by_field() -> None:
    files = dict(a_flow().files)
    files["flow.toml"] = b'key = "Leave"\ntitle = "x"\ncolour = "red"\n'

    with pytest.raises(InvalidDiagram) as refused:
        flow_of_files(files)

    assert {problem.element for problem in refused.value.problems} == {"key", "colour"}


def test_a_folder_without_its_diagram_is_refused(tmp_path: Path) -> None:
    write_flow(tmp_path)
    (tmp_path / "leave" / "process.bpmn").unlink()

    with pytest.raises(InvalidDiagram, match=r"flow\.invalid"):
        load_flow(tmp_path / "leave")


def test_only_who_flow_toml_names_may_start(store: Store) -> None:
    store.deploy()

    with store.sessions() as session:
        assert [definition.flow_key for definition in startable_flows(session, APPLICANT)] == ["leave"]
        assert startable_flows(session, REVIEWER) == []
        assert not may_start(current_definition(session, "leave"), REVIEWER)
    with store.writing() as session, pytest.raises(Forbidden, match=r"flow\.may_not_start"):
        start_case(session, "leave", by=REVIEWER, values={}, now=NOW)
