"""The closed language of conditions, decision cells, timers and service parameters (docs/expressions.md).

Python's expression syntax, parsed by `ast`, checked node by node against an allow-list and compiled to closures: no text
of a diagram ever becomes Python code. Values are JSON values. A name that is not there is None.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from engine.errors import EngineError
from engine.language.functions import FUNCTIONS
from engine.language.operators import ARITHMETIC, COMPARISONS, UNARY, read_key, slice_of
from engine.language.values import sized

MAX_SOURCE = 2_000  # characters of one expression
MAX_DEPTH = 100  # nesting; the closures recurse this deep
MAX_NODES = 1_000

Variables = Mapping[str, Any]
Evaluator = Callable[[Variables], Any]

_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}  # as DMN and JSON spell them


class InvalidExpression(EngineError):
    """The text is not in the closed language. `reason`: Chinese, for the analyst."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__("expression.invalid", text=text[:200], reason=reason)
        self.text = text
        self.reason = reason


class ExpressionFailed(EngineError):
    """A valid expression could not be evaluated on these variables. `reason` names no value, so no personal data."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__("expression.failed", text=text[:200], reason=reason)
        self.text = text
        self.reason = reason


class Expression:
    """A compiled expression. names: the variables it reads. Immutable; equal texts share one."""

    __slots__ = ("_evaluate", "names", "text")

    def __init__(self, text: str, evaluate: Evaluator, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self._evaluate = evaluate

    def evaluate(self, variables: Variables) -> Any:
        """The JSON value on `variables`. Raises ExpressionFailed, and nothing else."""
        try:
            return self._evaluate(variables)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise ExpressionFailed(self.text, reason_of(error)) from error
        except (RecursionError, MemoryError) as error:
            raise ExpressionFailed(self.text, "数据嵌套过深或过大") from error

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Raises InvalidExpression: the text is too long, not an expression, or outside the allow-list."""
    if len(text) > MAX_SOURCE:
        raise InvalidExpression(text, f"表达式超过 {MAX_SOURCE} 个字符")
    try:
        tree = ast.parse(" ".join(text.split("\n")).strip(), mode="eval")  # diagrams wrap long conditions
    except SyntaxError as error:
        raise InvalidExpression(text, f"语法错误（第 {error.offset or 0} 个字符附近）") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidExpression(text, "无法解析：含有非法字符或嵌套过深") from error
    compiler = _Compiler(text)
    evaluate = compiler.build(tree.body, 1)
    return Expression(text, evaluate, frozenset(compiler.names))


def reason_of(error: Exception) -> str:
    """Our own messages are Chinese and name no value; Python's own could quote one."""
    message = str(error.args[0]) if error.args else ""
    if isinstance(error, ZeroDivisionError):
        return "除以零"
    return message if any("\u4e00" <= letter <= "\u9fff" for letter in message) else "数据类型不符"


