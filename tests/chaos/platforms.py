"""A platform of real processes in a temporary folder, with a flow of its own: a slow service task between start and end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.engine.diagrams import Diagram

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"

FLOW = """
key = "slow"
title = "慢"
[start]
who = ["*"]
[lanes]
system = "-"
[outcomes.done]
label = "完成"
state = "success"
"""

HANDLERS = '''
"""The first attempt tells its process id and hangs until it may go on; later ones answer at once."""
import os, pathlib, time
from pydantic import BaseModel
from engine.services.registry import service_task

class Nothing(BaseModel):
    pass

@service_task("slow.read", title="慢慢读", parameters=Nothing, queue="default", lease_s=3)
def read(parameters, context):
    marker = pathlib.Path(os.environ["VAR_DIR"]) / "first-attempt"
    if not marker.exists():
        marker.with_suffix(".tmp").write_text(str(os.getpid()))
        marker.with_suffix(".tmp").rename(marker)
        while not marker.with_name("go-on").exists():
            time.sleep(0.05)
    return {"text": "读到了"}
'''


def write_slow_flow(flows_dir: Path) -> None:
    folder = flows_dir / "slow"
    folder.mkdir(parents=True)
    d = Diagram("slow", lanes={"system": ["begin", "read", "done"]})
    d.start("begin")
    d.service("read", "slow.read", result="reading")
    d.end("done", outcome="done")
    d.flow("begin", "read", "done")
    (folder / "process.bpmn").write_bytes(d.xml())
    (folder / "flow.toml").write_text(FLOW)
    (folder / "handlers.py").write_text(HANDLERS)


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "MASTER_KEY"}
    }
    return {**kept, "VAR_DIR": str(folder / "var"), "FLOWS_DIR": str(folder / "flows"), **more}


@contextlib.contextmanager
def process(environ: Mapping[str, str], log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of its own, killed with the block."""
    with log.open("ab") as out:
        running = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=dict(environ),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        kill_group(running)


def kill_group(running: subprocess.Popen[bytes]) -> None:
    """What the kernel does to a whole machine: no handler runs, nothing is put away."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


WORKER = (
    "celery", "-A", "tasks.app", "worker", "-Q", "default", "-c", "1",
    "--loglevel", "INFO", "--without-mingle", "--without-gossip",
)  # fmt: skip
WEB = ("gunicorn", "--config", "tools/gunicorn_conf.py", "wsgi:app")
BEAT = ("celery", "-A", "tasks.app", "beat", "--loglevel", "WARNING", "--pidfile=")


def until(what: Callable[[], object], *, within_s: float, log: Path) -> None:
    """Real processes have no clock to step: wait until `what` holds, and show their log when it does not."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, f"not within {within_s} s\n{log.read_text()[-3000:]}"
        time.sleep(0.1)
