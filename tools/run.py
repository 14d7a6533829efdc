"""`make run`: prepare the platform, then web server, worker and beat under one supervisor until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from composition import compose
from config import InvalidSettings, Settings, load_settings
from domain.accounts.demo_account import DemoAccount
from tools import supervisor
from tools.node import NoNode
from tools.prepare import Unprepared, prepare
from tools.web import NotBuilt, build_console


def main() -> int:
    started = time.monotonic()
    os.umask(0o077)  # database, files and broker messages belong to this user alone
    try:
        settings = load_settings()
    except InvalidSettings as refusal:
        return _fail(str(refusal))
    if not supervisor.port_is_free(settings.public_host, settings.port):
        return _fail(f"端口 {settings.port} 已被占用，请关闭占用它的程序，或换一个：PORT=8001 make run")
    _build_console()
    platform = compose(settings)
    try:
        accounts = prepare(platform, _say)
    except Unprepared as refusal:
        return _fail(str(refusal))
    platform.engine.dispose()
    child = supervisor.start(processes_environ(settings))
    asked = _end_requests()
    address = f"http://{settings.public_host}:{settings.port}"
    try:
        supervisor.wait_until_healthy(address, child, until=asked.is_set)
        if not asked.is_set():
            _say(f"已就绪，用时 {time.monotonic() - started:.1f} 秒")
            _introduce(settings, address, accounts)
        while child.poll() is None and not asked.wait(0.3):
            pass
        _say("正在结束…" if asked.is_set() else "有进程退出，全部结束；上面的日志说明了原因。")
    except supervisor.NotReady:
        return _fail("网站没有在一分钟内就绪，上面的日志说明了原因。")
    finally:
        supervisor.stop(child)
    _say("已结束")
    return 0 if asked.is_set() else 1


def processes_environ(settings: Settings) -> dict[str, str]:
    """The port is always said: honcho gives its processes 5000 and up where it is not, whatever the settings' default."""
    return {**os.environ, "PORT": str(settings.port)}


def _build_console() -> None:
    """The rest works without it: citizens need no console, and its page says what is missing."""
    try:
        if not build_console(lambda text: _say(f"工作台：{text}")):
            _say("工作台：没有变化")
    except (NoNode, NotBuilt) as failure:
        _say(f"工作台没有生成，其余功能照常启动。{failure}")


def _end_requests() -> threading.Event:
    """Set by Ctrl-C or a termination. Nothing is done inside the handler: it may interrupt any line of this module."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    return asked


def _introduce(settings: Settings, address: str, accounts: list[DemoAccount]) -> None:
    _say(f"首页      {address}/")
    _say(f"工作台    {address}/console/")
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
