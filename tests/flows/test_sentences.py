"""What notices say lies in the flow's folder: a case speaks as the version it runs on."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bpmn.notices import wording_of
from composition import declare_service_tasks
from config import ROOT
from domain.refused import Refused
from engine.actors import Actor
from engine.checks.check import check_files
from engine.errors import InvalidDiagram
from engine.flow.flow import flow_folders, load_flow
from engine.services.registry import declared_service_tasks
from tests.flows.real_name.cases import notice_text, scans
from tests.flows.story import Story, Town
from tests.flows.versions import deployed_before_the_check, deploys, shipped

FLOWS = flow_folders(ROOT / "bpmn")
VERIFIED = "您的实名认证已通过。"


def test_a_case_says_what_its_own_version_says(town: Town, begins: Callable[..., Story], applicant: Actor) -> None:
    deploys(town, shipped("real_name", {VERIFIED: "恭喜，认证已通过。"}))
    story = begins(applicant)
    deploys(town, shipped("real_name", {VERIFIED: "又换了说法。"}))

    scans(story)

    assert notice_text(story, "verified") == "恭喜，认证已通过。"


def test_a_version_from_before_sentences_lay_in_the_flow_says_what_the_folder_says(
    town: Town, begins: Callable[..., Story], applicant: Actor
) -> None:
    deployed_before_the_check(town, shipped("real_name", {r"\n# 通知：.*": ""}))
    story = scans(begins(applicant, "manual"))

    reasons = ["altered", "other"]
    story.completes("review", review_decision="reject", reject_reasons=reasons, opinion="请换证")

    said = "您的实名认证未通过。原因：证件有涂改或翻拍痕迹、其他。审核意见：请换证"
    assert notice_text(story, "rejected") == said


def test_a_notice_that_no_version_and_no_folder_has_is_refused() -> None:
    for template in ("real_name.unheard_of", "nowhere.verified", "verified", "../real_name.verified"):
        with pytest.raises(Refused, match=r"notice\.unknown_template"):
            wording_of(template)


def test_the_check_refuses_a_notice_that_the_flow_does_not_have() -> None:
    for said, element in (
        ({r"\[notices\.seated\]": "[notices.sat]"}, "business_grant"),
        ({r"\[notices\.waiting\]": "[notices.waits]"}, "candidate_review"),
    ):
        found = [each for each in check_files(shipped(element, said).files) if each.severity == "error"]

        assert {each.code for each in found} == {"notice.unknown"}


def test_the_check_refuses_half_a_word_in_a_sentence_and_keys_it_does_not_know() -> None:
    for said in ({r"原因：\$reasons": "原因：$ reasons"}, {r'title = "认证成功"': 'title = "认证成功"\nsms = "x"'}):
        with pytest.raises(InvalidDiagram) as refused:
            shipped("real_name", said)

        assert [problem.code for problem in refused.value.problems] == ["flow.bad_config"]


@pytest.mark.parametrize("folder", FLOWS, ids=lambda folder: folder.name)
def test_every_notice_of_a_flow_is_told_and_every_one_told_is_there(folder: Path) -> None:
    """Of the diagrams the check says so; Python names them as it names its tasks, errors and groups."""
    declare_service_tasks(ROOT / "bpmn")
    flow = load_flow(folder)
    drawn = b"".join([flow.bpmn, *flow.called.values()]).decode()
    tasks = declared_service_tasks()
    others = {*tasks, *(code for task in tasks.values() for code in task.errors), *flow.config.start.who}

    written = {text for path in folder.glob("*.py") for text in _texts(path) if re.fullmatch(rf"{flow.key}\.\w+", text)}

    notices = {f"{flow.key}.{name}" for name in flow.config.notices}
    assert written - others <= notices
    assert {name for name in notices if f"&quot;{name}&quot;" not in drawn} <= written


def _texts(path: Path) -> Iterator[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
