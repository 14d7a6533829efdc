"""The named functions of the closed language (docs/expressions.md): pure, no clock, no randomness, sizes capped.

Values are JSON values. Where an argument is missing (None), a function says in its help what it gives; whatever does not
fit raises TypeError or ValueError with a Chinese message, which expressions.py turns into ExpressionFailed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engine.language.dates import add_months_to, is_date, parse_date, years_between
from engine.language.values import MAX_ITEMS, MAX_TEXT, as_text, contains, equal, is_number

WORKING_DAYS = re.compile(r"working_days\((\d{1,4})\)")

_INTEGER = re.compile(r"[+-]?\d{1,19}")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?")
_UNITS = {"days": "P{}D", "weeks": "P{}W", "hours": "PT{}H", "minutes": "PT{}M", "seconds": "PT{}S"}


@dataclass(frozen=True, slots=True)
class Function:
    """fewest, most: how many arguments it takes. help: one Chinese line for docs/expressions.md and the editor."""

    call: Callable[..., Any]
    fewest: int
    most: int
    help: str


def _whole(value: Any, most: int = 1_000_000) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > most:
        raise TypeError(f"应为绝对值不超过 {most} 的整数")
    return value


def _items(arguments: tuple[Any, ...]) -> list[Any]:
    """`min(list)` and `min(a, b, …)` alike."""
    items = arguments[0] if len(arguments) == 1 else list(arguments)
    if not isinstance(items, list):
        raise TypeError("应为列表")
    return items


def _comparable(arguments: tuple[Any, ...]) -> list[Any]:
    items = _items(arguments)
    if not (all(is_number(item) for item in items) or all(isinstance(item, str) for item in items)):
        raise TypeError("各项应全为数或全为文本")
    return items


def _length(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, str | list | dict):
        return len(value)
    raise TypeError("应为文本、列表或字典")


def _total(*arguments: Any) -> Any:
    items = _items(arguments)
    if not all(is_number(item) for item in items):
        raise TypeError("各项应为数")
    return sum(items)


def _rounded(value: Any, digits: Any = 0) -> Any:
    if not is_number(value):
        raise TypeError("应为数")
    places = Decimal(1).scaleb(-_whole(digits, 10))
    rounded = Decimal(repr(value)).quantize(places, rounding=ROUND_HALF_UP)
    return int(rounded) if digits <= 0 else float(rounded)


def _magnitude(value: Any) -> Any:
    if not is_number(value):
        raise TypeError("应为数")
    return abs(value)


def _spelled(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError("列表和字典不能转成文本")


def _as_integer(value: Any) -> int | None:
    if value is None:
        return None
    if is_number(value):
        return int(value)
    text = as_text(value).strip()
    if not _INTEGER.fullmatch(text):
        raise ValueError("不是整数")
    return int(text)


def _as_number(value: Any) -> int | float | None:
    if is_number(value):
        return value  # type: ignore[no-any-return]  # is_number has just said so
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else None


def _on_text(change: Callable[[str], str]) -> Callable[[Any], str | None]:
    return lambda value: None if value is None else change(as_text(value))


def _at_edge(is_there: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, part: value is not None and part is not None and is_there(as_text(value), as_text(part))


def _replaced(value: Any, old: Any, new: Any) -> str | None:
    if value is None:
        return None
    text, gone, put = as_text(value), as_text(old), as_text(new)
    if not gone:
        raise ValueError("被替换的文本不能为空")
    if len(text) + text.count(gone) * (len(put) - len(gone)) > MAX_TEXT:  # before it is built
        raise ValueError(f"文本超过 {MAX_TEXT} 个字符")
    return text.replace(gone, put)


def _split(value: Any, separator: Any) -> list[str]:
    return [] if value is None else as_text(value).split(as_text(separator), MAX_ITEMS)


def _joined(items: Any, separator: Any = "") -> str:
    if not isinstance(items, list):
        raise TypeError("应为列表")
    texts, between = [_spelled(item) for item in items], as_text(separator)
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_TEXT:
        raise ValueError(f"文本超过 {MAX_TEXT} 个字符")
    return between.join(texts)


def _concatenated(*parts: Any) -> Any:
    if all(isinstance(part, list) for part in parts):
        return [item for part in parts for item in part]
    return _joined(list(parts))


def _merged(*parts: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        if part is not None and not isinstance(part, dict):
            raise TypeError("应为字典")
        merged |= part or {}
    return merged


def _keys(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise TypeError("应为字典")
    return list(value)


def _unique(items: Any) -> list[Any]:
    if items is None:
        return []
    if not isinstance(items, list) or len(items) > 1_000:
        raise TypeError("应为不超过 1000 项的列表")
    kept: list[Any] = []
    for item in items:
        if not contains(kept, item):
            kept.append(item)
    return kept


def _count(items: Any, value: Any) -> int:
    if items is None:
        return 0
    if not isinstance(items, list):
        raise TypeError("应为列表")
    return sum(equal(item, value) for item in items)


def _column(rows: Any, name: Any) -> list[Any]:
    if rows is None:
        return []
    if not isinstance(rows, list) or not isinstance(name, str):
        raise TypeError("应为列表和名称")
    return [row.get(name) if isinstance(row, dict) else None for row in rows]


def _of_dates(work_out: Callable[..., Any]) -> Callable[..., Any]:
    """A date function that gives None where one of its arguments is missing."""
    return lambda *arguments: None if any(a is None for a in arguments) else work_out(*arguments)


def _duration(amount: Any, unit: Any) -> str:
    pattern = _UNITS.get(as_text(unit))
    if pattern is None or _whole(amount) < 0:
        raise ValueError("时长应为非负整数，单位为 " + "、".join(_UNITS))
    return pattern.format(amount)


def _working_days(days: Any) -> str:
    if not 0 <= _whole(days) <= 1000:
        raise ValueError("工作日数应为 0 到 1000")
    return f"working_days({days})"


FUNCTIONS: dict[str, Function] = {
    "len": Function(_length, 1, 1, "文本、列表、字典的长度；缺失为 0"),
    "min": Function(lambda *a: min(_comparable(a), default=None), 1, 20, "最小的一项（数或文本）；空列表为 None"),
    "max": Function(lambda *a: max(_comparable(a), default=None), 1, 20, "最大的一项（数或文本）；空列表为 None"),
    "sum": Function(_total, 1, 20, "各数之和；空列表为 0"),
    "round": Function(_rounded, 1, 2, "四舍五入到 n 位小数（默认 0）"),
    "abs": Function(_magnitude, 1, 1, "绝对值"),
    "any": Function(lambda *a: any(_items(a)), 1, 20, "有一项为真"),
    "all": Function(lambda *a: all(_items(a)), 1, 20, "每一项都为真；空列表为真"),
    "str": Function(_spelled, 1, 1, "转成文本；缺失为空文本，True 为 true"),
    "int": Function(_as_integer, 1, 1, "转成整数（小数去尾）；缺失为 None，不是整数则失败"),
    "number": Function(_as_number, 1, 1, "转成数；不是数则为 None"),
    "lower": Function(_on_text(str.lower), 1, 1, "小写；缺失为 None"),
    "upper": Function(_on_text(str.upper), 1, 1, "大写；缺失为 None"),
    "strip": Function(_on_text(str.strip), 1, 1, "去掉首尾空白；缺失为 None"),
    "contains": Function(contains, 2, 2, "文本含文本、列表含项、字典含键；缺失为 False"),
    "starts_with": Function(_at_edge(str.startswith), 2, 2, "文本以……开头；缺失为 False"),
    "ends_with": Function(_at_edge(str.endswith), 2, 2, "文本以……结尾；缺失为 False"),
    "replace": Function(_replaced, 3, 3, "把文本中的第二个参数换成第三个"),
    "split": Function(_split, 2, 2, "按分隔符切成列表；缺失为空列表"),
    "join": Function(_joined, 1, 2, "把列表各项连成文本，可给分隔符"),
    "concat": Function(_concatenated, 1, 20, "全为列表则连成列表，否则连成文本"),
    "merge": Function(_merged, 1, 20, "合并字典，后者优先；缺失的跳过"),
    "keys": Function(_keys, 1, 1, "字典的键的列表；缺失为空列表"),
    "unique": Function(_unique, 1, 1, "去掉重复项，保持次序"),
    "count": Function(_count, 2, 2, "列表中等于某值的项数；缺失为 0"),
    "column": Function(_column, 2, 2, "列表中每一项的这个键的值；缺失为空列表"),
    "default": Function(lambda value, other: other if value is None else value, 2, 2, "缺失时用第二个值"),
    "is_date": Function(is_date, 1, 1, "是 YYYY-MM-DD 日期或带时区的时刻"),
    "date": Function(_of_dates(lambda d: parse_date(d).isoformat()), 1, 1, "时刻在北京时间的日期"),
    "year": Function(_of_dates(lambda d: parse_date(d).year), 1, 1, "年"),
    "month": Function(_of_dates(lambda d: parse_date(d).month), 1, 1, "月"),
    "day": Function(_of_dates(lambda d: parse_date(d).day), 1, 1, "日"),
    "add_days": Function(
        _of_dates(lambda d, n: (parse_date(d) + timedelta(days=_whole(n))).isoformat()), 2, 2, "若干天后的日期"
    ),
    "add_months": Function(
        _of_dates(lambda d, n: add_months_to(parse_date(d), _whole(n, 12_000)).isoformat()), 2, 2, "若干月后的日期"
    ),
    "days_between": Function(
        _of_dates(lambda a, b: (parse_date(b) - parse_date(a)).days), 2, 2, "从第一个日期到第二个日期的天数"
    ),
    "years_between": Function(_of_dates(years_between), 2, 2, "从第一个日期到第二个日期的周年数（周岁）"),
    "duration": Function(_duration, 2, 2, '时长文本，单位 days、weeks、hours、minutes、seconds：duration(3, "days")'),
    "working_days": Function(_working_days, 1, 1, "工作日时长，只用于定时器和办理期限"),
}
