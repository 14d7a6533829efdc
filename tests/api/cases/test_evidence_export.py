"""Exporting an evidence file over HTTP and on the command line, and checking it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from sqlalchemy import func, select

from api.edge.model import EvidenceLook
from engine.replay.evidence.check import check_evidence
from tests.api.commands.test_commands import flask, lines
from tests.api.conftest import Platform, an_application


def told(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(n).decode() for n in archive.namelist() if not n.startswith("definition/"))


def test_it_is_redacted_until_an_item_is_claimed_and_then_recorded(platform: Platform) -> None:
    permit = an_application(platform.citizen(), owner="张三丰")
    permit.send_photo()
    guard = platform.staff("guard")

    masked = guard.get(f"/api/v1/cases/{permit.id}/evidence-file")
    assert (masked.status_code, masked.mimetype) == (200, "application/zip")
    assert check_evidence(masked.data).holds
    assert "张三丰" not in told(masked.data)

    [item] = guard.get("/api/v1/inbox").json["items"]
    guard.post(f"/api/v1/work-items/{item['id']}/claim")
    full = guard.get(f"/api/v1/cases/{permit.id}/evidence-file")
    assert "张三丰" in told(full.data)
    with platform.sessions() as session:
        looks = session.execute(select(func.count()).where(EvidenceLook.what == "evidence_file")).scalar_one()
    assert looks == 1
    assert platform.staff("stranger", "somewhere").get(f"/api/v1/cases/{permit.id}/evidence-file").status_code == 404


def test_the_commands_export_and_verify(platform: Platform, tmp_path: Path) -> None:
    permit = an_application(platform.citizen(), owner="张三丰")
    file = tmp_path / "evidence.zip"

    made = flask(platform, "export-evidence", permit.id, "-o", str(file))
    key = flask(platform, "evidence-key").output.strip()
    assert made.exit_code == 0, made.output
    assert "张三丰" not in told(file.read_bytes())
    assert flask(platform, "verify-evidence", str(file), "--key", key).exit_code == 0

    broken = bytearray(file.read_bytes())
    broken[len(broken) // 2] ^= 1
    file.write_bytes(bytes(broken))
    verdict = flask(platform, "verify-evidence", str(file), "--json")
    assert verdict.exit_code == 1
    assert lines(verdict)[0]["holds"] is False
