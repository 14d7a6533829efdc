"""Decision tables: DMN 1.1-1.3 XML with cells of the closed language.

Hit policies: FIRST, UNIQUE (an overlap that shows itself is refused, never resolved by order) and COLLECT (each output
becomes the list of the matching rules' values). No matching rule is a failure under every policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.errors import EngineError, InvalidDiagram, Problem
from engine.flow.xml import Node, local_name, namespace, parse_xml
from engine.language.expressions import Expression, ExpressionFailed, InvalidExpression, compile_expression
from engine.language.unary_tests import Cell, compile_cell

MAX_RULES = 1_000
_DMN = ("https://www.omg.org/spec/DMN/", "http://www.omg.org/spec/DMN/")


class HitPolicy(StrEnum):
    FIRST = "FIRST"
    UNIQUE = "UNIQUE"
    COLLECT = "COLLECT"


class DecisionFailed(EngineError):
    """The table gave no answer. code: `decision.no_match` | `decision.overlap` | `expression.failed`.

    `facts`: the decision's id, and the rules or the expression concerned; no variable's value.
    """


@dataclass(frozen=True, slots=True)
class Decision:
    """outputs: by output column name; with COLLECT each a list. rules: ids of the rules that matched, in table order."""

    outputs: dict[str, Any]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """An input column. type_ref: DMN's typeRef (`integer`, `string`, …), "" for none; only the check looks at it."""

    id: str
    label: str
    expression: Expression
    type_ref: str


