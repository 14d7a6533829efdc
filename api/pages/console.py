"""The console at /console/: files that `make web` built. Every other address below is a page of the same application."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIBlueprint
from flask import Response, current_app, render_template, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

console = APIBlueprint("console", __name__, url_prefix="/console", enable_openapi=False)

DIST = Path(__file__).resolve().parents[2] / "web" / "dist"
# Vite names these after their content: what is at an address never changes.
HASHED = "assets/"
ONE_YEAR_S = 31_536_000
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".woff2": "font/woff2",
}
# blob: is for photographs that were fetched ahead, data: for the cursors and patterns of the diagram's own style sheet.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@console.get("/", defaults={"path": ""})
@console.get("/<path:path>")
def serve(path: str) -> Response | tuple[str, int]:
    """A built file, or the application, which finds out by itself what the address means."""
    folder: Path = current_app.extensions["platform.console"]
    if path.startswith(HASHED):
        return _cached_for_ever(_file(folder, path))
    if not (folder / "index.html").exists():
        return render_template("console_missing.html"), 503
    page = _file(folder, "index.html")
    page.headers["Cache-Control"] = "no-cache"
    return page


def _file(folder: Path, path: str) -> Response:
    """The file, gzipped when the browser takes that. Raises NotFound."""
    found = safe_join(str(folder), path)
    if found is None or Path(found).suffix not in TYPES or not Path(found).is_file():
        raise NotFound
    packed = Path(f"{found}.gz")
    is_packed = packed.is_file() and request.accept_encodings.best_match(["gzip"]) is not None
    answer = send_file(packed if is_packed else found, mimetype=TYPES[Path(found).suffix], conditional=True)
    answer.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _cached_for_ever(answer: Response) -> Response:
    answer.headers["Cache-Control"] = f"public, max-age={ONE_YEAR_S}, immutable"
    return answer
