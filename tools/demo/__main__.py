"""Starts the platform on a free port in a temporary folder, plays the stories, prints what became of each.

Exit 0 only if every outcome is the expected one.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from unicodedata import east_asian_width

from composition import Platform, compose
from config import load_settings
from engine.queries import history
from tools import supervisor
from tools.cards.lettering import MissingFont, font
from tools.demo.clients import Applicant, Reviewer
from tools.demo.stories import STORIES, Stage, Story
from tools.prepare import prepare

SEED = 20261123
AT_ONCE = 4  # people on their phones at the same time
PASSED_THROUGH = ("userTask", "serviceTask", "businessRuleTask", "endEvent")


@dataclass(frozen=True, slots=True)
class Played:
    story: Story
    outcome: str
    path: str
    seconds: float
    trouble: str = ""

    @property
    def is_expected(self) -> bool:
        return self.outcome == self.story.expected


def main() -> int:
    try:
        font(10)
    except MissingFont:
        print("[演示] 缺少中文字体，请先执行：sudo apt-get install -y fonts-noto-cjk", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        environ = _environment(Path(folder))
        platform = compose(load_settings(environ))
        accounts = {one.username: one.password or "" for one in prepare(platform, _say)}
        address = f"http://127.0.0.1:{environ['PORT']}"
        log = Path(folder) / "log"
        _say("启动网站、作业和定时进程")
        try:
            with supervisor.running(environ, address, log):
                _say(f"平台已就绪：{address}（沙箱模式）")
                played = _play_all(platform, address, accounts)
        except supervisor.NotReady:
            print(log.read_text()[-4000:], file=sys.stderr)
            return 1
        finally:
            platform.engine.dispose()
        if not all(one.is_expected for one in played) and log.exists():
            print(log.read_text()[-4000:], file=sys.stderr)
    _print_table(played)
    return 0 if all(one.is_expected for one in played) else 1


def _environment(folder: Path) -> dict[str, str]:
    """A sandbox of its own, whatever the caller's environment says."""
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL", "MASTER_KEY", "HOST"}}
    return {**kept, "VAR_DIR": str(folder / "var"), "PORT": str(supervisor.free_port())}


def _play_all(platform: Platform, address: str, accounts: Mapping[str, str]) -> list[Played]:
    reviewer = Reviewer(address, "reviewer", accounts["reviewer"])
    played: dict[int, Played] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[Played], int] = {
            pool.submit(_play, platform, address, reviewer, number, story): number
            for number, story in enumerate(STORIES)
        }
        for done in as_completed(running):
            one = played[running[done]] = done.result()
            mark = "✓" if one.is_expected else "✗"
            _say(
                f"{len(played):2d}/{len(STORIES)} {mark} {one.story.who}：{one.outcome}，{one.seconds:.1f} 秒 {one.trouble}"
            )
    return [played[number] for number in sorted(played)]


def _play(platform: Platform, address: str, reviewer: Reviewer, number: int, story: Story) -> Played:
    started = time.monotonic()
    applicant = Applicant(address)
    stage = Stage(applicant, reviewer, random.Random(f"{SEED}-{number}"))
    outcome, trouble = "（未完成）", ""
    try:
        applicant.sign_in(f"demo-{number}")
        story.play(stage)
        outcome = applicant.wait_until_ended()
    except Exception as error:  # a story that fails is a line of the table, the others go on
        trouble = f"{type(error).__name__}: {error}"
    path = _path(platform, applicant.application_id) if applicant.application_id else ""
    return Played(story, outcome, path, time.monotonic() - started, trouble)


def _path(platform: Platform, case_id: str) -> str:
    """The activities' labels in the order they were entered; `×3` for one entered three times in a row."""
    with platform.sessions() as session:
        steps = [
            a.title for a in history(session, case_id).activities if a.kind in PASSED_THROUGH and a.how == "completed"
        ]
    return " → ".join(f"{title}×{n}" if n > 1 else title for title, n in ((t, len(list(g))) for t, g in groupby(steps)))


def _print_table(played: list[Played]) -> None:
    print()
    print(_row("谁", "结果", "秒", "经过"))
    for one in played:
        mark = "✓" if one.is_expected else f"✗ 应为 {one.story.expected}"
        print(_row(one.story.who, f"{mark} {one.outcome}", f"{one.seconds:.1f}", one.path))
    good = sum(one.is_expected for one in played)
    print(f"\n{good}/{len(played)} 人得到应有的结果。")


def _row(who: str, outcome: str, seconds: str, path: str) -> str:
    return f"{_padded(who, 16)} {_padded(outcome, 14)} {seconds:>5}  {path}"


def _padded(text: str, width: int) -> str:
    taken = sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
    return text + " " * max(width - taken, 0)


def _say(text: str) -> None:
    print(f"[演示] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
