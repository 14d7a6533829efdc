"""The labels of an institution's values have one home."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from config import ROOT
from domain.institutions import labels

HOME = Path(labels.__file__)
READS_WHAT_IS_PRINTED = ROOT / "tasks" / "vision" / "seals" / "stamped_form.py"
LABELS = {text for name, text in vars(labels).items() if name.isupper()}


def test_no_label_of_an_institution_is_written_again_in_python() -> None:
    sources = [file for room in ("api", "bpmn", "domain", "engine", "tasks") for file in (ROOT / room).rglob("*.py")]

    again = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.value}"
        for file in sources
        if file not in {HOME, READS_WHAT_IS_PRINTED}
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in LABELS
    ]

    assert again == []


def test_the_application_form_asks_in_the_same_words() -> None:
    form = json.loads((ROOT / "bpmn/institution_admission/forms/information.json").read_text())

    assert form["properties"]["credit_code"]["title"] == labels.CREDIT_CODE
