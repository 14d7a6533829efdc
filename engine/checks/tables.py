"""Overlaps and gaps of decision tables, found by trying every cell at its own constants and between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise, product
from math import prod
from typing import Any

from engine.errors import Problem
from engine.flow.codes import found
from engine.language.decisions import Column, DecisionTable, HitPolicy
from engine.language.expressions import ExpressionFailed
from engine.language.unary_tests import Cell

_MOST_TRIES = 400_000  # cells tried, then inputs tried: a larger table is said not to have been searched

Fit = set[int]  # which of a column's candidate values a cell fits, by place
Rows = list[list[Fit]]  # rule by rule, column by column


def check_table(table: DecisionTable, choices: Mapping[str, list[str]]) -> Iterator[Problem]:
    """UNIQUE: pairs of rules that one input fits, with that input. Any policy: an input that no rule fits.

    choices: the values of variables that are chosen from a list; their columns have no others.
    """
    by_column = [[rule.cells[place] for rule in table.rules] for place in range(len(table.inputs))]
    columns = [
        [*dict.fromkeys(choices[column.expression.text])]
        if column.expression.text in choices
        else _candidates(column, cells)
        for column, cells in zip(table.inputs, by_column, strict=True)
    ]
    if sum(map(len, columns)) * len(table.rules) > _MOST_TRIES:
        yield found(table.id, "decision.not_searched", f"决策 {table.id} 过大，没有查找重叠和遗漏")
        return
    # What some cell cannot be evaluated on fails at run time: it is neither an overlap nor a gap.
    columns = [[v for v in values if _all_take(cells, v)] for values, cells in zip(columns, by_column, strict=True)]
    if not all(columns):
        return  # a column that fits no value at all: cells of several types
    rows = [[_fit(cell, values) for cell, values in zip(r.cells, columns, strict=True)] for r in table.rules]
    if table.hit_policy is HitPolicy.UNIQUE:
        yield from _overlaps(table, columns, rows)
    yield from _gap(table, columns, rows)


def _fit(cell: Cell, values: list[Any]) -> Fit:
    return {place for place, value in enumerate(values) if _fits(cell, value)}


def _overlaps(table: DecisionTable, columns: list[list[Any]], rows: Rows) -> Iterator[Problem]:
    read = [column.expression.names for column in table.inputs]
    # Two columns over one variable cannot be chosen freely of each other: the found input may not exist.
    is_certain = all(not one & other for one, other in combinations(read, 2))
    code = "decision.overlap" if is_certain else "decision.may_overlap"
    for (one, fit), (other, other_fit) in combinations(zip(table.rules, rows, strict=True), 2):
        if any(cell.points is None for rule in (one, other) for cell in rule.cells):
            continue  # depends on variables: only the run can tell
        common = [here & there for here, there in zip(fit, other_fit, strict=True)]
        if not all(common):
            continue
        witness = [_shown_first(values, places) for values, places in zip(columns, common, strict=True)]
        message = f"决策 {table.id} 的规则 {one.id} 与 {other.id} 都适合：{_said(table, witness)}"
        yield found(other.id, code, message)


def _shown_first(values: list[Any], places: Fit) -> Any:
    """A value to show, rather one that is there than None."""
    return next((values[place] for place in sorted(places) if values[place] is not None), None)


def _gap(table: DecisionTable, columns: list[list[Any]], rows: Rows) -> Iterator[Problem]:
    if any(cell.points is None for rule in table.rules for cell in rule.cells):
        return
    # A missing input is left out: nearly every table has that gap, and it is an incident by intent.
    present = [[i for i, value in enumerate(values) if value is not None] or [0] for values in columns]
    if prod(map(len, present)) * len(rows) > _MOST_TRIES:
        return
    for places in product(*present):
        if not any(all(place in fit for place, fit in zip(places, row, strict=True)) for row in rows):
            said = _said(table, [values[place] for place, values in zip(places, columns, strict=True)])
            yield found(table.id, "decision.gap", f"决策 {table.id} 没有规则适合：{said}")
            return


def _candidates(column: Column, cells: list[Cell]) -> list[Any]:
    """Values at, between and beyond the constants of a column's cells, of the type the column names."""
    points = [point for cell in cells for point in _flat(cell.points or ())]
    numbers = sorted({point for point in points if isinstance(point, int | float) and not isinstance(point, bool)})
    texts = sorted({point for point in points if isinstance(point, str)})
    found_values: list[Any] = []
    if numbers or column.type_ref in _NUMERIC:
        found_values += _around_numbers(numbers, only_whole=column.type_ref in ("integer", "long"))
    if texts or column.type_ref == "string":
        found_values += _around_texts(texts)
    if any(isinstance(point, bool) for point in points) or column.type_ref == "boolean":
        found_values += [True, False]
    if column.type_ref not in (*_NUMERIC, "string", "boolean"):
        found_values.append(None)
    return found_values or [None]


_NUMERIC = ("integer", "long", "double", "number")


def _flat(points: tuple[Any, ...]) -> Iterator[Any]:
    for point in points:
        yield from point if isinstance(point, list) else (point,)


def _around_numbers(numbers: list[Any], *, only_whole: bool) -> list[Any]:
    if not numbers:
        return [0]
    around = [numbers[0] - 1, *numbers, numbers[-1] + 1]
    for low, high in pairwise(numbers):
        around.append((low + high) // 2 if only_whole else (low + high) / 2)
    if only_whole:
        around += [number + step for number in numbers for step in (-1, 1)]
        around = [number for number in around if number == int(number)]
    return sorted(set(around))


def _around_texts(texts: list[str]) -> list[str]:
    """Each text, one right after it (so between it and the next), and one before all others."""
    return sorted({"", *texts, *(text + "\x00" for text in texts)}) if texts else ["其他"]


def _fits(cell: Cell, value: Any) -> bool:
    try:
        return cell.matches(value, {})
    except ExpressionFailed:
        return False


def _all_take(cells: list[Cell], value: Any) -> bool:
    try:
        for cell in cells:
            if cell.points is not None:
                cell.matches(value, {})
    except ExpressionFailed:
        return False
    return True


def _said(table: DecisionTable, values: list[Any]) -> str:
    said = []
    for column, value in zip(table.inputs, values, strict=True):
        shown = "其他文本" if isinstance(value, str) and (value == "" or value.endswith("\x00")) else repr(value)
        said.append(f"{column.expression.text} = {shown[:40]}")
    return "，".join(said)
