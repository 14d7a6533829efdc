"""Compiling the texts of a diagram: what is no expression or no time becomes a problem of its element."""

from __future__ import annotations

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Node
from engine.language.expressions import Expression, InvalidExpression, compile_expression
from engine.language.schedules import Schedule, compile_schedule
from engine.language.timers_text import Cycle, compile_cycle, compile_timer
from engine.spiff.process import Expressions


class Texts:
    """Compiles, and keeps in `problems` what cannot be."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, element: str, code: str, message: str) -> None:
        self.problems.append(found(element, code, message))

    def expression(self, element: str, text: str) -> Expression | None:
        try:
            return compile_expression(text)
        except InvalidExpression as error:
            self.problem(element, "expression.invalid", f"表达式“{text[:80]}”无效：{error.reason}")
            return None

    def prefixed(self, node: Node, prefix: str) -> Expressions:
        """The expressions of the properties `<prefix><name>`, by name."""
        return self.named(node, node.prefixed(prefix))

    def named(self, node: Node, given: list[tuple[str, str]]) -> Expressions:
        compiled = [(name, self.expression(node.id, text)) for name, text in given]
        return tuple((name, expression) for name, expression in compiled if expression is not None)

    def timer(self, element: str, text: str) -> str:
        """The text itself."""
        try:
            compile_timer(text)
        except InvalidExpression as error:
            self.problem(element, "timer.invalid", f"时间“{text[:80]}”无效：{error.reason}")
        return text

    def cycle(self, element: str, text: str) -> Cycle | None:
        try:
            return compile_cycle(text)
        except InvalidExpression as error:
            self.problem(element, "timer.invalid", f"周期“{text[:80]}”无效：{error.reason}")
            return None

    def schedule(self, element: str, kind: str, text: str) -> Schedule | None:
        try:
            return compile_schedule(kind, text)
        except InvalidExpression as error:
            self.problem(element, "timer.invalid", f"“{text[:80]}”无效：{error.reason}")
            return None
