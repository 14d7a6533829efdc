"""The evidence file of 实名认证: which rule decided, which model read, what was agreed to."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from api.cases.evidence_export import consents_json, redacted
from engine.replay.evidence.check import check_evidence
from engine.replay.evidence.file import Export, evidence_file
from tests.flows.real_name.cases import ZHANG, scans
from tests.flows.story import Story


def members(story: Story, redact: Any) -> tuple[bytes, dict[str, Any]]:
    with story.town.sessions() as session:
        added = {"consents.json": consents_json(session, story.case_id)}
        content = evidence_file(session, story.case_id, Export("auditor", story.town.now, redact, added))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return content, {n: json.loads(archive.read(n)) for n in archive.namelist() if n.endswith(".json")}


def test_the_rule_that_matched_the_reader_and_the_consent_are_told(flow: Story) -> None:
    scans(flow, front_warnings=["blurred"])
    scans(flow)

    content, told = members(flow, None)

    assert check_evidence(content).holds
    decided = [(one["decision"], one["rules"], one["outputs"].get("decision")) for one in told["decisions.json"]]
    assert ("decide", ["poor_photo"], "rescan") in decided
    assert decided[-1][0] == "decide"
    assert decided[-1][2] == "pass"
    assert [one["names"] for one in told["models.json"]] == [["by hand"], ["by hand"]]
    assert [one["hashes"] for one in told["models.json"]] == [{"by hand": "0" * 64}, {"by hand": "0" * 64}]
    assert {one["service"] for one in told["models.json"]} == {"document.read"}
    assert [one["purpose"] for one in told["consents.json"]] == ["read_document"]


@pytest.mark.parametrize(
    ("name", "place"),
    [("decisions.json", (1, "outputs")), ("models.json", (0, "hashes")), ("path.json", ("elements", 1, "how"))],
)
def test_the_first_altered_entry_of_a_member_is_named_with_its_element(
    flow: Story, name: str, place: tuple[Any, ...]
) -> None:
    scans(flow)
    content, told = members(flow, None)
    entry = told[name]
    for step in place[:-1]:
        entry = entry[step]
    number, element = next(step for step in place if isinstance(step, int)) + 1, entry["element"]

    entry[place[-1]] = "another"
    changed = check_evidence(with_member(content, name, told[name])).altered
    entry.clear()
    emptied = check_evidence(with_member(content, name, told[name])).altered

    assert changed is not None
    assert (changed.member, changed.what) == (name, f"{name} 第 {number} 条（{element}）的内容被改动")
    assert emptied is not None
    assert emptied.what.startswith(f"{name} 第 {number} 条")


def test_an_entry_left_out_is_named_by_its_place(flow: Story) -> None:
    scans(flow)
    content, told = members(flow, None)

    last = check_evidence(with_member(content, "decisions.json", told["decisions.json"][:-1])).altered
    more = check_evidence(with_member(content, "models.json", [*told["models.json"], {}])).altered

    assert last is not None
    assert last.what == f"decisions.json 第 {len(told['decisions.json'])} 条缺失"
    assert more is not None
    assert more.what == "models.json 第 2 条是多出来的"


def with_member(content: bytes, name: str, told: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(out, "w") as archive:
        for each in given.namelist():
            archive.writestr(each, json.dumps(told) if each == name else given.read(each))
    return out.getvalue()


def test_redacted_neither_name_nor_number_is_in_it(flow: Story) -> None:
    scans(flow)

    content, told = members(flow, redacted)

    assert check_evidence(content).holds
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        everything = b"".join(archive.read(n) for n in archive.namelist() if not n.startswith("definition/")).decode()
    assert ZHANG["name"] not in everything
    assert ZHANG["document_number"] not in everything
    assert told["manifest.json"]["is_redacted"] is True
    assert told["decisions.json"][-1]["outputs"]["decision"] == "pass"
    assert told["decisions.json"][-1]["inputs"]["姓名"] == "same"
