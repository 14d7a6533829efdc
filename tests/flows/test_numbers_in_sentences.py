"""A number that people read is the number that holds: sentences say deadlines and attempts again, and change with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from api.edge.problem_texts import KNOWN
from config import ROOT
from domain.accounts import sms_code
from domain.grants import attempts
from engine.flow.diagram import Diagram, Node
from engine.flow.flow import Flow, flow_folders, load_flow
from engine.flow.reading import read_files

CHINESE = "零一二三四五六七八九十"
FLOWS = {flow.key: flow for flow in map(load_flow, flow_folders(ROOT / "bpmn"))}
WAITED = re.compile(f"([{CHINESE}])个工作日")
SAY_WORKING_DAYS = [
    (key, name) for key, flow in FLOWS.items() for name, said in flow.config.notices.items() if WAITED.search(said.text)
]


def text_of(notice: str) -> str:
    flow_key, _, name = notice.partition(".")
    return FLOWS[flow_key].config.notices[name].text


@pytest.mark.parametrize(("flow_key", "name"), SAY_WORKING_DAYS)
def test_working_days_that_a_notice_says_are_those_of_the_timer_that_sends_it(flow_key: str, name: str) -> None:
    said = WAITED.search(FLOWS[flow_key].config.notices[name].text)

    waited = [
        timer.time() or ""
        for diagram, task in tasks_that_send(FLOWS[flow_key], name)
        for timer in behind(diagram, task)
    ]

    # “more than”: true of every timer that sends it, and no less than the shortest allows
    shortest = min(int(time.removeprefix("working_days(").removesuffix(")")) for time in waited)
    assert said is not None
    assert said[1] == CHINESE[shortest]


@pytest.mark.parametrize("name", ["transfer_asked", "transfer_lapsed", "auxiliary_asked", "auxiliary_lapsed"])
def test_days_to_accept_that_a_notice_says_are_those_of_the_setting(name: str) -> None:
    days = re.fullmatch(r"P(\d+)D", str(FLOWS["business_grant"].config.settings["accept_within"]))

    assert days is not None
    assert f"{days[1]} 天内" in (said := text_of(f"business_grant.{name}")) or f"{CHINESE[int(days[1])]}天内" in said


def test_attempts_that_are_said_are_those_that_lock() -> None:
    times, days = CHINESE[attempts.MAX_FAILURES], CHINESE[attempts.LOCKED_FOR.days]
    table = FLOWS["business_grant"].decisions["face.dmn"].decode()

    assert f"{times}次未通过，{days}天内不能再试" in text_of("business_grant.locked")
    assert f"输错{times}次，{days}天内不能激活" in text_of("business_grant.code_locked")
    assert f"{times}次未通过" in KNOWN["grant.attempts_locked"].detail
    assert f"{days}天{times}次不过即锁定" in table


def test_minutes_that_a_code_is_said_to_hold_are_those_it_does() -> None:
    assert f"{sms_code.LIFETIME.seconds // 60} 分钟内有效" in text_of("real_name.code")


def tasks_that_send(flow: Flow, name: str) -> Iterator[tuple[Diagram, Node]]:
    for file in read_files([flow.bpmn, *flow.called.values()]):
        for node in file.diagram.nodes.values():
            given = node.operator.parameters if node.operator else ()
            if ("template", f'"{flow.key}.{name}"') in given:
                yield file.diagram, node


def behind(diagram: Diagram, node: Node) -> set[Node]:
    """The timers whose tokens come to this element through others that nobody waits at."""
    if node.event == "timer":
        return {node}
    sources = [diagram.nodes[flow.source] for flow in node.incoming]
    return {timer for source in sources if source.kind != "userTask" for timer in behind(diagram, source)}
