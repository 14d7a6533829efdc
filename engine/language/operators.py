"""What the operators of the closed language do with JSON values. Wrong types raise TypeError with a Chinese message."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from engine.language.values import MAX_ITEMS, MAX_TEXT, contains, equal, is_number, sized


def _add(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return sized(left + right)
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAX_TEXT:
            raise ValueError(f"文本超过 {MAX_TEXT} 个字符")
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_ITEMS:
            raise ValueError(f"超过 {MAX_ITEMS} 项")
        return left + right
    raise TypeError("+ 的两边应同为数、文本或列表")


def _numeric(work_out: Callable[[Any, Any], Any], sign: str) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if is_number(left) and is_number(right):
            return sized(work_out(sized(left), sized(right)))
        raise TypeError(f"{sign} 的两边应为数")

    return apply


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Order of two numbers or two texts; False where either is missing."""

    def apply(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if isinstance(left, str):
            if isinstance(right, str):
                return compare(left, right)
        elif is_number(left) and is_number(right):
            return compare(left, right)
        raise TypeError("比较大小的两边应同为数或同为文本")

    return apply


def _negative(value: Any) -> Any:
    if not is_number(value):
        raise TypeError("负号后应为数")
    return sized(-value)


def _positive(value: Any) -> Any:
    if not is_number(value):
        raise TypeError("正号后应为数")
    return value


ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _add,
    ast.Sub: _numeric(operator.sub, "-"),
    ast.Mult: _numeric(operator.mul, "*"),
    ast.Div: _numeric(operator.truediv, "/"),
    ast.FloorDiv: _numeric(operator.floordiv, "//"),
    ast.Mod: _numeric(operator.mod, "%"),
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: _negative,
    ast.UAdd: _positive,
    ast.Not: operator.not_,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: equal,
    ast.NotEq: lambda left, right: not equal(left, right),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: lambda left, right: contains(right, left),
    ast.NotIn: lambda left, right: not contains(right, left),
    ast.Is: lambda left, right: left is None,  # the compiler lets only `is None` through
    ast.IsNot: lambda left, right: left is not None,
}


def read_key(value: Any, key: Any) -> Any:
    """`value[key]`, and `value.key`; None where there is no such key or no value."""
    if value is None:
        return None
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise TypeError("字典的键应为文本")
        return value.get(key)
    if isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else None
    raise TypeError("只能按键读字典、按序号读列表和文本")


def slice_of(value: Any, start: Any, end: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list | str):
        raise TypeError("只能截取列表和文本")
    for bound in (start, end):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise TypeError("截取的起止应为整数")
    return value[start:end]
