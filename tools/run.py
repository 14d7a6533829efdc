"""`make run`: prepare the platform, then web server, worker and beat under one supervisor until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

from composition import compose
from config import InvalidSettings, Settings, load_settings
from domain.account import DemoAccount
from tools import supervisor
from tools.prepare import prepare


def main() -> int:
    started = time.monotonic()
    try:
        settings = load_settings()
    except InvalidSettings as refusal:
        return _fail(str(refusal))
    if not supervisor.port_is_free(settings.public_host, settings.port):
        return _fail(f"端口 {settings.port} 已被占用，请关闭占用它的程序，或换一个：PORT=8001 make run")
    platform = compose(settings)
    accounts = prepare(platform, _say)
    platform.engine.dispose()
    child = supervisor.start(os.environ)

    def end(number: int, frame: FrameType | None) -> None:
        _say("正在结束…")
        supervisor.stop(child)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    address = f"http://{settings.public_host}:{settings.port}"
    try:
        supervisor.wait_until_healthy(address, child)
    except supervisor.NotReady:
        ended = child.poll() is not None
        supervisor.stop(child)
        return 0 if ended else _fail("网站没有在一分钟内就绪，上面的日志说明了原因。")
    _say(f"已就绪，用时 {time.monotonic() - started:.1f} 秒")
    _introduce(settings, address, accounts)
    child.wait()
    supervisor.stop(child)
    _say("已结束")
    return 0


def _introduce(settings: Settings, address: str, accounts: list[DemoAccount]) -> None:
    _say(f"首页      {address}/")
    _say(f"接口文档  {address}/docs")
    if settings.sandbox:
        _say("沙箱模式：微信登录和短信均为模拟，仅供试用")
    for account in accounts:
        _say(f"演示账号  {account.username} / {account.password or '（密码已改）'}  {account.display_name}")
    _say("按 Ctrl-C 结束")


def _say(text: str) -> None:
    print(f"[启动] {text}", flush=True)


def _fail(text: str) -> int:
    print(f"[启动] {text}", file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
