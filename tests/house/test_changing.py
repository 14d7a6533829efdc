"""docs/changing.md is true: each change opens the files the page names, and no other, and works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bpmn.notices import wording_of
from composition import declare_service_tasks
from config import ROOT
from engine.checks.check import check_files
from engine.flow.flow import flow_of_files, load_flow
from engine.forms.form import load_form
from engine.services.notice_texts import notice_texts

PAGE = (ROOT / "docs" / "changing.md").read_text()


def files_of(heading: str) -> list[str]:
    """The files a section's numbered steps begin with."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\d\. `([\w/.]+)`", section, flags=re.MULTILINE)


def test_every_file_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:bpmn|domain|engine|docs|tests)/[\w/.]+)`", PAGE)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_a_notice_opens_two_files() -> None:
    declare_service_tasks(ROOT / "bpmn")
    config, diagram = files_of("A notice")
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
    form, parameters, diagram = files_of("A form field")
    _copies_the_tree(tmp_path)
    described = json.loads((ROOT / form).read_text())
    described["properties"]["postal_code"] = {"type": "string", "title": "邮政编码", "pattern": "^[0-9]{6}$"}
    described["required"].append("postal_code")
    described["ui"]["order"].append("postal_code")
    described["ui"]["prefill"]["postal_code"] = "postal_code"
    (tmp_path / form).write_text(json.dumps(described, ensure_ascii=False))
    _replaces(tmp_path / parameters, '    address: str = ""\n', '    address: str = ""\n    postal_code: str = ""\n')
    told = (tmp_path / diagram).read_text()
    at = told.index('<spiffworkflow:parameter id="address"', told.index('"institution_admission.submit"'))
    new = '<spiffworkflow:parameter id="postal_code" type="str" value="postal_code"/>'
    (tmp_path / diagram).write_text(told[:at] + new + told[at:])

    ran = subprocess.run(
        [sys.executable, "-c", _FIELD_WORKS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_a_document_type_opens_three_files(tmp_path: Path) -> None:
    types, form, table = files_of("A document type")
    _copies_the_tree(tmp_path)

    _replaces(
        tmp_path / types, '    PASSPORT = "passport"\n', '    PASSPORT = "passport"\n    BOOK = "seafarer_book"\n'
    )
    _replaces(
        tmp_path / types,
        '    DocumentType.PASSPORT: "护照",\n',
        '    DocumentType.PASSPORT: "护照",\n    DocumentType.BOOK: "海员证",\n',
    )
    _replaces(
        tmp_path / types,
        "    DocumentType.TAIWAN_PERMIT: re",
        '    DocumentType.BOOK: re.compile("[A-Z][0-9]{8}"),\n    DocumentType.TAIWAN_PERMIT: re',
    )
    _replaces(tmp_path / form, '"passport",', '"passport", "seafarer_book",')
    _replaces(tmp_path / form, '"passport": "护照",', '"passport": "护照", "seafarer_book": "海员证",')
    text = (tmp_path / table).read_text()
    rule = text[text.index('<rule id="passport">') : text.index('<rule id="foreign_permanent_resident">')]
    (tmp_path / table).write_text(text.replace(rule, rule + rule.replace("passport", "seafarer_book")))

    ran = subprocess.run([sys.executable, "-c", _TYPE_WORKS], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def _copies_the_tree(to: Path) -> None:
    for folder in ("api", "bpmn", "domain", "engine", "storage", "tasks"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for single in ("composition.py", "config.py"):
        shutil.copy(ROOT / single, to / single)


def _replaces(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


_FIELD_WORKS = """
from pathlib import Path
from types import SimpleNamespace
from bpmn.institution_admission.parameters import RegistrationParameters
from bpmn.institution_admission.submitting import (
    INFORMATION, PRINTED_LABELS, HandedIn, SubmitParameters, _changes, labelled, readable_values
)
from composition import declare_service_tasks
from engine.checks.check import check_flow
declare_service_tasks(Path("bpmn"))
assert not [p for p in check_flow(Path("bpmn/institution_admission")).problems if p.severity == "error"]
assert INFORMATION.fields["postal_code"].title == "邮政编码"
typed = dict(institution_name="仁爱医院", category="hospital", supervising_unit="420103")
nobody = SimpleNamespace(get=lambda *_: None)
values = readable_values(nobody, RegistrationParameters(**typed, postal_code="430000"))
assert "邮政编码：430000" in labelled(values)
before = HandedIn(number=1, values=readable_values(nobody, RegistrationParameters(**typed)), attachments=[])
after = HandedIn(number=2, values=values, attachments=[])
assert _changes(before, after) and any("邮政编码" in each for each in _changes(before, after))
assert PRINTED_LABELS["postal_code"] == "邮政编码"
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
