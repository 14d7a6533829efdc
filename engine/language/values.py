"""The values of the closed language: JSON values, their sizes, and what equality and membership mean for them."""

from __future__ import annotations

from typing import Any

MAX_TEXT = 100_000  # characters a value may have
MAX_ITEMS = 10_000  # items a list or dict may have
MAX_INTEGER = 2**63 - 1  # what canonical JSON (orjson) and the database can keep


def sized(value: Any) -> Any:
    """`value`, or ValueError where it is larger than the language allows."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"文本超过 {MAX_TEXT} 个字符")
    elif isinstance(value, bool):
        return value
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("整数超出 64 位范围")
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("结果不是有限的数")
    elif isinstance(value, list | dict) and len(value) > MAX_ITEMS:
        raise ValueError(f"超过 {MAX_ITEMS} 项")
    return value


def is_number(value: Any) -> bool:
    """True for int and float; bool is not a number here."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 == 1.0, but True is not 1 (a data set must not change its meaning by its encoding)."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def contains(whole: Any, part: Any) -> bool:
    """Text in text, item in list, key in dict. A missing whole or a missing part of a text contains nothing."""
    if whole is None:
        return False
    if isinstance(whole, str):
        return part is not None and as_text(part) in whole
    if isinstance(whole, list):
        return any(equal(item, part) for item in whole)
    if isinstance(whole, dict):
        return isinstance(part, str) and part in whole
    raise TypeError("in 和 contains 的右边应为文本、列表或字典")


def as_text(value: Any) -> str:
    """The value, or TypeError where it is no text."""
    if not isinstance(value, str):
        raise TypeError("应为文本")
    return value
