"""Decision tables: cells, hit policies, evidence, and what the check finds in them."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checks.check import check_dmn
from engine.errors import InvalidDiagram
from engine.language.decisions import Decision, DecisionFailed, DecisionTable, read_decisions
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.language.unary_tests import compile_cell
from tests.engine.tables import a_table


def read(*args, **kwargs) -> DecisionTable:
    return read_decisions(a_table(*args, **kwargs))["decide"]


def codes(dmn: bytes) -> list[str]:
    return [problem.code for problem in check_dmn(dmn)]


@pytest.mark.parametrize(
    ("cell", "value", "fits"),
    [
        ("-", None, True),
        ("", 5, True),
        (">= 3", 3, True),
        (">= 3", None, False),
        ("< limit", 6, True),
        ("!= 'x'", "y", True),
        ("= 3", 3, True),
        ("[1..5]", 5, True),
        ("[1..5[", 5, False),
        ("]1..5]", 1, False),
        ("(1..5)", 3, True),
        ("[-5..-1]", -3, True),
        ("[0.5..limit]", 6.9, True),
        ('["2026-01-01".."2026-12-31"]', "2026-05-01", True),
        ('"a", "b"', "b", True),
        ('"a,b"', "a,b", True),
        ('"a,b"', "a", False),
        ('"[1..5]"', "[1..5]", True),
        ("[1..5], 9, > 100", 9, True),
        ("[1..5], 9, > 100", 50, False),
        ('not("a")', "b", True),
        ('not("a", "b")', "b", False),
        ('not("a")', None, True),
        ("not([1..5], 7)", 6, True),
        ("not(limit > 5) or true", True, True),
        ("true", True, True),
        ("true", 1, False),
        ("null", None, True),
        ("limit", 7, True),
        ('["a", "b"]', "a", True),
        ('contains(?, "x")', "axb", True),
        ("? > 3 and ? < limit", 7, False),
        ('"?"', "?", True),
        ("len(?) == 2, null", ["a", "b"], True),
    ],
)
def test_a_cell_fits_what_the_page_says(cell, value, fits):
    assert compile_cell(cell).matches(value, {"limit": 7}) is fits


@pytest.mark.parametrize("cell", ["__import__('os')", "a,,b", ",", "[1..]", ">", "not()", "? +", "x.__class__"])
def test_a_cell_outside_the_language_is_refused(cell):
    with pytest.raises(InvalidExpression):
        compile_cell(cell)


def test_the_order_of_a_text_and_a_number_fails():
    with pytest.raises(ExpressionFailed):
        compile_cell(">= 3").matches("three", {})


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="\"'[](){}<>=!?-., 1ax\\not", max_size=14), st.sampled_from([None, 1, "a", True, [1], {"a": 1}])
)
def test_any_cell_is_refused_or_decides_or_fails(text, value):
    try:
        cell = compile_cell(text)
    except InvalidExpression:
        return
    with contextlib.suppress(ExpressionFailed):
        assert cell.matches(value, {"a": 1}) in (True, False)


FIRST = [[">= 0.9", '"pass"'], [">= 0.5", '"review"'], ["-", '"again"']]


@pytest.mark.parametrize(
    ("score", "decision", "rule"), [(0.95, "pass", "r1"), (0.6, "review", "r2"), (None, "again", "r3")]
)
def test_first_takes_the_first_rule_that_fits_and_says_which(score, decision, rule):
    table = read(FIRST, hit_policy="FIRST")

    assert table.decide({"score": score}) == Decision({"decision": decision}, (rule,))


def test_unique_gives_the_one_rule_that_fits():
    table = read([["< 0.5", '"low"', "score + 1"], [">= 0.5", '"high"', "0"]], outputs=("band", "n"))

    assert table.decide({"score": 0.25}) == Decision({"band": "low", "n": 1.25}, ("r1",))


def test_unique_refuses_an_overlap_and_names_both_rules():
    table = read([["> 1", '"a"'], ["> 2", '"b"']])

    with pytest.raises(DecisionFailed) as failure:
        table.decide({"score": 3})

    assert (failure.value.code, failure.value.facts["rules"]) == ("decision.overlap", ("r1", "r2"))


def test_collect_gives_lists_in_table_order():
    table = read(
        [['"cut"', '"请露出四角"', "1"], ['"blur"', '"请拿稳"', "2"], ["-", '"请重拍"', "3"]],
        inputs=("warning",),
        outputs=("advice", "n"),
        hit_policy="COLLECT",
    )

    decision = table.decide({"warning": "blur"})

    assert decision == Decision({"advice": ["请拿稳", "请重拍"], "n": [2, 3]}, ("r2", "r3"))


@pytest.mark.parametrize("hit_policy", ["FIRST", "UNIQUE", "COLLECT"])
def test_no_rule_that_fits_is_a_failure_never_an_empty_answer(hit_policy):
    table = read([["> 5", '"a"']], hit_policy=hit_policy)

    with pytest.raises(DecisionFailed) as failure:
        table.decide({})

    assert failure.value.code == "decision.no_match"


def test_a_cell_that_cannot_be_evaluated_fails_with_its_text_and_without_the_value():
    table = read([["> 5", '"a"']])

    with pytest.raises(DecisionFailed) as failure:
        table.decide({"score": "11010519491231002X"})

    assert failure.value.code == "expression.failed"
    assert failure.value.facts["expression"] == "> 5"
    assert "1949" not in str(failure.value)


def test_the_variables_a_table_reads_are_known():
    table = read([["< limit", "x.y"], [">= limit and true", '"b"']], inputs=("reading.score",))

    assert table.names == {"reading", "limit", "x"}


@pytest.mark.parametrize(
    ("dmn", "code"),
    [
        (b"not xml", "xml.malformed"),
        (b"", "xml.malformed"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "xml.doctype"),
        (b"<definitions/>", "decision.not_dmn"),
        (a_table([["__import__('os')", "1"]]), "expression.invalid"),
        (a_table([["1", "open('x')"]]), "expression.invalid"),
        (a_table([["1", "1"]], inputs=("eval('1')",)), "expression.invalid"),
        (a_table([["1", "1"]], hit_policy="PRIORITY"), "decision.hit_policy"),
        (a_table([["1", "1"]], outputs=("a b",)), "decision.output_name"),
        (a_table([["1", "1", "2"]], outputs=("a", "a")), "decision.output_name"),
        (a_table([["1"]]), "decision.rules"),
        (a_table([]), "decision.rules"),
        (a_table([["1", "1"]], decision=""), "decision.id"),
        (
            a_table(
                [["1", "1"]], more='<informationRequirement><requiredDecision href="#b"/></informationRequirement>'
            ),
            "decision.unsupported",
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(dmn, code):
    with pytest.raises(InvalidDiagram) as refusal:
        read_decisions(dmn)

    assert code in [problem.code for problem in refusal.value.problems]


@pytest.mark.parametrize(
    ("rules", "options", "overlap"),
    [
        ([["> 1", "1"], ["> 2", "2"]], {}, True),
        ([["<= 2", "1"], ["> 2", "2"]], {}, False),
        ([["<= 2", "1"], [">= 2", "2"]], {}, True),
        ([["< 3", "1"], ["> 2", "2"]], {}, True),
        ([["< 3", "1"], ["> 2", "2"]], {"type_ref": "integer"}, False),
        ([["[1..5[", "1"], ["[5..9]", "2"], ["< 1, > 9", "3"]], {}, False),
        ([['"a", "b"', "1"], ['"b", "c"', "2"]], {}, True),
        ([['"a"', "1"], ['not("a")', "2"]], {}, False),
        ([['not("a")', "1"], ['not("b")', "2"]], {}, True),
        ([["true", "1"], ["false", "2"]], {"type_ref": "boolean"}, False),
        ([["-", "1"], ["7", "2"]], {}, True),
        ([["> limit", "1"], ["> 2", "2"]], {}, False),  # only the run can tell
        ([["> 1", "1"], ["> 2", "2"]], {"hit_policy": "FIRST"}, False),
    ],
)
def test_the_check_finds_overlaps_of_a_unique_table(rules, options, overlap):
    found = codes(a_table(rules, **options))

    assert ("decision.overlap" in found) is overlap


def test_rules_that_differ_in_one_column_do_not_overlap():
    rules = [['"id"', "> 1", "1"], ['"passport"', "> 1", "2"]]

    assert "decision.overlap" not in codes(a_table(rules, inputs=("kind", "n")))


def test_two_columns_over_one_variable_give_only_a_warning():
    found = codes(a_table([["> 1", "-", "1"], ["-", "false", "2"]], inputs=("n", "n > 1")))

    assert "decision.may_overlap" in found
    assert "decision.overlap" not in found


def test_the_check_shows_an_input_that_no_rule_fits():
    problems = check_dmn(a_table([['"id"', "< 3", "1"], ['"passport"', "-", "2"]], inputs=("kind", "n")))

    gap = next(problem for problem in problems if problem.code == "decision.gap")

    assert gap.severity == "warning"
    assert "kind" in gap.message


def test_a_complete_table_has_no_gap():
    assert codes(a_table([["< 3", "1"], [">= 3", "2"]])) == []


_NUMBER_CELLS = st.sampled_from(["-", "< 2", "<= 2", "2", "> 2", ">= 3", "[1..3]", "]1..3[", "not(2)", "1, 4"])
_OTHER_CELLS = st.sampled_from(["-", "true", '"a"', '"a", "b"', "null", 'not("b")', "not(true)"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_NUMBER_CELLS, _OTHER_CELLS), min_size=1, max_size=5))
def test_what_the_check_says_of_overlaps_holds_at_run_time(cells):
    dmn = a_table([[*row, "1"] for row in cells], inputs=("a", "b"))
    table = read_decisions(dmn)["decide"]

    overlaps = False
    for a in (None, 0, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5):
        for b in (None, True, False, "a", "b", "c", 5):
            try:
                table.decide({"a": a, "b": b})
            except DecisionFailed as failure:
                overlaps |= failure.code == "decision.overlap"

    assert ("decision.overlap" in codes(dmn)) is overlaps


def test_a_value_that_some_cell_of_the_column_cannot_take_is_no_witness():
    dmn = a_table([["< 2", "1"], ["true", "2"], ["true", "3"]])

    assert "decision.overlap" not in codes(dmn)
