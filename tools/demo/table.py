"""What became of everybody, as lines and as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width


@dataclass(frozen=True, slots=True)
class Played:
    """One story as it went. path: what it went through, in order; trouble: why it stopped short, or nothing."""

    who: str
    expected: str
    outcome: str
    path: str
    seconds: float
    trouble: str = ""

    @property
    def is_expected(self) -> bool:
        return self.outcome == self.expected and not self.trouble


def print_table(title: str, counted: str, played: Sequence[Played]) -> None:
    """counted: what is counted in the last line, 人 or 家."""
    print(f"\n{title}")
    print(_row("谁", "结果", "秒", "经过"))
    for one in played:
        mark = "✓" if one.is_expected else f"✗ 应为 {one.expected}"
        print(_row(one.who, f"{mark} {one.outcome}", f"{one.seconds:.1f}", one.path))
        if one.trouble:
            print(f"{'':16} {one.trouble}")
    good = sum(one.is_expected for one in played)
    print(f"{good}/{len(played)} {counted}得到应有的结果。")


def _row(who: str, outcome: str, seconds: str, path: str) -> str:
    return f"{_padded(who, 20)} {_padded(outcome, 20)} {seconds:>5}  {path}"


def _padded(text: str, width: int) -> str:
    taken = sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
    return text + " " * max(width - taken, 0)
