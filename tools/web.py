"""`make web`: the console, from web/src to web/dist. Skipped when nothing it is made of has changed since."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.node import Node, NoNode, find_node

WEB = Path(__file__).resolve().parent.parent / "web"
DIST = WEB / "dist"
FRESH = WEB / ".dist"
STAMP = "built-from"
PACKAGES = ("package.json", "package-lock.json")
SOURCES = (*PACKAGES, "index.html", "vite.config.ts", "tsconfig.json")
COMPRESSED = {".js", ".css", ".html", ".svg"}

Say = Callable[[str], None]


class NotBuilt(Exception):
    """The console could not be built; the message says why."""


def main() -> int:
    try:
        if not build_console(_say):
            _say("没有变化")
    except (NotBuilt, NoNode) as failure:
        print(f"[工作台] {failure}", file=sys.stderr, flush=True)
        return 1
    return 0


def build_console(say: Say) -> bool:
    """Build web/dist if its sources changed; whether that was needed. Raises NoNode, NotBuilt."""
    with _alone():
        wanted = sources_digest()
        if _read(DIST / STAMP) == wanted:
            return False
        started = time.monotonic()
        node = find_node(say)
        _install(node, say)
        say("2/2 打包")
        _npm(node, "run", "--silent", "build", "--", "--outDir", FRESH.name, "--emptyOutDir", "--logLevel", "warn")
        _compress(FRESH)
        (FRESH / STAMP).write_text(wanted)
        shutil.rmtree(DIST, ignore_errors=True)
        FRESH.rename(DIST)
        say(f"打包完成，用时 {time.monotonic() - started:.0f} 秒")
        return True


def install_packages(say: Say) -> Node:
    """web/node_modules as package-lock.json says, and the Node that runs them. Raises NoNode, NotBuilt."""
    with _alone():
        node = find_node(say)
        _install(node, say)
        return node


def sources_digest() -> str:
    """Of every file the bundle is made of; tests are none of them."""
    files = [WEB / name for name in SOURCES]
    files += sorted(path for path in (WEB / "src").rglob("*") if path.is_file() and ".test." not in path.name)
    return _digest(files)


def _install(node: Node, say: Say) -> None:
    wanted, stamp = _digest([WEB / name for name in PACKAGES]), WEB / "node_modules" / ".installed-from"
    if _read(stamp) == wanted:
        return
    say("1/2 安装锁定版本的前端软件包（首次约 20 秒）")
    _npm(node, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
    stamp.write_text(wanted)


def _npm(node: Node, *arguments: str) -> None:
    done = subprocess.run(
        [*node.npm, *arguments], cwd=WEB, env={**node.environ, "CI": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotBuilt(f"npm {arguments[0]} 失败：\n{(done.stdout + done.stderr).strip()[-4000:]}")


def _compress(folder: Path) -> None:
    """A `.gz` beside every text file, so that the web process compresses nothing while it serves."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in COMPRESSED:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.relative_to(WEB).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Two builds at once would tread on each other: the second waits, and then finds nothing to do."""
    handle = os.open(WEB / "package.json", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _say(text: str) -> None:
    print(f"[工作台] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
