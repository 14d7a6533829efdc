"""Starts the platform on a free port in a temporary folder, plays the three acts, prints what became of everybody.

Exit 0 only if every outcome is the expected one.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from composition import compose
from config import load_settings
from tools import supervisor
from tools.cards.lettering import MissingFont, font
from tools.demo.acts import Theatre, play_grants, play_people_and_institutions
from tools.demo.table import Played, print_table
from tools.prepare import prepare

Acts = tuple[list[Played], list[Played], list[Played]]


def main() -> int:
    try:
        font(10)
    except MissingFont:
        print("[演示] 缺少中文字体，请先执行：sudo apt-get install -y fonts-noto-cjk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        environ = _environment(Path(folder))
        platform = compose(load_settings(environ))
        passwords = {one.username: one.password or "" for one in prepare(platform, _say)}
        address = f"http://127.0.0.1:{environ['PORT']}"
        log = Path(folder) / "log"
        _say("启动网站、作业和定时进程")
        try:
            with supervisor.running(environ, address, log):
                _say(f"平台已就绪：{address}（沙箱模式）")
                acts = _play(Theatre(platform, address, passwords, _say))
        except supervisor.NotReady:
            print(log.read_text()[-4000:], file=sys.stderr)
            return 1
        finally:
            platform.engine.dispose()
        is_good = all(one.is_expected for act in acts for one in act)
        if not is_good and log.exists():
            print(log.read_text()[-4000:], file=sys.stderr)
    people, institutions, grants = acts
    print_table("实名认证", "人", people)
    print_table("机构补增", "家", institutions)
    print_table("业务授权", "项", grants)
    return 0 if is_good else 1


def _play(theatre: Theatre) -> Acts:
    _say("第一、二幕：实名认证与机构补增")
    people, institutions = play_people_and_institutions(theatre)
    _say("第三幕：业务授权")
    return people, institutions, play_grants(theatre)


def _environment(folder: Path) -> dict[str, str]:
    """A sandbox of its own, whatever the caller's environment says."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "MASTER_KEY", "HOST"}}
    return {**kept, "VAR_DIR": str(folder / "var"), "PORT": str(supervisor.free_port())}


def _say(text: str) -> None:
    print(f"[演示] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
