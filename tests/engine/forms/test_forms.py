"""Forms: what a form may be, and what a submission must be."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidDiagram, InvalidForm
from engine.forms.form import Form, load_form, prefilled_values, validate_values
from engine.forms.patterns import problem_of_pattern

INFORMATION = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "姓名", "minLength": 2, "maxLength": 30, "ui": {"kind": "text"}},
        "document_type": {"type": "string", "enum": ["resident_id", "passport"], "title": "证件类型"},
        "document_number": {"type": "string", "title": "证件编号", "pattern": "^[0-9A-Z]{5,18}$", "maxLength": 18},
        "phone": {"type": "string", "format": "mobile", "title": "手机"},
        "birth": {"type": "string", "format": "date", "title": "出生日期"},
        "copies": {"type": "integer", "minimum": 1, "maximum": 3, "title": "份数"},
        "reasons": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "title": "原因"},
        "pages": {"type": "array", "items": {"type": "string"}, "minItems": 2, "title": "照片", "ui": {"kind": "document-scan"}},
        "selfie": {"type": "string", "title": "自拍", "ui": {"kind": "face-capture"}},
        "agreed": {"const": True, "title": "同意", "ui": {"kind": "consent", "purpose": "compare_face"}},
        "address": {
            "type": "object",
            "title": "地址",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
    "required": ["name", "document_type"],
    "if": {"properties": {"document_type": {"const": "resident_id"}}, "required": ["document_type"]},
    "then": {"required": ["document_number"]},
    "ui": {
        "title": "信息填写",
        "order": ["document_type", "name"],
        "shows": ["attempts"],
        "prefill": {"name": "reading.fields.name", "phone": "phone + 1"},
    },
}  # fmt: skip
GOOD = {"name": "张三", "document_type": "passport"}


def a_form(schema: object = None) -> Form:
    return load_form(json.dumps(INFORMATION if schema is None else schema).encode())


def with_field(**field: object) -> bytes:
    return json.dumps({"type": "object", "properties": {"field": {"type": "string", **field}}}).encode()


def problems_of(values: object, known: frozenset[str] = frozenset({"front", "back"})) -> dict[str, str]:
    with pytest.raises(InvalidForm) as refusal:
        validate_values(a_form(), values, known.__contains__)
    assert all(problem.message for problem in refusal.value.problems)
    return {problem.element: problem.code for problem in refusal.value.problems}


def test_a_form_says_what_a_renderer_needs():
    form = a_form()

    assert form.title == "信息填写"
    assert form.order[:3] == ("document_type", "name", "document_number")
    assert form.shows == ("attempts",)
    assert form.fields["document_type"].kind == "select"
    assert form.fields["pages"].kind == "document-scan"
    assert form.consent_purposes == {"compare_face"}


def test_texts_are_trimmed_and_normalised_and_empty_fields_left_out():
    decomposed = "Zoe\u0308 \u3000"

    values = validate_values(a_form(), {**GOOD, "name": decomposed, "phone": "  ", "birth": None}, lambda _: False)

    assert values == {"name": "Zoë", "document_type": "passport"}


def test_the_right_values_of_every_kind_are_kept():
    values = GOOD | {
        "phone": "13912345678", "birth": "2000-02-29", "copies": 2, "reasons": ["a", "c"], "pages": ["front", "back"],
        "selfie": "front", "agreed": True, "address": {"city": "武汉"},
    }  # fmt: skip

    assert validate_values(a_form(), values, {"front", "back"}.__contains__) == values


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"name": ""}, {"name": "form.required"}),
        ({"name": "张"}, {"name": "form.too_short"}),
        ({"name": "张" * 31}, {"name": "form.too_long"}),
        ({"name": "张" * 1_000_000}, {"name": "form.too_long"}),
        ({"name": "a\x00b"}, {"name": "form.characters"}),
        ({"name": "a\ud800b"}, {"name": "form.characters"}),
        ({"name": 5}, {"name": "form.type"}),
        ({"document_type": "visa"}, {"document_type": "form.choice"}),
        ({"document_type": "resident_id"}, {"document_number": "form.required"}),
        ({"document_number": "12-34-56"}, {"document_number": "form.pattern"}),
        ({"phone": "12345678901"}, {"phone": "form.format"}),
        ({"birth": "2026-02-30"}, {"birth": "form.format"}),
        ({"birth": "20260228"}, {"birth": "form.format"}),
        ({"copies": 4}, {"copies": "form.range"}),
        ({"copies": "2"}, {"copies": "form.type"}),
        ({"copies": True}, {"copies": "form.type"}),
        ({"copies": 10**30}, {"copies": "form.range"}),
        ({"copies": float("nan")}, {"copies": "form.range"}),
        ({"reasons": ["a", "a"]}, {"reasons": "form.items"}),
        ({"reasons": ["z"]}, {"reasons": "form.choice"}),
        ({"pages": ["front"]}, {"pages": "form.items"}),
        ({"pages": ["front", "someone else's"]}, {"pages": "form.attachment"}),
        ({"selfie": "someone else's"}, {"selfie": "form.attachment"}),
        ({"agreed": False}, {"agreed": "form.choice"}),
        ({"address": {}}, {"address": "form.required"}),
        ({"address": {"city": "武汉", "street": "1"}}, {"address": "form.unknown_field"}),
        ({"is_admin": True}, {"is_admin": "form.unknown_field"}),
        ({"__class__": 1}, {"__class__": "form.unknown_field"}),
        (
            {"name": "", "copies": 9, "zz": 1},
            {"name": "form.required", "copies": "form.range", "zz": "form.unknown_field"},
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_does_not_fit_is_said_field_by_field(change, problems):
    assert problems_of({**GOOD, **change}) == problems


@pytest.mark.parametrize("values", [None, [], "x", 5])
def test_values_that_are_no_object_are_refused(values):
    assert problems_of(values) == {"": "form.type"}


def test_a_message_names_the_field_in_chinese_and_not_the_value():
    with pytest.raises(InvalidForm) as refusal:
        validate_values(a_form(), {**GOOD, "document_number": "11-22-33"}, lambda _: False)

    message = refusal.value.problems[0].message
    assert message == "证件编号的格式不正确。"


def test_deep_values_are_refused_without_a_crash():
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]

    assert problems_of({**GOOD, "reasons": deep}) == {"reasons": "form.type"}


def test_a_form_is_prefilled_with_what_can_be_evaluated():
    variables = {"reading": {"fields": {"name": "张三"}}, "phone": "139"}

    assert prefilled_values(a_form(), variables) == {"name": "张三"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "form.malformed"),
        (b"\xff\xfe", "form.malformed"),
        (b"[]", "form.malformed"),
        (b'{"type": "object"}', "form.malformed"),
        (b"[" * 100_000, "form.malformed"),
        (b'{"type":"object","properties":' + b'{"a":{"properties":' * 3_000, "form.malformed"),
        (b'{"type": "object", "properties": {"a": true}}', "form.malformed"),
        (b'{"type": "object", "properties": {"a": {"type": "strng"}}}', "form.malformed"),
        (b'{"type": "object", "properties": {}, "additionalProperties": true}', "form.keyword"),
        (with_field(**{"$ref": "http://example.org/schema.json"}), "form.keyword"),
        (with_field(maxLenght=5), "form.keyword"),
        (with_field(format="uri"), "form.format_name"),
        (with_field(pattern="(a+)+$"), "form.pattern_unsafe"),
        (with_field(pattern="["), "form.malformed"),
        (with_field(ui={"kind": "hologram"}), "form.kind"),
        (with_field(ui=5), "form.ui"),
        (with_field(ui={"kind": "consent"}), "form.consent_purpose"),
        (b'{"type": "object", "properties": {"a": {"type": "integer", "ui": {"kind": "attachment"}}}}', "form.field_type"),
        (b'{"type": "object", "properties": {"a": {"title": "x"}}}', "form.field_type"),
        (b'{"type": "object", "properties": {"a b": {"type": "string"}}}', "form.field_name"),
        (b'{"type": "object", "properties": {"_a": {"type": "string"}}}', "form.field_name"),
        (b'{"type": "object", "properties": {}, "ui": {"order": ["b"]}}', "form.ui"),
        (b'{"type": "object", "properties": {"a": {"type": "string"}}, "ui": {"prefill": {"a": "__import__(1)"}}}',
         "expression.invalid"),
        (json.dumps({"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(201)}}).encode(),
         "form.too_many_fields"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_malformed_form_is_refused(content, code):
    with pytest.raises(InvalidDiagram) as refusal:
        load_form(content)

    assert code in [problem.code for problem in refusal.value.problems]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[\u4e00-\u9fff·]{2,30}$", r"^(\d{17}[\dXx]|\d{15})$", r"^1[3-9]\d{9}$",
        r"^[HM]\d{8}(\d{2})?$", r"(\d{3}-){2}\d", r"^\S+$",
    ],
)  # fmt: skip
def test_patterns_that_forms_need_are_accepted(pattern):
    assert problem_of_pattern(pattern, 200) is None


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a|aa)*$",
        r"(a?){50}a{50}",
        r"\d*\d*\d*\d*x",
        r"(x)\1",
        r"^(?=a)b",
        r"(.*)*",
        r"a*b*c*d*",
        "a" * 201,
    ],
)
def test_patterns_that_could_hang_the_server_are_refused(pattern):
    assert problem_of_pattern(pattern, 200) is not None


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab.*+?{}()|[]^$\\d19,", max_size=16))
def test_an_accepted_pattern_is_quick_on_its_longest_text(pattern):
    if problem_of_pattern(pattern, 60) is not None:
        return
    form = load_form(with_field(pattern=pattern, maxLength=60))
    started = time.perf_counter()

    for text in ("a" * 59 + "!", "ab" * 29 + "!", "1" * 60):
        try:
            validate_values(form, {"field": text}, lambda _: False)
        except InvalidForm as refusal:
            assert [problem.code for problem in refusal.problems] == ["form.pattern"]  # noqa: PT017

    assert time.perf_counter() - started < 1.0


_KEYS = st.sampled_from([*INFORMATION["properties"], "zz"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_any_submission_is_kept_or_refused_by_field(values):
    try:
        kept = validate_values(a_form(), values, lambda _: True)
    except InvalidForm:
        return
    assert kept.keys() <= INFORMATION["properties"].keys()
