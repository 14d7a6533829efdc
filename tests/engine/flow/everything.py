"""A folder of which every element and every property is drawn once, and that the check lets pass."""

from __future__ import annotations

import json

from tests.engine.checking import a_folder
from tests.engine.diagrams import Diagram, decision_table, many

TOML = """key = "flow"
title = "流程"
{more}
[start]
who = ["*"]
[lanes]
clerk = "flow.clerk"
applicant = "starter"
[outcomes.done]
label = "完成"
[outcomes.ended]
label = "结束"
[messages.answer]
label = "答复"
who = ["flow.clerk"]
"""


def a_rich_folder() -> dict[str, bytes]:
    """Two diagrams, a decision table and a form."""
    table = decision_table("route", ["number"], ["way"], [["-", '"check"']])
    files = a_folder(_main(), TOML.format(more=""), route_dmn=table)
    files["called.bpmn"] = _called().xml()
    files["forms/items.json"] = json.dumps({"type": "object", "properties": {"items": {"type": "string"}}}).encode()
    return files


def _main() -> Diagram:
    d = Diagram("main", lanes={"clerk": ["fill", "second", "vote", "revoke", "ask"], "applicant": ["begin"]})
    d.start("begin")
    d.start("told", d.message("told"), form="items", result="told_all", correlation_result="told_of")
    d.start("daily", d.timer("R/P1D", "timeCycle"), result="due_at")
    d.xor("either_way")
    d.user("fill", form="fill", due="PT2H", priority="30")
    d.boundary("late", "fill", d.timer("P30D"), pauses_while="clerk")
    d.boundary("remind", "fill", d.timer("R3/PT1H", "timeCycle"), interrupting=False)
    d.user("second", form="fill", not_same_person_as="fill")
    d.boundary("second_late", "second", d.timer("P30D"))
    d.service("read", "check.read", result="reading", pages="[]")
    d.boundary("broken", "read", d.error(), result="why")
    d.service("revoke", "check.read", pages="[]")
    d.boundary("revoke_broken", "revoke", d.error())
    d.end("revoke_given_up")
    d.undone_by("fill", "revoke")
    d.rule("decide", "route")
    d.user("vote", form="fill", item_key="item", many=many("[1, 2]", item="item", output="votes", until="done >= 1"))
    d.boundary("vote_late", "vote", d.timer("P30D"))
    d.call("check", "called", in_number="number", out_result="result")
    d.boundary("check_told", "check", d.escalation("worry"), interrupting=False)
    d.race("wait")
    d.catch("answered", d.message("answer"), correlation="number", result="answer")
    d.catch("signalled", d.signal("stop"), result="stop")
    d.catch("slept", d.timer("PT1H"))
    d.send("send", "notice", correlation="number", payload_text="number")
    d.throw("tell", d.message("notice"), correlation="number", payload_text="number")
    d.throw("call_out", d.signal("stop"), payload_text="number")
    d.throw("undo", d.compensation("fill"))
    d.end("done", outcome="done")
    d.end("gave_up", outcome="ended")
    d.end("reminded")
    handler = d.event_subprocess("Withdraw", "withdraw", d.message("withdraw"), result="request")
    handler.end("withdrawn", outcome="ended")
    handler.flow("withdraw", "withdrawn")
    _ways(d)
    return d


def _ways(d: Diagram) -> None:
    d.flow("begin", "fill", "second", "read", "decide", "either_way")
    d.flow("told", "fill")
    d.flow("daily", "fill")
    d.flow("either_way", "vote", when="way == 'check'")
    d.flow("either_way", "check", default=True)
    d.flow("vote", "check", "wait", "answered", "send", "tell", "call_out", "undo", "done")
    d.flow("wait", "signalled", "send")
    d.flow("wait", "slept", "send")
    for event in ("late", "second_late", "broken", "vote_late"):
        d.flow(event, "gave_up")
    d.flow("remind", "reminded")
    d.flow("check_told", "reminded")
    d.flow("revoke_broken", "revoke_given_up")


def _called() -> Diagram:
    d = Diagram("called")
    d.start("called_begin")
    d.inclusive("fork")
    d.service("work", "check.read", pages="[]", result="result", many=many(times="2", in_turn=True))
    d.boundary("work_broken", "work", d.error("check.blurred"))
    d.throw("worry", d.escalation("worry"))
    d.end("called_done")
    d.error_end("called_failed", "failed")
    d.end("called_over", event=d.terminate())
    d.flow("called_begin", "fork")
    d.flow("fork", "work", "called_done", when="number == '1'")
    d.flow("fork", "worry", "called_over", default=True)
    d.flow("work_broken", "called_failed")
    return d
