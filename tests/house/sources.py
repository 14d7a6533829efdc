"""The sources the guards of the house look at: what Git keeps or would keep, without tests, revisions and generated files."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NO_SOURCES = ("tests/", "migrations/versions/")


@cache
def python_sources() -> dict[str, str]:
    """Text by path from the top."""
    return {name: text for name, text in files("*.py").items() if not name.startswith(NO_SOURCES)}


@cache
def console_sources() -> dict[str, str]:
    """The console's TypeScript and components; schema.d.ts is generated from the server's document."""
    found = files("web/src/*.ts", "web/src/*.vue")
    return {name: text for name, text in found.items() if not name.endswith((".test.ts", "schema.d.ts"))}


def files(*patterns: str) -> dict[str, str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name: (ROOT / name).read_text() for name in sorted(set(names)) if name and (ROOT / name).is_file()}