class _Compiler:
    """One walk over one expression's tree: refuses what is not allowed, gives a closure for what is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.nodes = 0

    def build(self, node: ast.expr, depth: int) -> Evaluator:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise self.refusal("表达式嵌套过深或过长")
        build = _BUILDERS.get(type(node))
        if build is None:
            raise self.refusal(f"不允许使用 {_SYNTAX.get(type(node).__name__, type(node).__name__)}")
        return build(self, node, depth + 1)

    def refusal(self, reason: str) -> InvalidExpression:
        return InvalidExpression(self.text, reason)

    def each(self, nodes: list[ast.expr], depth: int) -> tuple[Evaluator, ...]:
        return tuple(self.build(node, depth) for node in nodes)


_SYNTAX = {
    "Lambda": "lambda",
    "ListComp": "推导式",
    "SetComp": "推导式",
    "DictComp": "推导式",
    "GeneratorExp": "推导式",
    "NamedExpr": ":= 赋值",
    "JoinedStr": "f 字符串",
    "Starred": "* 展开",
    "Await": "await",
    "Yield": "yield",
    "Set": "集合",
}


def _constant(compiler: _Compiler, node: ast.Constant, depth: int) -> Evaluator:
    value = node.value
    if value is not None and not isinstance(value, bool | int | float | str):
        raise compiler.refusal("常量只能是数、文本、True、False、None")
    try:
        sized(value)
    except ValueError as error:
        raise compiler.refusal(str(error)) from error
    return lambda variables: value


def _name(compiler: _Compiler, node: ast.Name, depth: int) -> Evaluator:
    name = node.id
    if name.startswith("_"):
        raise compiler.refusal(f"名称不能以下划线开头：{name}")
    if name in _WORDS:
        word = _WORDS[name]
        return lambda variables: word
    compiler.names.add(name)
    return lambda variables: variables.get(name)


def _attribute(compiler: _Compiler, node: ast.Attribute, depth: int) -> Evaluator:
    key = node.attr
    if key.startswith("_"):
        raise compiler.refusal(f"键不能以下划线开头：{key}")
    owner = compiler.build(node.value, depth)

    def read(variables: Variables) -> Any:
        value = owner(variables)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise TypeError(f"只有字典才能读 .{key}")
        return value.get(key)

    return read


def _subscript(compiler: _Compiler, node: ast.Subscript, depth: int) -> Evaluator:
    owner = compiler.build(node.value, depth)
    if isinstance(node.slice, ast.Slice):
        if node.slice.step is not None:
            raise compiler.refusal("截取不允许步长")
        missing = ast.Constant(None)
        start = compiler.build(node.slice.lower or missing, depth)
        end = compiler.build(node.slice.upper or missing, depth)
        return lambda variables: slice_of(owner(variables), start(variables), end(variables))
    key = compiler.build(node.slice, depth)
    return lambda variables: read_key(owner(variables), key(variables))


def _comparison(compiler: _Compiler, node: ast.Compare, depth: int) -> Evaluator:
    for sign, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(sign, ast.Is | ast.IsNot) and not (isinstance(right, ast.Constant) and right.value is None):
            raise compiler.refusal("is 只能用于 is None 和 is not None")
    first = compiler.build(node.left, depth)
    others = compiler.each(node.comparators, depth)
    compare = [COMPARISONS[type(sign)] for sign in node.ops]
    if len(others) == 1:
        only, compare_once = others[0], compare[0]
        return lambda variables: compare_once(first(variables), only(variables))
    pairs = tuple(zip(compare, others, strict=True))

    def chain(variables: Variables) -> bool:
        left = first(variables)
        for holds, evaluate in pairs:
            right = evaluate(variables)
            if not holds(left, right):
                return False
            left = right
        return True

    return chain


def _both(compiler: _Compiler, node: ast.BoolOp, depth: int) -> Evaluator:
    parts = compiler.each(node.values, depth)
    stops_at = isinstance(node.op, ast.Or)

    def decide(variables: Variables) -> Any:
        value: Any = None
        for part in parts:
            value = part(variables)
            if bool(value) is stops_at:
                return value
        return value

    return decide


def _binary(compiler: _Compiler, node: ast.BinOp, depth: int) -> Evaluator:
    work_out = ARITHMETIC.get(type(node.op))
    if work_out is None:
        raise compiler.refusal("只允许 + - * / // % 运算")
    left, right = compiler.build(node.left, depth), compiler.build(node.right, depth)
    return lambda variables: work_out(left(variables), right(variables))


def _unary(compiler: _Compiler, node: ast.UnaryOp, depth: int) -> Evaluator:
    change = UNARY.get(type(node.op))
    if change is None:
        raise compiler.refusal("不允许按位运算")
    operand = compiler.build(node.operand, depth)
    return lambda variables: change(operand(variables))


def _choice(compiler: _Compiler, node: ast.IfExp, depth: int) -> Evaluator:
    test, yes, no = compiler.each([node.test, node.body, node.orelse], depth)
    return lambda variables: yes(variables) if test(variables) else no(variables)


def _list(compiler: _Compiler, node: ast.List | ast.Tuple, depth: int) -> Evaluator:
    items = compiler.each(node.elts, depth)
    return lambda variables: [item(variables) for item in items]


def _dict(compiler: _Compiler, node: ast.Dict, depth: int) -> Evaluator:
    entries: list[tuple[str, Evaluator]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise compiler.refusal("字典的键应为文本常量")
        entries.append((key.value, compiler.build(value, depth)))
    return lambda variables: {key: value(variables) for key, value in entries}


def _call(compiler: _Compiler, node: ast.Call, depth: int) -> Evaluator:
    function = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
    if function is None:
        named = node.func.id if isinstance(node.func, ast.Name) else "这种调用"
        raise compiler.refusal(f"没有这个函数：{named}")
    if node.keywords:
        raise compiler.refusal("函数参数不能带名称")
    if not function.fewest <= len(node.args) <= function.most:
        raise compiler.refusal(f"{node.func.id} 的参数应为 {function.fewest} 到 {function.most} 个")  # type: ignore[attr-defined]  # a Name: checked above
    arguments, call = compiler.each(node.args, depth), function.call
    return lambda variables: sized(call(*[argument(variables) for argument in arguments]))


_BUILDERS: dict[type[ast.expr], Callable[[_Compiler, Any, int], Evaluator]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Compare: _comparison,
    ast.BoolOp: _both,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.IfExp: _choice,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Dict: _dict,
    ast.Call: _call,
}
