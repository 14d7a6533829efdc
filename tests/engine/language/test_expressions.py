"""The closed language: what it means, what it refuses, and that nothing gets out of it."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language.expressions import MAX_SOURCE, ExpressionFailed, InvalidExpression, compile_expression
from engine.language.functions import FUNCTIONS
from engine.language.values import MAX_INTEGER

DOCS = Path(__file__).parents[3] / "docs" / "expressions.md"

VARIABLES = {
    "name": "张三",
    "attempt": 2,
    "score": 0.93,
    "ok": True,
    "empty": None,
    "reading": {"fields": {"id_number": "11010519491231002X"}, "warnings": ["blurred", "cut"]},
    "birth": "1949-12-31",
}

HOSTILE = [
    "__import__('os').system('id')",
    "().__class__.__bases__[0].__subclasses__()",
    "name.__class__",
    "name._private",
    "_hidden",
    "[x for x in (1, 2)]",
    "{x for x in name}",
    "{x: x for x in name}",
    "sum(x for x in name)",
    "(lambda: 1)()",
    "(y := 5)",
    "f'{name}'",
    "f'{name.__class__}'",
    "'{0.__class__}'.format(name)",
    "name.upper()",
    "getattr(name, 'upper')",
    "eval('1')",
    "exec('import os')",
    "open('/etc/passwd')",
    "globals()",
    "vars()",
    "type(name)",
    "print(1)",
    "max(*reading)",
    "merge(**reading)",
    "default(value=1, other=2)",
    "{**reading}",
    "[*reading]",
    "9 ** 9 ** 9",
    "1 << 100000",
    "1 @ 2",
    "~attempt",
    "{1, 2}",
    "b'bytes'",
    "1j",
    "...",
    "await name",
    "yield name",
    "import os",
    "name = 5",
    "name; attempt",
    "lower.__globals__",
    "reading['fields'].__init__",
    "len.__self__",
    "attempt is 2",
    "name[::2]",
    "9" * 400,
    "1e999",
    "(" * 300 + "1" + ")" * 300,
    "not " * 400 + "ok",
    "-" * 1500 + "1",
    "a." * 300 + "b",
    "\x00",
    "",
    "name.\u2028x",
    "x" * (MAX_SOURCE + 1),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:30])
def test_hostile_text_is_refused_with_a_chinese_reason(text):
    with pytest.raises(InvalidExpression) as refusal:
        compile_expression(text)

    assert re.search(r"[\u4e00-\u9fff]", refusal.value.reason)


def test_a_name_of_the_program_is_only_a_variable_that_is_not_there():
    assert compile_expression("FUNCTIONS").evaluate({}) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("attempt >= 3", False),
        ("attempt < 3", True),
        ("1 < attempt < 3", True),
        ("1 < attempt < 2", False),
        ("missing", None),
        ("missing < 3", False),
        ("missing >= 3", False),
        ("not (missing < 3)", True),
        ("missing == None", True),
        ("missing is None", True),
        ("name is not None", True),
        ("missing.deeper.still", None),
        ("reading.fields.id_number", "11010519491231002X"),
        ("reading.fields.address", None),
        ("reading['warnings'][0]", "blurred"),
        ("reading.warnings[7]", None),
        ("reading.fields.id_number[6:14]", "19491231"),
        ("'cut' in reading.warnings", True),
        ("'glare' not in reading.warnings", True),
        ("'x' in missing", False),
        ("missing in '文本'", False),
        ("'张' in name", True),
        ("'fields' in reading", True),
        ("ok and name", "张三"),
        ("empty or 'y'", "y"),
        ("'a' if ok else 'b'", "a"),
        ("true and not false and null is None", True),
        ("ok == 1", False),
        ("ok == true", True),
        ("1 == 1.0", True),
        ("[1, True] == [1, 1]", False),
        ("{'a': [1]} == {'a': [1.0]}", True),
        ("(1, 2)", [1, 2]),
        ("{'a': attempt}", {"a": 2}),
        ("7 // 2 + 7 % 2 - -1", 5),
        ("1 / 4", 0.25),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("len(name) + len(missing)", 2),
        ("min([3, 1, 2]) + max(1, 5)", 6),
        ("min([])", None),
        ("sum([1, 2.5])", 3.5),
        ("round(2.5)", 3),
        ("round(0.125, 2)", 0.13),
        ("abs(-3)", 3),
        ("any([0, 1]) and all([])", True),
        ("str(True) + str(None) + str(5)", "true5"),
        ("int('42') + int(2.9)", 44),
        ("int(missing)", None),
        ("number('12.50')", 12.5),
        ("number('abc')", None),
        ("upper(lower('Ab'))", "AB"),
        ("strip('　 x ')", "x"),
        ("contains(name, '三')", True),
        ("contains(missing, '三')", False),
        ("starts_with(birth, '1949') and not ends_with(birth, '30')", True),
        ("replace('1-2-3', '-', '')", "123"),
        ("split('a,b', ',')", ["a", "b"]),
        ("join(['a', 1], '/')", "a/1"),
        ("concat('a', 1, None)", "a1"),
        ("concat([1], [2, 3])", [1, 2, 3]),
        ("merge({'a': 1}, missing, {'a': 2, 'b': 3})", {"a": 2, "b": 3}),
        ("keys({'a': 1})", ["a"]),
        ("unique([1, 1.0, True, 'x', 'x'])", [1, True, "x"]),
        ("count(['a', 'b', 'a'], 'a')", 2),
        ("default(missing, 5)", 5),
        ("default(false, 5)", False),
        ("is_date('2026-02-30')", False),
        ("is_date(birth)", True),
        ("date('2026-09-30T20:00:00Z')", "2026-10-01"),
        ("year(birth) * 10000 + month(birth) * 100 + day(birth)", 19491231),
        ("add_days('2026-02-28', 1)", "2026-03-01"),
        ("add_months('2024-02-29', 12)", "2025-02-28"),
        ("add_months('2026-01-31', -2)", "2025-11-30"),
        ("days_between('2026-01-01', '2026-03-01')", 59),
        ("days_between(missing, '2026-03-01')", None),
        ("years_between('2008-02-29', '2026-02-28')", 17),
        ("duration(3, 'days')", "P3D"),
        ("working_days(3)", "working_days(3)"),
        ("attempt > 1 and\n  attempt < 5", True),
    ],
)
def test_an_expression_means_what_the_page_says(text, value):
    result = compile_expression(text).evaluate(VARIABLES)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "name < 3",
        "attempt + name",
        "missing + 1",
        "name * 1000000",
        "[1] * 1000000",
        "'%1000000d' % 5",
        "1 / 0",
        "1 % 0",
        "ok < 2",
        "name.key",
        "attempt[0]",
        "sum(['a'])",
        "sum([1, None])",
        "min(['a', 1])",
        "int('12a')",
        "int('９' * 5)",
        "str(reading)",
        "'x' in 5",
        "date('30.2.2026')",
        "date('2026-02-30')",
        "date('2026-09-30T20:00:00')",
        "duration(-1, 'days')",
        "duration(1, 'moons')",
        "working_days(1001)",
        "working_days(1.5)",
        "add_days('9999-12-31', 1)",
        f"{MAX_INTEGER} + 1",
        "replace(name, '', 'x')",
    ],
)
def test_what_cannot_be_evaluated_fails_with_a_chinese_reason_and_no_value(text):
    with pytest.raises(ExpressionFailed) as failure:
        compile_expression(text).evaluate(VARIABLES)

    assert re.search(r"[\u4e00-\u9fff]", failure.value.reason)
    assert "张三" not in str(failure.value)


def test_sizes_are_capped():
    long = {"t": "x" * 60_000, "l": list(range(6_000)), "n": MAX_INTEGER}

    for text in ("t + t", "l + l", "n * n", "join([t, t])", "replace(t, 'x', 'yy')", "concat(l, l)", "concat(t, t)"):
        with pytest.raises(ExpressionFailed):
            compile_expression(text).evaluate(long)


def test_data_nested_deeper_than_the_stack_is_a_failure_not_a_crash():
    deep: list = []
    other: list = []
    for _ in range(100_000):
        deep, other = [deep], [other]

    with pytest.raises(ExpressionFailed):
        compile_expression("a == b").evaluate({"a": deep, "b": other})


def test_the_names_an_expression_reads_are_known():
    expression = compile_expression("len(reading.warnings) > settings['limit'] and true and max(a, 1) > max")

    assert expression.names == {"reading", "settings", "a", "max"}


def test_the_page_names_every_function_and_no_other():
    page = DOCS.read_text(encoding="utf-8").split("## Functions")[1].split("## Timer texts")[0]

    named = set(re.findall(r"^\| `(\w+)\([^|]*\| [^|]* \| [^|]*\|$", page, re.MULTILINE))

    assert named == set(FUNCTIONS)


_WORDS = """name attempt score ok empty reading birth __class__ _x lambda for in if else not and or is None True
( ) [ ] { } . , : := + - * / // % ** < <= == != >= > = ? ! @ ~ & | ^ ; \\ ' " f' 0 1 2.5 1e3 'a' '张'
len( min( str( date( split( replace( unique( merge( working_days( x.y [0] ['k'] [1:2] __import__ eval("""
_TOKENS = st.sampled_from(_WORDS.split())
_AUDIT: list[str] = []
_is_watching = False


def _watch(event: str, _: object) -> None:
    if _is_watching and event.split(".", maxsplit=1)[0] in {
        "open",
        "exec",
        "compile",
        "import",
        "os",
        "subprocess",
        "socket",
    }:
        _AUDIT.append(event)


sys.addaudithook(_watch)


@settings(max_examples=400, deadline=None)
@given(st.lists(_TOKENS, min_size=1, max_size=14).map(" ".join) | st.text(max_size=60))
def test_any_text_is_refused_or_evaluates_to_json_or_fails_and_touches_nothing(text):
    global _is_watching
    try:
        expression = compile_expression(text)
    except InvalidExpression:
        return

    _is_watching = True
    try:
        value = expression.evaluate(VARIABLES)
    except ExpressionFailed:
        return
    finally:
        _is_watching = False

    assert _is_json(value)
    assert _AUDIT == []


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str)


_NUMBERS = st.integers(-50, 50).map(str) | st.sampled_from(["attempt", "2.5", "0"])
_TREES = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">"]), inner, inner, inner).map(
            lambda t: f"({t[3]} if {t[0]} {t[1]} {t[2]} else {t[4]})"
        ),
        inner.map(lambda t: f"(-{t})"),
        inner.map(lambda t: f"abs({t})"),
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_TREES)
def test_arithmetic_agrees_with_python(text):
    try:
        expected = eval(text, {"abs": abs}, {"attempt": 2})  # the test's own text, over numbers only
    except ZeroDivisionError:
        with pytest.raises(ExpressionFailed):
            compile_expression(text).evaluate(VARIABLES)
        return

    assert compile_expression(text).evaluate(VARIABLES) == expected
