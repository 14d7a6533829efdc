"""`make run` as a person uses it: up, ended by Ctrl-C with everything it started, refused where it would be unsafe."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from composition import compose
from config import load_settings
from domain.accounts.demo_account import disable_demo_accounts
from storage.transactions import transaction
from tools.prepare import Unprepared, prepare
from tools.run import processes_environ
from tools.supervisor import free_port

ROOT = Path(__file__).resolve().parents[2]
UP_WITHIN_S = 90
KEY = base64.b64encode(bytes(range(32))).decode()


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "MASTER_KEY", "DEMO", "HOST"}}
    return {**kept, "VAR_DIR": str(folder / "var"), "PORT": str(free_port()), **more}


def _run(environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "tools.run"], cwd=ROOT, env=environ, stdout=out, stderr=out, start_new_session=True
        )


def _wait_for_line(text: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while text not in log.read_text():
        assert running.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)


def _processes_with(var_dir: str) -> list[int]:
    """Processes that were started with this VAR_DIR and still run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            environ = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0] if environ else "Z"
        except OSError:
            continue
        if f"VAR_DIR={var_dir}".encode() in environ.split(b"\0") and state != "Z":
            found.append(int(entry.name))
    return found


@pytest.mark.server
def test_run_comes_up_says_where_and_ends_with_all_it_started(tmp_path):
    environ, log = _environment(tmp_path), tmp_path / "log"

    running = _run(environ, log)
    _wait_for_line("Ctrl-C", running, log)
    page = urllib.request.urlopen(f"http://127.0.0.1:{environ['PORT']}/", timeout=10).read().decode()
    ready = json.load(urllib.request.urlopen(f"http://127.0.0.1:{environ['PORT']}/readyz", timeout=10))
    running.send_signal(signal.SIGINT)
    running.wait(40)

    said = log.read_text()
    assert running.returncode == 0, said
    assert "演示账号  reviewer / " in said
    assert "沙箱模式" in said
    assert "沙箱模式" in page
    assert ready["status"] == "ready"
    assert _processes_with(environ["VAR_DIR"]) == []


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/none"}, "MASTER_KEY"),
        (
            {
                "DATABASE_URL": "postgresql://127.0.0.1:1/none",
                "MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            },
            "DEMO=1",
        ),
        ({"HOST": "0.0.0.0"}, "DEMO=1"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/none", "MASTER_KEY": KEY, "DEMO": "1"}, "数据库连接不上"),
    ],
)
def test_run_refuses_what_would_be_unsafe(tmp_path, environ, reason):
    log = tmp_path / "log"

    running = _run(_environment(tmp_path, **environ), log)
    running.wait(60)

    assert running.returncode == 2
    assert reason in log.read_text()


def test_a_database_that_served_a_demo_goes_live_without_its_accounts(tmp_path):
    live = load_settings({"VAR_DIR": str(tmp_path), "HOST": "0.0.0.0", "WECHAT_APP_ID": "wx1", "WECHAT_SECRET": "s"})
    prepare(compose(load_settings({"VAR_DIR": str(tmp_path)})), print)

    with pytest.raises(Unprepared, match="disable-demo-accounts"):
        prepare(compose(live), print)
    with transaction(compose(live).sessions) as session:
        disable_demo_accounts(session, datetime.now(UTC))

    assert prepare(compose(live), print) == []


def test_run_says_that_its_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        log = tmp_path / "log"
        running = _run(_environment(tmp_path, PORT=port), log)
        running.wait(60)

    assert running.returncode == 2
    assert f"端口 {port} 已被占用" in log.read_text()


def test_the_processes_are_told_the_default_port_too(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("PORT", raising=False)
    settings = load_settings({"VAR_DIR": str(tmp_path)})

    assert processes_environ(settings)["PORT"] == "8000"
