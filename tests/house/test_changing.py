"""docs/changing.md is true: the example of each section, made in the files the section names and no others, does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bpmn.notices import wording_of
from composition import declare_service_tasks
from config import ROOT
from engine.checks.check import check_files
from engine.flow.flow import flow_of_files, load_flow
from engine.forms.form import load_form
from engine.services.notice_texts import notice_texts

PAGE = (ROOT / "docs" / "changing.md").read_text()
MOST = {"A notice": 2, "A form field": 3, "A document type": 3, "A BPMN element": 4}
_STEP = re.compile(r"^\d\. `([\w/.]+)`(.*?)(?=^\d\. |\Z)", flags=re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"^   ```diff\n(.*?)^   ```$", flags=re.MULTILINE | re.DOTALL)

Edits = list[tuple[str, str]]


def steps_of(heading: str) -> dict[str, Edits]:
    """By the file a numbered step begins with: what its hunks find there, and what they put in its place."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return {
        path: [_hunk(hunk) for shown in _SHOWN.findall(told) for hunk in shown.split("   @@\n")]
        for path, told in _STEP.findall(section)
    }


def _hunk(shown: str) -> tuple[str, str]:
    lines = [(line[3:4], line[4:]) for line in shown.splitlines()]
    found, put = ([text for mark, text in lines if mark != other] for other in "+-")
    return "\n".join(("", *found, "")), "\n".join(("", *put, ""))


@pytest.mark.parametrize(("heading", "most"), MOST.items())
def test_a_change_opens_no_more_files_than_promised(heading: str, most: int) -> None:
    assert 0 < len(steps_of(heading)) <= most


