"""Whatever comes in, the check answers: real diagrams of other tools, cut and damaged ones, and plain rubbish."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.checks.check import CODES, check_bpmn, check_dmn, check_files, check_flow
from engine.errors import Problem
from tests.engine.checking import a_folder
from tests.engine.diagrams import Diagram

ROOT = Path(__file__).parents[3]
MIWG = sorted((ROOT / "tests" / "models" / "miwg").glob("*.bpmn"))


def assert_answers(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        assert CODES[problem.code][0] == problem.severity
        assert re.search(r"[\u4e00-\u9fff]", problem.message)


@pytest.mark.parametrize("path", MIWG, ids=lambda path: path.stem)
def test_diagrams_of_other_tools_get_an_answer(path):
    checked = check_flow(path)

    assert_answers(checked.problems)
    assert checked.deployable is (path.stem == "activiti-A.1.0")  # three user tasks in a row: nothing else in it


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "xml.malformed"),
        (b"\x00\x01\x02", "xml.malformed"),
        ("你好".encode("utf-16"), "xml.malformed"),
        (b"<a>", "xml.malformed"),
        (b"<a/>", "xml.not_bpmn"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "xml.malformed"),
        (b"<" + b"a" * 5_000_001, "xml.too_large"),
        (b'<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', "xml.doctype"),
        (b'<!doctype d SYSTEM "file:///etc/passwd"><d/>', "xml.doctype"),
        ('<!DOCTYPE d [<!ENTITY a "b">]><d/>'.encode("utf-16"), "xml.doctype"),
        (b"<a>&undefined;</a>", "xml.malformed"),
        (b"<a>" * 100_000, "xml.malformed"),
        (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>', "process.none"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_diagram_is_said(content, code):
    assert code in [problem.code for problem in check_bpmn(content)]


def test_a_path_that_is_not_there_is_said(tmp_path):
    assert [problem.code for problem in check_flow(tmp_path / "nothing.bpmn").problems] == ["file.unreadable"]


def test_a_folder_without_flow_toml_still_has_its_diagram_checked(tmp_path):
    (tmp_path / "process.bpmn").write_bytes(b"<a/>")

    codes = [problem.code for problem in check_flow(tmp_path).problems]

    assert codes == ["flow.no_config", "xml.not_bpmn"]


def test_a_subprocess_with_the_id_of_its_process_does_not_go_round_in_circles():
    d = Diagram("same")
    d.start("begin")
    inside = d.subprocess("same")
    inside.start("inner")
    d.flow("begin", "same")

    assert ("same", "xml.duplicate_id") in {(p.element, p.code) for p in check_bpmn(d.xml())}


def test_a_long_diagram_is_checked_without_recursion():
    d = Diagram()
    d.start("begin")
    for number in range(900):
        d.user(f"task{number}")
    d.end("done")
    d.flow("begin", *(f"task{number}" for number in range(900)), "done")

    assert_answers(check_bpmn(d.xml()))


_SOURCES = [path.read_bytes() for path in MIWG if path.stat().st_size < 60_000]
_SOURCES.append((ROOT / "bpmn" / "real_name" / "process.bpmn").read_bytes())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_SOURCES), st.data())
def test_a_cut_or_damaged_diagram_gets_an_answer(source, data):
    content = bytearray(source[: data.draw(st.integers(0, len(source)))] if data.draw(st.booleans()) else source)
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=6))

    assert_answers(check_bpmn(bytes(content)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_SOURCES), st.data())
def test_a_diagram_with_its_parts_renamed_or_dropped_gets_an_answer(source, data):
    """Well-formed all the same: what a cut file never reaches."""
    text = source.decode()
    words = sorted(set(re.findall(r'"([^"\s]{2,40})"', text)))
    lines = text.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 5))):
        one, other = data.draw(st.sampled_from(words)), data.draw(st.sampled_from([*words, "", "a b", "__x"]))
        text = text.replace(f'"{one}"', f'"{other}"', data.draw(st.integers(1, 4)))
    selfclosed = [line for line in lines if line.strip().endswith("/>")]
    for line in data.draw(st.lists(st.sampled_from(selfclosed), max_size=4)) if selfclosed else []:
        text = text.replace(line, "", 1)

    assert_answers(check_bpmn(text.encode()))


_TAGS = st.sampled_from(
    [
        *("userTask", "serviceTask", "businessRuleTask", "scriptTask", "exclusiveGateway", "parallelGateway"),
        *("eventBasedGateway", "startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "callActivity"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_tangle_of_elements_gets_an_answer(data):
    d = Diagram()
    scopes = [d, d.subprocess("inside"), d.event_subprocess("handler", "handled", d.message("m"))]
    names = [f"n{number}" for number in range(data.draw(st.integers(1, 9)))]
    for name in names:
        scope, tag = data.draw(st.sampled_from(scopes)), data.draw(_TAGS)
        event = data.draw(st.sampled_from(["", d.timer("P1D"), d.error("x"), d.message("m")])) if "Event" in tag else ""
        host = f' attachedToRef="{data.draw(st.sampled_from(names))}"' if tag == "boundaryEvent" else ""
        scope.raw(f'<bpmn:{tag} id="{name}"{host}>{event}</bpmn:{tag}>')
    ends = st.sampled_from([*names, "inside", "handler", "handled", "nowhere"])
    for _ in range(data.draw(st.integers(0, 14))):
        condition = data.draw(st.sampled_from(["", "x == 1", "x.__y"]))
        data.draw(st.sampled_from(scopes)).flow(data.draw(ends), data.draw(ends), when=condition)

    assert_answers(check_bpmn(d.xml()))
    assert_answers(check_files(a_folder(d)))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["flow.toml", "process.bpmn", "a.dmn", "forms/fill.json"]), st.binary(max_size=60))
)
def test_any_files_get_an_answer(files):
    d = Diagram()
    d.start("begin")
    d.end("done")
    d.flow("begin", "done")

    assert_answers(check_files({**a_folder(d), **files}))
    for content in files.values():
        assert_answers(check_dmn(content))


def test_the_page_of_codes_is_the_table_of_the_program():
    page = (ROOT / "docs" / "check-codes.md").read_text(encoding="utf-8")

    rows = re.findall(r"^\| `([a-z_.]+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)

    assert {code: (severity, meaning) for code, severity, meaning in rows} == CODES
    assert len(rows) == len(CODES)


def test_every_code_in_the_source_is_in_the_table_and_the_other_way_round():
    modules = sorted((ROOT / "engine").rglob("*.py"))
    table = ROOT / "engine" / "flow" / "codes.py"
    checking = [path for path in modules if path != table]
    text = "".join(path.read_text(encoding="utf-8") for path in checking)

    given_codes = set(re.findall(r'found\(\s*[^"\n]*?"([a-z_]+\.[a-z_]+)"', text))

    assert given_codes <= CODES.keys()
    assert {code for code in CODES if f'"{code}"' not in text} == set()
