"""A flow that does a little of everything: jobs, effects in the transaction, a deadline, a message sent to a person.

Each case counts two attempts (one in each transaction that may do so) and sends one notice: what a fault may not double.
"""

from __future__ import annotations

from pathlib import Path

from tests.engine.diagrams import Diagram

FLOW = """
key = "busy"
title = "忙"
[start]
who = ["*"]
[lanes]
system = "-"
[outcomes.done]
label = "完成"
state = "success"
"""

HANDLERS = """
import time
from pydantic import BaseModel
from domain.attempts import AttemptKind, count_attempt
from domain.notice import queue_notice
from engine.service_tasks import service_task

class Nothing(BaseModel):
    pass

@service_task("busy.read", title="读", parameters=Nothing, queue="default", lease_s=3)
def read(parameters, context):
    time.sleep(0.05)
    return {"text": "读到了"}

@service_task("busy.count", title="记一次", parameters=Nothing, in_transaction=True)
def count(parameters, context):
    count_attempt(context.session, context.started_by, context.case_id, context.case_id, AttemptKind.DOCUMENT, context.now)

@service_task("busy.tell", title="通知", parameters=Nothing, in_transaction=True)
def tell(parameters, context):
    queue_notice(context.session, case_id=context.case_id, template="real_name.verified", now=context.now, phone="13800000000")
"""


def write_busy_flow(flows_dir: Path) -> None:
    """begin → read → count → 2 s → read again → count again → tell → done."""
    folder = flows_dir / "busy"
    folder.mkdir(parents=True)
    way = ["begin", "read", "count", "pause", "read_again", "count_again", "tell", "done"]
    d = Diagram("busy", lanes={"system": way})
    d.start("begin")
    d.service("read", "busy.read")
    d.service("count", "busy.count")
    d.catch("pause", d.timer("PT2S"))
    d.service("read_again", "busy.read")
    d.service("count_again", "busy.count")
    d.service("tell", "busy.tell")
    d.end("done", outcome="done")
    d.flow(*way)
    (folder / "process.bpmn").write_bytes(d.xml())
    (folder / "flow.toml").write_text(FLOW)
    (folder / "handlers.py").write_text(HANDLERS)
