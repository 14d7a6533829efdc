"""What a browser downloads for the console's routes, gzipped, from Vite's manifest of web/dist."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tools.web import build_console

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
ENTRY, ENTRY_KB, ROUTE_KB = "index.html", 120, 200
ROUTES = {
    "inbox": "src/features/inbox/InboxPage.vue",
    "case page": "src/features/cases/CasePage.vue",
}
DIAGRAM = "src/features/cases/diagram/DiagramView.vue"

Manifest = dict[str, dict[str, Any]]  # Any: JSON


def bundle_rows() -> list[dict[str, Any]]:
    """Rows of the README's table; builds the console first where its sources have changed."""
    build_console(lambda _: None)
    manifest: Manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    entry = _files(manifest, ENTRY)
    rows = [_row("entry bundle, scripts and styles, gzip", entry, ENTRY_KB)]
    for name, source in ROUTES.items():
        route = _files(manifest, source) - entry
        rows.append(_row(f"{name} route beside the entry, gzip, without the diagram", route, ROUTE_KB))
    diagram = _files(manifest, DIAGRAM) - entry - _files(manifest, ROUTES["case page"])
    rows[-1]["baseline"] = (
        f"with the diagram {_kb(entry | diagram | _files(manifest, ROUTES['case page'])):.0f} kB in all"
    )
    return rows


def _row(figure: str, files: set[str], must_kb: int) -> dict[str, Any]:
    size = _kb(files)
    plain = sum((DIST / file).stat().st_size for file in files) / 1000
    return {
        "figure": figure,
        "ours": f"{size:.0f} kB",
        "baseline": f"{plain:.0f} kB not compressed",
        "must": f"≤ {must_kb} kB",
        "holds": size <= must_kb,
    }


def _files(manifest: Manifest, chunk: str) -> set[str]:
    """A chunk's script and styles and those it cannot start without."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [chunk]
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        part = manifest[name]
        found |= {part["file"], *part.get("css", ())}
        ahead += part.get("imports", ())
    return found


def _kb(files: set[str]) -> float:
    return sum(_gzipped(file) for file in files) / 1000


@cache
def _gzipped(file: str) -> int:
    """As served: the build keeps a compressed copy beside every file that gains by it."""
    compressed = DIST / f"{file}.gz"
    return (compressed if compressed.exists() else DIST / file).stat().st_size
