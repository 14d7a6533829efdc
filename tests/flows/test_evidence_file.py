"""The evidence file of 实名认证: which rule decided, which model read, what was agreed to."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from api.evidence_export import consents_json, redacted
from engine.hindsight.evidence_check import check_evidence
from engine.hindsight.evidence_file import Export, evidence_file
from tests.flows.real_name import ZHANG, scans
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
    assert {one["service"] for one in told["models.json"]} == {"document.read"}
    assert [one["purpose"] for one in told["consents.json"]] == ["read_document"]


def test_redacted_neither_name_nor_number_is_in_it(flow: Story) -> None:
    scans(flow)

    content, told = members(flow, redacted)

    assert check_evidence(content).holds
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        everything = b"".join(archive.read(n) for n in archive.namelist() if not n.startswith("definition/")).decode()
    assert ZHANG["name"] not in everything
    assert ZHANG["document_number"] not in everything
    assert told["manifest.json"]["is_redacted"] is True
