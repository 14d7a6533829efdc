"""docs/changing.md is true: each change opens the files the page names, and no other, and works."""

from __future__ import annotations

import re

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
