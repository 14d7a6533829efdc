"""`make client`: web/src/api/schema.d.ts, the TypeScript types of the HTTP API, from the server's own OpenAPI document.

The first lines of the file hold two digests: of the document it was made from and of what was made.
tests/house/test_web_client.py compares them, so a changed API or an edited file is noticed without Node.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from api.app import create_app
from composition import compose
from config import load_settings
from tools.node import Node, find_node

WEB = Path(__file__).resolve().parent.parent / "web"
SCHEMA = WEB / "src" / "api" / "schema.d.ts"


def main() -> int:
    document = openapi_document()
    types = _types_of(document, find_node())
    SCHEMA.write_text(f"// Made by `make client`; do not edit.\n// {digest(document)} {digest(types)}\n{types}")
    print(f"[接口] {SCHEMA.name} 已更新")
    return 0


def openapi_document() -> str:
    """The document as canonical JSON. Needs no database: a platform in a temporary folder describes itself."""
    with tempfile.TemporaryDirectory() as folder:
        platform = compose(load_settings({"VAR_DIR": folder}))
        app = create_app(platform.settings, platform.sessions)
        with app.app_context():
            document = app._get_spec("json", force_update=True)
        platform.engine.dispose()
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _types_of(document: str, node: Node) -> str:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openapi.json", Path(folder) / "schema.d.ts"
        source.write_text(document)
        subprocess.run(
            [*node.npm, "run", "--silent", "client", "--", str(source), "--output", str(target)],
            cwd=WEB,
            env=node.environ,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return target.read_text()


if __name__ == "__main__":
    sys.exit(main())
