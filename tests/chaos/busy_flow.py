"""A flow that does a little of everything: a form with a photo, jobs that write files, effects in the transaction, a deadline.

Each case counts two attempts (one in each transaction that may do so), keeps three files and sends one notice: what a fault
may neither lose nor double.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.diagrams import Diagram

FLOW = """
key = "busy"
title = "忙"
[start]
who = ["*"]
[lanes]
applicant = "starter"
system = "-"
[outcomes.done]
label = "完成"
state = "success"
"""

FORM = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["number", "pause", "photo"],
    "properties": {
        "number": {"type": "integer", "title": "编号", "ui": {}},
        "pause": {"type": "string", "title": "停多久", "ui": {}},
        "photo": {"type": "string", "title": "照片", "ui": {"kind": "attachment"}},
    },
    "ui": {"title": "填写", "order": ["number", "pause", "photo"]},
}

HANDLERS = """
import time
from pydantic import BaseModel
from bpmn.notices import wording_of
from domain.credentials.attempts import AttemptKind, count_attempt
from domain.notice import queue_notice
from engine.services.registry import service_task

class Nothing(BaseModel):
    pass

@service_task("busy.read", title="读", parameters=Nothing, queue="default", lease_s=3)
def read(parameters, context):
    time.sleep(0.05)
    return {"crop": context.add_attachment(b"x" * 20_000, "image/jpeg", "crop")}

@service_task("busy.count", title="记一次", parameters=Nothing, in_transaction=True)
def count(parameters, context):
    count_attempt(context.session, context.started_by, context.case_id, context.case_id, AttemptKind.DOCUMENT, context.now)

@service_task("busy.tell", title="通知", parameters=Nothing, in_transaction=True)
def tell(parameters, context):
    told = wording_of("real_name.verified")
    queue_notice(
        context.session, case_id=context.case_id, template="real_name.verified", wording=told,
        now=context.now, phone="13800000000",
    )
"""
FILES_OF_A_CASE = 3


def write_busy_flow(flows_dir: Path) -> None:
    """begin → ask (number, pause, photo) → read → count → the pause → read again → count again → tell → done."""
    folder = flows_dir / "busy"
    (folder / "forms").mkdir(parents=True)
    way = ["read", "count", "pausing", "read_again", "count_again", "tell", "done"]
    d = Diagram("busy", lanes={"applicant": ["begin", "ask"], "system": way})
    d.start("begin")
    d.user("ask", form="ask")
    d.service("read", "busy.read")
    d.service("count", "busy.count")
    d.catch("pausing", d.timer("pause"))
    d.service("read_again", "busy.read")
    d.service("count_again", "busy.count")
    d.service("tell", "busy.tell")
    d.end("done", outcome="done")
    d.flow("begin", "ask", *way)
    (folder / "process.bpmn").write_bytes(d.xml())
    (folder / "flow.toml").write_text(FLOW)
    (folder / "forms" / "ask.json").write_text(json.dumps(FORM))
    (folder / "handlers.py").write_text(HANDLERS)