def test_every_file_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:bpmn|domain|engine|docs|tests)/[\w/.]+)`", PAGE)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_notice_opens_two_files() -> None:
    declare_service_tasks(ROOT / "bpmn")
    config, diagram = steps_of("A notice")
    flow = load_flow((ROOT / config).parent)
    files = dict(flow.files)
    drawn, told = diagram.rsplit("/", 1)[1], config.rsplit("/", 1)[1]

    files[drawn] = files[drawn].replace(b"candidate_review.passed", b"candidate_review.welcomed")
    without = {problem.code for problem in check_files(files) if problem.severity == "error"}
    files[told] += '\n[notices.welcomed]\ntitle = "欢迎"\ntext = "$who，报名已通过。"\n'.encode()
    changed = flow_of_files(files)

    assert without == {"notice.unknown"}
    assert [problem for problem in check_files(files) if problem.severity == "error"] == []
    texts = notice_texts(changed.config, [load_form(content) for content in changed.forms.values()])
    assert wording_of("candidate_review.welcomed", texts).text == "$who，报名已通过。"


def test_a_form_field_opens_three_files(tmp_path: Path) -> None:
    _copies_the_tree(tmp_path)

    for path, edits in steps_of("A form field").items():
        _makes(tmp_path / path, edits)

    assert _failure(_FIELD_WORKS, tmp_path) == ""


def test_without_the_diagram_a_form_field_reaches_no_reviewer(tmp_path: Path) -> None:
    _copies_the_tree(tmp_path)

    for path, edits in steps_of("A form field").items():
        if not path.endswith(".bpmn"):
            _makes(tmp_path / path, edits)

    assert "AssertionError: the reviewer does not read it" in _failure(_FIELD_WORKS, tmp_path)


def test_a_document_type_opens_three_files(tmp_path: Path) -> None:
    _copies_the_tree(tmp_path)

    for path, edits in steps_of("A document type").items():
        _makes(tmp_path / path, edits)

    assert _failure(_TYPE_WORKS, tmp_path) == ""


def test_a_bpmn_element_opens_four_files(tmp_path: Path) -> None:
    steps = steps_of("A BPMN element")
    _copies_the_tree(tmp_path)

    for path, edits in steps.items():
        _makes(tmp_path / path, edits)

    assert _failure(_ELEMENT_WORKS, tmp_path) == ""
    for path in [path for path in steps if path.endswith(".py")]:
        changed = (tmp_path / path).read_text()
        shutil.copy(ROOT / path, tmp_path / path)
        assert _failure(_ELEMENT_WORKS, tmp_path), f"nobody misses the change of {path}"
        (tmp_path / path).write_text(changed)


def _copies_the_tree(to: Path) -> None:
    for folder in ("api", "bpmn", "domain", "engine", "storage", "tasks"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (to / "docs").mkdir()
    for single in ("composition.py", "config.py", "docs/elements.md"):
        shutil.copy(ROOT / single, to / single)


def _makes(path: Path, edits: Edits) -> None:
    assert edits, f"the page shows no line of {path.name}"
    for found, put in edits:
        text = path.read_text()
        assert text.count(found) == 1, f"{path.name}: {text.count(found)} times {found!r}"
        path.write_text(text.replace(found, put))


def _failure(script: str, folder: Path) -> str:
    """What the script says when it fails, "" if it does not. It imports from the folder, from here only what that lacks."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}
    run = (sys.executable, "-c", script)
    ran = subprocess.run(run, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return ran.stderr or "failed without a word" if ran.returncode else ""


_FIELD_WORKS = """
from datetime import UTC, datetime
from pathlib import Path
from bpmn.institution_admission.submitting import PRINTED_LABELS
from composition import declare_service_tasks
from engine.attachments.store import use_directory
from engine.checks.check import check_flow
from engine.errors import InvalidForm
from storage import vault
from storage.engines import make_engine
from storage.transactions import session_factory
from tests.flows.institution_admission.cases import CLERK, a_registration, a_town, at_the_form, uploads
from tests.flows.story import Town

assert PRINTED_LABELS["postal_code"] == "邮政编码"
declare_service_tasks(Path("bpmn"))
assert not [p for p in check_flow(Path("bpmn/institution_admission")).problems if p.severity == "error"]

monday = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
vault.use(vault.Vault(bytes(range(32))))
use_directory(Path("files"))
town = Town(session_factory(make_engine(f"sqlite:///{a_town(Path.cwd(), monday)}")), monday)
story = at_the_form(town)
try:
    story.completes("information", **a_registration(postal_code="43000"))
except InvalidForm as refused:
    said = [(problem.element, problem.code) for problem in refused.problems]
    assert said == [("postal_code", "form.pattern")], said
else:
    raise AssertionError("five digits were taken")
uploads(story.completes("information", **a_registration(postal_code="430000")))
assert story.waits_for("review") and story.variables["postal_code"] == "430000"
assert "邮政编码：430000" in story.variables["brief"]["registration"], "the reviewer does not read it"

returned = dict(review_decision="return", defects=["form_incomplete"], opinion="邮政编码不对")
story.completes("review", by=CLERK, **returned)
uploads(story.completes("information", **a_registration(postal_code="430014")))
assert "邮政编码：原为“430000”，改为“430014”" in story.variables["brief"]["changes"]
assert story.is_sound()
"""

_ELEMENT_WORKS = """
from engine.checks.check import check_bpmn
from engine.inputs import ElementSkipped, TokenMoved
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram

HEAR = (
    '<bpmn:receiveTask id="hear" name="hear" messageRef="message.answered"><bpmn:extensionElements>'
    '<spiffworkflow:properties><spiffworkflow:property name="result" value="answer"/>'
    '<spiffworkflow:property name="correlation" value="number"/></spiffworkflow:properties>'
    "</bpmn:extensionElements></bpmn:receiveTask>"
)


def drawn(hear):
    d = Diagram()
    d.message("answered")
    d.start("begin")
    d.raw(hear)
    d.boundary("late", "hear", d.timer("PT1H"))
    d.user("check")
    d.send("forget", "forgotten", payload_was="answer")
    d.undone_by("hear", "forget")
    d.throw("undo", d.compensation())
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.flow("begin", "hear", "check", "undo", "done")
    d.flow("late", "expired")
    return d


def errors(d):
    return [(p.element, p.code) for p in check_bpmn(d.xml()) if p.severity == "error"]


assert errors(drawn(HEAR)) == [], errors(drawn(HEAR))
assert ("hear", "element.unsupported") in errors(drawn(HEAR.replace(" name=", ' instantiate="true" name=')))
process = drawn(HEAR).compile()
by_operator = {"at": MONDAY, "by": "op"}

case = PlayedCase(process, {"number": 7})
assert set(case.waits) == {"hear:1", "late:1"}, case.waits
assert (case.wait("hear:1").message, case.wait("hear:1").correlation) == ("answered", "7")
case.message("hear:1", "answered", colour="red")
assert case.waits == ["check:1"] and case.variables["answer"] == {"colour": "red"}
case.edits("", answer="blue")
case.completes("check:1")
assert case.outcome == "done"
assert [sent.payload for sent in case.applied.sent] == [{"was": {"colour": "red"}}]

case = PlayedCase(process, {"number": 7})
case.timer("late:1", 60)
assert case.outcome == "expired"

case = PlayedCase(process, {"number": 7})
case.apply(ElementSkipped(**by_operator, wait="hear:1"))
assert "hear:1 skipped" in case.history() and case.waits == ["check:1"]
case.apply(TokenMoved(**by_operator, wait="check:1", to="hear"))
assert set(case.waits) == {"hear:2", "late:2"}, case.waits
case.apply(ElementSkipped(**by_operator, wait="hear:2"))
case.completes("check:2")
assert case.outcome == "done" and not case.applied.sent
"""

_TYPE_WORKS = """
from datetime import date
from pathlib import Path
from composition import declare_service_tasks
from domain.documents.documents import DOCUMENT_LABELS, DocumentType, number_problems
from domain.documents.reading_texts import PAGE_LABELS
from engine.checks.check import check_flow
from engine.forms.form import load_form
from engine.language.decisions import read_decisions
from tasks.vision.cli import KINDS
declare_service_tasks(Path("bpmn"))
folder = Path("bpmn/real_name")
assert not [p for p in check_flow(folder).problems if p.severity == "error"]
kind = DocumentType("seafarer_book")
assert set(load_form((folder / "forms/information.json").read_bytes()).fields["document_type"].ui["labels"]) == set(DocumentType)
asked = {"document_type": kind.value, "method": "manual"}
given = read_decisions((folder / "documents.dmn").read_bytes())["documents"].decide(asked).outputs
assert (given["is_automatic"], given["page_names"]) == (False, ["资料页"])
assert number_problems(kind, "A12345678", date(2026, 1, 1)) == () != number_problems(kind, "1", date(2026, 1, 1))
assert DOCUMENT_LABELS[kind] == PAGE_LABELS[kind] == "海员证" and kind in KINDS
"""
