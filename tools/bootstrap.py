"""`make .venv`: from a bare Python to an installed platform. Runs on the system's Python; standard library only."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed"
UV = "uv>=0.9,<1"
# library → Debian package; OpenCV links the first two, and Chinese text on synthetic cards wants the fonts
LIBRARIES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0"}


def main() -> int:
    groups = [ROOT / name for name in ("requirements.txt", *sys.argv[1:])]
    if sys.version_info < (3, 11):
        return _fail(f"需要 Python 3.11 或更新版本，当前为 {sys.version.split()[0]}。")
    if missing := _missing_libraries():
        return _fail(f"缺少系统库，请先执行：sudo apt-get install -y {' '.join(missing)}")
    wanted = _digest(groups)
    if STAMP.exists() and wanted in STAMP.read_text().split():
        return 0
    started = time.monotonic()
    if not (VENV / "bin" / "python").exists():
        _say("1/3 建立虚拟环境 .venv")
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
            return _fail("无法建立虚拟环境，请先执行：sudo apt-get install -y python3-venv")
    python = str(VENV / "bin" / "python")
    _say("2/3 准备安装工具")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV]
    if subprocess.run(pip, check=False).returncode:
        return _fail("安装工具下载失败，请检查网络后重试。")
    packages = sum(_count(group) for group in groups)
    _say(f"3/3 安装 {packages} 个锁定版本的软件包（约 1 GB，首次需几分钟）")
    # --no-deps: the lock is complete, and overrides.txt keeps the two other OpenCV distributions out
    install = [python, "-m", "uv", "pip", "install", "--no-deps", "--python", python]
    for group in groups:
        install += ["-r", str(group)]
    if subprocess.run(install, check=False).returncode:
        return _fail("软件包安装失败，上面几行说明了原因；再次执行会从中断处继续。")
    with STAMP.open("a") as stamp:
        stamp.write(wanted + "\n")
    _say(f"安装完成，用时 {time.monotonic() - started:.0f} 秒")
    return 0


def _missing_libraries() -> list[str]:
    missing = []
    for library, package in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return missing


def _digest(groups: list[Path]) -> str:
    return hashlib.sha256(b"".join(group.read_bytes() for group in groups)).hexdigest()


def _count(group: Path) -> int:
    return sum("==" in line for line in group.read_text().splitlines())


def _say(text: str) -> None:
    print(f"[安装] {text}", flush=True)


def _fail(text: str) -> int:
    print(f"[安装] {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
