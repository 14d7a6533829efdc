"""The case every engine benchmark moves: bpmn/real_name, looping between `information` and `check_information`.

One loop is two inputs: the applicant's form, and the check's answer that the number is wrong.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "bpmn" / "real_name"
AT = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
LOOPS = (0, 50, 100, 150)

BPMN = (FOLDER / "process.bpmn").read_bytes()
DECISIONS = {file.name: file.read_bytes() for file in sorted(FOLDER.glob("*.dmn"))}
SETTINGS: dict[str, Any] = tomllib.loads((FOLDER / "flow.toml").read_text())["settings"]

CONSENT = {"read_consent": "2026-01", "portrait_consent": False}
INFORMATION = {
    "name": "张三",
    "document_type": "resident_id",
    "document_number": "11010519491231002X",
    "method": "automatic",
}
WRONG = {"problems": [{"field": "document_number", "message": "号码校验不通过"}]}
