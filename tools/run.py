"""`make run`: prepare the platform, then web server, worker and beat under one supervisor until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from composition import compose
from config import InvalidSettings, load_settings
from tools.prepare import prepare

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60


def main() -> int:
    started = time.monotonic()
    try:
        settings = load_settings()
    except InvalidSettings as refusal:
        print(f"[启动] {refusal}", file=sys.stderr)
        return 2
    if not _port_is_free(settings.public_host, settings.port):
        print(
            f"[启动] 端口 {settings.port} 已被占用，请关闭占用它的程序，或换一个：PORT=8001 make run", file=sys.stderr
        )
        return 2
    platform = compose(settings)
    accounts = prepare(platform, _say)
    platform.engine.dispose()
    supervisor = subprocess.Popen([ROOT / ".venv/bin/honcho", "start", "--no-prefix"], cwd=ROOT, start_new_session=True)
    stop = _stopper(supervisor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    address = f"http://{settings.public_host}:{settings.port}"
    if not _wait_until_healthy(address, supervisor):
        stop(signal.SIGTERM, None)
        supervisor.wait()
        print("[启动] 网站没有在一分钟内就绪，上面的日志说明了原因。", file=sys.stderr)
        return 1
    _say(f"已就绪，用时 {time.monotonic() - started:.1f} 秒")
    _say(f"首页      {address}/")
    _say(f"接口文档  {address}/docs")
    if settings.sandbox:
        _say("沙箱模式：微信登录和短信均为模拟，仅供试用")
    for account in accounts:
        _say(f"演示账号  {account.username} / {account.password}  （{account.title}）")
    _say("按 Ctrl-C 结束")
    supervisor.wait()
    _say("已结束")
    return 0


def _stopper(supervisor: subprocess.Popen[bytes]):  # type: ignore[no-untyped-def]  # signal.signal's own handler type
    def stop(number: int, frame: FrameType | None) -> None:
        if supervisor.poll() is None:
            os.kill(supervisor.pid, signal.SIGTERM)

    return stop


def _port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _wait_until_healthy(address: str, supervisor: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and supervisor.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310  # our own address
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _say(text: str) -> None:
    print(f"[启动] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
