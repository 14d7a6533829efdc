"""What the tests of the deployment check share: its service tasks, a sound diagram to spoil, and a folder around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from engine.checks.check import check_bpmn, check_files
from engine.errors import Problem
from engine.services.registry import service_task
from tests.engine.diagrams import Diagram


class Reading(BaseModel):
    pages: list[str]
    language: str = "zh"


@service_task("check.read", title="识别", parameters=Reading, result=Reading, errors=("check.blurred", "check.cut"))
def read(parameters: Reading, context: Any) -> Reading:
    return parameters


class Nothing(BaseModel):
    pass


@service_task("check.record", title="登记", parameters=Nothing, in_transaction=True, errors=("check.taken",))
def record(parameters: Nothing, context: Any) -> None:
    return None


@service_task("face.of_check", title="比对", parameters=Nothing, result=Reading)
def compare(parameters: Nothing, context: Any) -> None:
    return None


TOML = """key = "flow"
title = "流程"
{more}
[lanes]
clerk = "flow.clerk"
[outcomes.done]
label = "完成"
"""


def form(**fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": "object", "properties": fields}).encode()


def a_folder(diagram: Diagram, toml: str = TOML.format(more=""), **files: bytes) -> dict[str, bytes]:
    """files: `decide_dmn=…` and `fill_json=…` (a form); a form `fill` with a text field `number` is there by itself."""
    held = {
        "flow.toml": toml.encode(),
        "process.bpmn": diagram.xml(),
        "forms/fill.json": form(number={"type": "string"}),
    }
    for name, content in files.items():
        stem, kind = name.rsplit("_", 1)
        held[f"forms/{stem}.json" if kind == "json" else f"{stem}.{kind}"] = content
    return held


def alone(diagram: Diagram) -> set[tuple[str, str]]:
    """(element, code) of every problem of a diagram without a folder."""
    return said(check_bpmn(diagram.xml()))


def in_folder(diagram: Diagram, toml: str = TOML.format(more=""), **files: bytes) -> set[tuple[str, str]]:
    return said(check_files(a_folder(diagram, toml, **files)))


def said(problems: tuple[Problem, ...]) -> set[tuple[str, str]]:
    return {(problem.element, problem.code) for problem in problems}


def a_diagram() -> Diagram:
    """begin → fill (with a time limit) → done."""
    d = Diagram()
    d.start("begin")
    d.user("fill", form="fill")
    d.boundary("late", "fill", d.timer("P30D"))
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.flow("begin", "fill", "done")
    d.flow("late", "expired")
    return d
