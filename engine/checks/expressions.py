"""Problems of the texts a diagram is written with: expressions, timers, names of variables."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.codes import found
from engine.language.expressions import InvalidExpression, compile_expression
from engine.language.timers_text import compile_cycle, compile_timer

RESERVED = frozenset({"settings"})  # the version's constants; nothing in a diagram may write there


def expression_problems(element: str, text: str) -> Iterator[Problem]:
    try:
        compile_expression(text)
    except InvalidExpression as error:
        yield found(element, "expression.invalid", f"表达式“{text[:80]}”无效：{error.reason}")


def timer_problems(element: str, text: str) -> Iterator[Problem]:
    try:
        compile_timer(text)
    except InvalidExpression as error:
        yield found(element, "timer.invalid", f"时间“{text[:80]}”无效：{error.reason}")


def cycle_problems(element: str, text: str) -> Iterator[Problem]:
    try:
        compile_cycle(text)
    except InvalidExpression as error:
        yield found(element, "timer.invalid", f"周期“{text[:80]}”无效：{error.reason}")


def variable_problems(element: str, name: str) -> Iterator[Problem]:
    if not name.isidentifier() or name.startswith("_") or name in RESERVED:
        yield found(element, "variable.name", f"不能用作变量名：{name[:40]}")
