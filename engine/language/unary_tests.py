"""Cells of a decision table's inputs: DMN unary tests over the closed language.

`-` or nothing: any value. `>= 3`, `< limit`, `!= "x"`: compared with the input. `[1..5]`, `]1..5[`, `(1..5]`: an interval.
`"a", "b"`: any of these (an expression that gives a list: any of its items). `not(…)`: none of these. An expression with `?`
stands for the input: `contains(?, "x")`. A missing input (None) fits `-`, `null`, `not(…)` and `!= …`, never an order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.language.expressions import (
    Expression,
    ExpressionFailed,
    InvalidExpression,
    compile_expression,
    reason_of,
)
from engine.language.operators import COMPARISONS
from engine.language.values import equal

Test = Callable[[Any, Mapping[str, Any]], bool]

MAX_TESTS = 200  # alternatives in one cell
_INPUT = "cell_input_value"  # what `?` is called while the cell is compiled
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'")
_INTERVAL = re.compile(r"([\[\](])([^\[\]()]*?)\.\.([^\[\]()]*)([\[\])])")  # bounds hold no brackets
_SIGN = re.compile(r"(<=|>=|!=|<|>|=)(?!=)(.*)", re.DOTALL)
_SIGNS: dict[str, type[ast.cmpop]] = {
    "<=": ast.LtE,
    ">=": ast.GtE,
    "!=": ast.NotEq,
    "<": ast.Lt,
    ">": ast.Gt,
    "=": ast.Eq,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One compiled cell. names: the variables it reads, the input aside. points: its constants, where it is made of

    nothing else (then its meaning can be explored at those points and between them), else None.
    """

    text: str
    test: Test
    names: frozenset[str] = frozenset()
    points: tuple[Any, ...] | None = ()

    @property
    def is_any(self) -> bool:
        return self.text.strip() in ("", "-")

    def matches(self, value: Any, variables: Mapping[str, Any]) -> bool:
        """Raises ExpressionFailed, e.g. for the order of a number and a text."""
        try:
            return self.test(value, variables)
        except (TypeError, ValueError) as error:
            raise ExpressionFailed(self.text, reason_of(error)) from error


def compile_cell(text: str) -> Cell:
    """Raises InvalidExpression."""
    stripped = text.strip()
    if stripped in ("", "-"):
        return Cell(text, lambda value, variables: True)
    if _INPUT in stripped:
        raise InvalidExpression(text, "名称不可用")
    inner = _negated(stripped)
    reading = _Reading(text)
    tests = [reading.unary_test(part) for part in _alternatives(stripped if inner is None else inner, text)]
    points = reading.points()
    names = frozenset().union(*(operand.names for operand in reading.operands)) - {_INPUT}
    if inner is not None:
        return Cell(text, lambda value, variables: not any(t(value, variables) for t in tests), names, points)
    if len(tests) == 1:
        return Cell(text, tests[0], names, points)
    return Cell(text, lambda value, variables: any(t(value, variables) for t in tests), names, points)


def _masked(text: str) -> str:
    """`text` with quoted texts and intervals replaced by filler of the same length: what is left is structure."""
    without_quotes = _QUOTED.sub(lambda found: "q" * len(found[0]), text)
    return _INTERVAL.sub(lambda found: "i" * len(found[0]), without_quotes)


def _negated(text: str) -> str | None:
    """The inside of `not(…)` where that is the whole cell; `not(a) or b` is an expression."""
    masked = _masked(text)
    if not (masked.startswith("not(") and masked.endswith(")")):
        return None
    depth = 0
    for letter in masked[3:-1]:
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return None
    return text[4:-1]


def _alternatives(text: str, cell: str) -> list[str]:
    """The parts between the commas that stand outside quotes, brackets and intervals."""
    parts, start, depth = [], 0, 0
    for place, letter in enumerate(_masked(text)):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    parts = [part.strip() for part in [*parts, text[start:]]]
    if not all(parts) or len(parts) > MAX_TESTS:
        raise InvalidExpression(cell, f"逗号之间应各有一个条件，最多 {MAX_TESTS} 个")
    return parts


@dataclass(slots=True)
class _Reading:
    """Compiles the parts of one cell and keeps the expressions it met."""

    cell: str
    operands: list[Expression] = field(default_factory=list)

    def points(self) -> tuple[Any, ...] | None:
        """The values of all operands, None where one of them depends on a variable."""
        if any(operand.names for operand in self.operands):
            return None
        try:
            return tuple(operand.evaluate({}) for operand in self.operands)
        except ExpressionFailed:
            return None

    def unary_test(self, part: str) -> Test:
        unquoted = _QUOTED.sub(lambda found: "q" * len(found[0]), part)
        interval = _INTERVAL.fullmatch(unquoted)
        if interval:
            return self.interval(part, interval)
        sign = _SIGN.fullmatch(part)
        if sign:
            other, compare = self.operand(sign[2]), COMPARISONS[_SIGNS[sign[1]]]
            return lambda value, variables: compare(value, other.evaluate(variables))
        if "?" in unquoted:
            named = "".join(f" {_INPUT} " if m == "?" else c for c, m in zip(part, unquoted, strict=True))
            condition = self.operand(named)
            return lambda value, variables: bool(condition.evaluate({**variables, _INPUT: value}))
        wanted = self.operand(part)
        return lambda value, variables: _is_one_of(value, wanted.evaluate(variables))

    def interval(self, part: str, found: re.Match[str]) -> Test:
        low, high = self.operand(part[found.start(2) : found.end(2)]), self.operand(part[found.start(3) : found.end(3)])
        above = COMPARISONS[ast.GtE if found[1] == "[" else ast.Gt]
        below = COMPARISONS[ast.LtE if found[4] == "]" else ast.Lt]
        return lambda value, variables: above(value, low.evaluate(variables)) and below(value, high.evaluate(variables))

    def operand(self, text: str) -> Expression:
        try:
            expression = compile_expression(text.strip())
        except InvalidExpression as error:
            raise InvalidExpression(self.cell, error.reason) from error
        self.operands.append(expression)
        return expression


def _is_one_of(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and not isinstance(value, list):
        return any(equal(value, item) for item in wanted)
    return equal(value, wanted)
