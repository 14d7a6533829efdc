"""The web process as it is really put together, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("paddle", "paddleocr", "insightface", "onnxruntime", "dlib", "rapidocr")

pytestmark = pytest.mark.server


def run(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "VAR_DIR": str(folder), "FLASK_APP": "wsgi",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_web_process_knows_every_service_task_and_loads_no_model(tmp_path: Path) -> None:
    told = "import json, sys, wsgi; from engine.services.registry import declared_service_tasks as d; "
    told += f"print(json.dumps([sorted(d()), [name for name in {HEAVY} if name in sys.modules]]))"

    result = run(tmp_path, "-c", told)

    assert result.returncode == 0, result.stderr
    declared, loaded = json.loads(result.stdout)
    assert {"document.read", "face.match", "real_name.issue_credential"} <= set(declared)
    assert loaded == []


def test_the_command_line_checks_the_flows_that_come_along(tmp_path: Path) -> None:
    result = run(tmp_path, "-m", "flask", "check-flow", "bpmn/real_name", "--json")

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["deployable"] is True


def test_a_database_without_a_master_key_does_not_start(tmp_path: Path) -> None:
    result = run(tmp_path, "-c", "import wsgi", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert result.returncode != 0
    assert "MASTER_KEY" in result.stderr
