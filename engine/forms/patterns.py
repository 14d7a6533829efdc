"""Which regular expressions a form may hold: those whose worst case on a capped text stays small.

A pattern is somebody's upload and runs on somebody else's text inside the web process: a nested repeat would hang it.
"""

from __future__ import annotations

import re
import warnings
from re import _constants, _parser  # type: ignore[attr-defined]  # the only parser of this dialect
from typing import Any

MAX_PATTERN = 200  # characters
_MOST_WAYS = 250_000  # ways to match a text, at worst: about 10 ms

_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT}
_REFUSED = {_constants.GROUPREF, _constants.GROUPREF_EXISTS, _constants.ASSERT, _constants.ASSERT_NOT}


def problem_of_pattern(pattern: str, longest: int) -> str | None:
    """What is wrong with it, in Chinese, or None. longest: characters of the longest text it will see."""
    if len(pattern) > MAX_PATTERN:
        return f"正则表达式超过 {MAX_PATTERN} 个字符"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python means to read differently one day
            re.compile(pattern)
        parsed = _parser.parse(pattern)
    except (re.error, Warning, RecursionError, OverflowError) as error:
        return f"正则表达式有误：{type(error).__name__}"
    ways = _ways(parsed, longest, inside_repeat=False)
    is_anchored = bool(parsed) and parsed[0] == (_constants.AT, _constants.AT_BEGINNING)
    if ways is None or ways * (1 if is_anchored else longest) > _MOST_WAYS:
        return (
            "正则表达式可能极慢：请以 ^ 开头并设 maxLength；重复之中不能再有不定次数的重复或分支，"
            "不能有太多不定次数的重复，也不能用断言和反向引用"
        )
    return None


def _ways(parsed: Any, longest: int, *, inside_repeat: bool) -> int | None:  # Any: sre's tree has no types
    """How many ways there are to split a text of `longest` characters over the pattern; None: without bound."""
    ways = 1
    for kind, argument in parsed:
        more: int | None = 1
        if kind in _REFUSED:
            return None
        if kind in _REPEATS:
            more = _ways_of_repeat(argument, longest, inside_repeat=inside_repeat)
        elif kind is _constants.BRANCH:
            branches = [_ways(branch, longest, inside_repeat=inside_repeat) for branch in argument[1]]
            more = None if inside_repeat or None in branches else sum(b for b in branches if b)
        elif kind is _constants.SUBPATTERN:
            more = _ways(argument[-1], longest, inside_repeat=inside_repeat)
        elif kind not in (_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY, _constants.AT):
            return None
        if more is None:
            return None
        ways *= more
    return ways


def _ways_of_repeat(argument: Any, longest: int, *, inside_repeat: bool) -> int | None:
    fewest, most, body = argument
    choices = min(int(most), longest) - fewest + 1
    if inside_repeat and choices > 1:
        return None
    inner = _ways(body, longest, inside_repeat=inside_repeat or int(most) > 1)
    return None if inner is None else inner * max(choices, 1)