@dataclass(frozen=True, slots=True)
class Rule:
    """asked: column and cell where the cell does not take any value; of a wide table that is a few of each rule."""

    id: str
    cells: tuple[Cell, ...]
    outputs: tuple[Expression, ...]
    asked: tuple[tuple[int, Cell], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        asked = tuple((column, cell) for column, cell in enumerate(self.cells) if not cell.is_any)
        object.__setattr__(self, "asked", asked)

    def matches(self, values: Sequence[Any], variables: Mapping[str, Any]) -> bool:
        """values: the input's, by column. Raises ExpressionFailed."""
        return all(cell.matches(values[column], variables) for column, cell in self.asked)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """One decision, compiled. Immutable and shared by all cases."""

    id: str
    name: str
    hit_policy: HitPolicy
    inputs: tuple[Column, ...]
    outputs: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables this table reads."""
        read = [column.expression.names for column in self.inputs]
        read += [cell.names for rule in self.rules for cell in rule.cells]
        read += [output.names for rule in self.rules for output in rule.outputs]
        return frozenset().union(*read)

    def decide(self, variables: Mapping[str, Any]) -> Decision:
        """Raises DecisionFailed, and nothing else."""
        try:
            return self._decide(variables)
        except ExpressionFailed as failure:
            raise DecisionFailed(
                "expression.failed", decision=self.id, expression=failure.text, reason=failure.reason
            ) from failure

    def _decide(self, variables: Mapping[str, Any]) -> Decision:
        values = [column.expression.evaluate(variables) for column in self.inputs]
        matched: list[Rule] = []
        for rule in self.rules:
            if rule.matches(values, variables):
                matched.append(rule)
                if self.hit_policy is HitPolicy.FIRST:
                    break
        ids = tuple(rule.id for rule in matched)
        if not matched:
            raise DecisionFailed("decision.no_match", decision=self.id)
        if self.hit_policy is HitPolicy.UNIQUE and len(matched) > 1:
            raise DecisionFailed("decision.overlap", decision=self.id, rules=ids)
        rows = [[output.evaluate(variables) for output in rule.outputs] for rule in matched]
        if self.hit_policy is HitPolicy.COLLECT:
            return Decision({name: [row[i] for row in rows] for i, name in enumerate(self.outputs)}, ids)
        return Decision(dict(zip(self.outputs, rows[0], strict=True)), ids)


def read_decisions(dmn: bytes) -> dict[str, DecisionTable]:
    """The decision tables of one DMN file by decision id. Raises InvalidDiagram with every problem of the file."""
    root = parse_xml(dmn)
    if local_name(root) != "definitions" or not namespace(root).startswith(_DMN):
        raise InvalidDiagram([Problem("", "error", "decision.not_dmn", "不是 DMN 决策文件")])
    problems: list[Problem] = []
    tables: dict[str, DecisionTable] = {}
    for node in _children(root, "decision"):
        decision_id = node.get("id", "")
        if not decision_id or decision_id in tables:
            problems.append(Problem(decision_id, "error", "decision.id", "每个决策应有自己的 id"))
            continue
        table = _Reader(decision_id, problems).table(node)
        if table is not None:
            tables[decision_id] = table
    if problems:
        raise InvalidDiagram(problems)
    return tables


def _children(node: Node, name: str) -> list[Node]:
    return [child for child in node if local_name(child) == name]


def _text(node: Node | None) -> str:
    if node is None:
        return ""
    texts = _children(node, "text")
    return "".join(str(part) for part in texts[0].itertext()) if texts else ""


@dataclass(slots=True)
class _Reader:
    """Reads one decision and notes its problems."""

    decision: str
    problems: list[Problem]

    def problem(self, element: str, code: str, message: str) -> None:
        self.problems.append(Problem(element or self.decision, "error", code, message))

    def table(self, node: Node) -> DecisionTable | None:
        known = len(self.problems)
        requirements = [need for kind in _children(node, "informationRequirement") for need in kind]
        if any(local_name(need) == "requiredDecision" for need in requirements):
            self.problem("", "decision.unsupported", "决策不能依赖另一个决策；请在流程图中依次调用")
        grids = _children(node, "decisionTable")
        if not grids:
            self.problem("", "decision.unsupported", "只支持决策表")
            return None
        grid = grids[0]
        policy = self.hit_policy(grid)
        inputs = tuple(self.column(child) for child in _children(grid, "input"))
        outputs = self.output_names(grid)
        rules = self.rules(grid, len(inputs), len(outputs))
        if len(self.problems) > known or policy is None:
            return None
        return DecisionTable(
            self.decision, node.get("name", ""), policy, tuple(column for column in inputs if column), outputs, rules
        )

    def hit_policy(self, grid: Node) -> HitPolicy | None:
        policy = grid.get("hitPolicy", "UNIQUE")
        if policy not in HitPolicy.__members__ or grid.get("aggregation"):
            self.problem(grid.get("id", ""), "decision.hit_policy", "命中策略只支持 FIRST、UNIQUE 和不带聚合的 COLLECT")
            return None
        return HitPolicy(policy)

    def column(self, node: Node) -> Column | None:
        given = _children(node, "inputExpression")
        element = node.get("id", "")
        expression = self.expression(element, _text(given[0] if given else None))
        type_ref = given[0].get("typeRef", "") if given else ""
        return Column(element, node.get("label", ""), expression, type_ref) if expression else None

    def output_names(self, grid: Node) -> tuple[str, ...]:
        names: list[str] = []
        for node in _children(grid, "output"):
            name = node.get("name", "")
            if not name.isidentifier() or name.startswith("_") or name in names:
                self.problem(node.get("id", ""), "decision.output_name", f"输出列应有各自的变量名：{name or '（空）'}")
            names.append(name)
        if not names:
            self.problem(grid.get("id", ""), "decision.output_name", "决策表没有输出列")
        return tuple(names)

    def rules(self, grid: Node, inputs: int, outputs: int) -> tuple[Rule, ...]:
        nodes = _children(grid, "rule")
        if not 1 <= len(nodes) <= MAX_RULES:
            self.problem(grid.get("id", ""), "decision.rules", f"决策表应有 1 到 {MAX_RULES} 条规则")
            return ()
        rules: list[Rule] = []
        seen: set[str] = set()
        for number, node in enumerate(nodes, 1):
            rule_id = node.get("id") or f"rule-{number}"
            if rule_id in seen:
                self.problem(rule_id, "decision.id", "规则的 id 重复")
            seen.add(rule_id)
            tests, results = _children(node, "inputEntry"), _children(node, "outputEntry")
            if len(tests) != inputs or len(results) != outputs:
                self.problem(rule_id, "decision.rules", f"规则 {number} 的单元格数与列数不符")
                continue
            cells = [self.cell(test.get("id") or rule_id, _text(test)) for test in tests]
            values = [self.expression(result.get("id") or rule_id, _text(result)) for result in results]
            rules.append(Rule(rule_id, tuple(c for c in cells if c), tuple(v for v in values if v)))
        return tuple(rules)

    def cell(self, element: str, text: str) -> Cell | None:
        try:
            return compile_cell(text)
        except InvalidExpression as error:
            self.problem(element, "expression.invalid", f"条件“{text[:80]}”无效：{error.reason}")
            return None

    def expression(self, element: str, text: str) -> Expression | None:
        try:
            return compile_expression(text)
        except InvalidExpression as error:
            self.problem(element, "expression.invalid", f"表达式“{text[:80]}”无效：{error.reason}")
            return None
