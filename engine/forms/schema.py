"""Forms as they are written: JSON Schema 2020-12 with a `ui` object on the root and on every field.

Only the keywords below are accepted: one server check and two renderers have to mean the same by them. A form is its own
file: `$ref` is refused, so nothing is ever fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from referencing import Registry

from engine.errors import InvalidDiagram, Problem
from engine.forms.formats import FORMATS
from engine.forms.patterns import problem_of_pattern
from engine.language.expressions import InvalidExpression, compile_expression

MAX_FORM_BYTES = 200_000
MAX_FIELDS = 200
LONGEST_TEXT = 1_000  # characters, where the schema names no maxLength
LONGEST_LIST = 50
_DEEPEST = 12

PLAIN_KINDS = frozenset(
    {"text", "textarea", "select", "radio", "checkbox", "checkboxes", "date", "number", "phone", "email"}
)
FILE_KINDS = frozenset({"document-scan", "face-capture", "attachment"})
KINDS = PLAIN_KINDS | FILE_KINDS | {"consent", "person-by-document-number", "institution", "unit"}

_SCHEMA_PLACES = ("if", "then", "else", "not", "items")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
_KEYWORDS = frozenset(
    {
        *_SCHEMA_PLACES,
        *_SCHEMA_LISTS,
        *("type", "properties", "required", "additionalProperties", "dependentRequired", "enum", "const", "default"),
        *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minItems", "maxItems", "uniqueItems", "contains", "title", "description", "examples"),
        *("ui", "$schema", "$comment", "readOnly"),
    }
)


@dataclass(frozen=True, slots=True)
class Field:
    """kind: one of KINDS. ui: the field's `ui` object as written. schema: the field's JSON Schema as written."""

    name: str
    title: str
    kind: str
    ui: Mapping[str, Any]
    schema: Mapping[str, Any]

    @property
    def longest_text(self) -> int:
        """Characters of the longest text this field takes; a longer one is refused before any pattern sees it."""
        return longest_text(self.schema)

    @property
    def choices(self) -> Mapping[str, str]:
        """Value → label of what the field offers to choose from; empty for fields that are filled in freely."""
        inner = self.schema.get("items", self.schema)
        offered = inner.get("enum", ()) if isinstance(inner, Mapping) else ()
        labels = self.ui.get("labels", {})
        return {value: str(labels.get(value, value)) for value in offered if isinstance(value, str)}

    @property
    def consent_purpose(self) -> str:
        """What a consent field agrees to, "" for other kinds."""
        return str(self.ui.get("purpose", "")) if self.kind == "consent" else ""


@dataclass(frozen=True, slots=True)
class Form:
    """schema: as written, for renderers. shows: variables shown beside the form. prefill: field → expression."""

    schema: Mapping[str, Any]
    title: str
    fields: Mapping[str, Field]
    order: tuple[str, ...]
    shows: tuple[str, ...]
    prefill: Mapping[str, str]
    validator: Validator

    @property
    def consent_purposes(self) -> frozenset[str]:
        return frozenset(field.consent_purpose for field in self.fields.values()) - {""}


def load_form(content: bytes) -> Form:
    """Raises InvalidDiagram: every problem with the field it is about, codes `form.*`."""
    schema = _parsed(content)
    problems = list(_problems(schema))
    if problems:
        raise InvalidDiagram(problems)
    ui = schema.get("ui", {})
    fields = {name: _field(name, part) for name, part in schema["properties"].items()}
    order = tuple(ui.get("order", ()))
    closed = _closed(schema)
    return Form(
        schema=schema,
        title=str(ui.get("title") or schema.get("title") or ""),
        fields=fields,
        order=order + tuple(name for name in fields if name not in order),
        shows=tuple(ui.get("shows", ())),
        prefill=dict(ui.get("prefill", {})),
        validator=Draft202012Validator(closed, format_checker=_CHECKER, registry=Registry()),
    )


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_FORM_BYTES:
        raise _malformed(f"表单文件超过 {MAX_FORM_BYTES // 1000} kB")
    try:
        schema = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _malformed("表单不是有效的 JSON") from error
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        raise _malformed("表单应为 type 是 object、带 properties 的 JSON Schema")
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        where = "/".join(map(str, getattr(error, "absolute_path", ())))
        raise _malformed(f"不是有效的 JSON Schema 2020-12：{where or '根'}") from error
    return schema


def _malformed(message: str) -> InvalidDiagram:
    return InvalidDiagram([Problem("", "error", "form.malformed", message)])


def _error(element: str, code: str, message: str) -> Problem:
    return Problem(element, "error", code, message)


def _problems(schema: dict[str, Any]) -> Iterator[Problem]:
    properties: dict[str, Any] = schema["properties"]
    if len(properties) > MAX_FIELDS:
        yield _error("", "form.too_many_fields", f"表单最多 {MAX_FIELDS} 个字段")
    if schema.get("additionalProperties", False) is not False:
        yield _error("", "form.keyword", "additionalProperties 只能为 false：表单不收未列出的字段")
    for name, part in properties.items():
        if not name.isidentifier() or name.startswith("_"):
            yield _error(name, "form.field_name", f"字段名应为变量名：{name}")
        if not isinstance(part, dict):
            yield _error(name, "form.malformed", "字段应为对象")
            continue
        yield from _field_problems(name, part)
        yield from _keyword_problems(name, part, longest_text(part))
    # Conditions on the root may put a pattern on any field.
    longest = max((longest_text(part) for part in properties.values()), default=LONGEST_TEXT)
    yield from _keyword_problems("", {key: value for key, value in schema.items() if key != "properties"}, longest)
    yield from _ui_problems(schema.get("ui", {}), properties)


def _field_problems(name: str, part: dict[str, Any]) -> Iterator[Problem]:
    ui = part.get("ui", {})
    if not isinstance(ui, dict):
        yield _error(name, "form.ui", "ui 应为对象")
        return
    kind = _kind(part)
    if kind not in KINDS:
        yield _error(name, "form.kind", f"未知的字段种类：{kind}")
    if not {"type", "enum", "const"} & part.keys():
        yield _error(name, "form.field_type", "字段应写明 type")
    if kind in FILE_KINDS and not _holds_texts(part):
        yield _error(name, "form.field_type", "附件字段应为 string 或 string 的数组（附件编号）")
    if kind == "consent" and not (isinstance(ui.get("purpose"), str) and ui["purpose"]):
        yield _error(name, "form.consent_purpose", "同意字段应在 ui.purpose 写明同意的目的")


def _holds_texts(part: Mapping[str, Any]) -> bool:
    items = part.get("items")
    of_list = part.get("type") == "array" and isinstance(items, dict) and items.get("type") == "string"
    return of_list or part.get("type") == "string"


def _ui_problems(ui: Any, properties: Mapping[str, Any]) -> Iterator[Problem]:  # Any: unchecked JSON
    if not isinstance(ui, dict):
        yield _error("", "form.ui", "ui 应为对象")
        return
    order, shows, prefill = ui.get("order", []), ui.get("shows", []), ui.get("prefill", {})
    if not (_are_texts(order) and _are_texts(shows) and isinstance(prefill, dict) and _are_texts([*prefill.values()])):
        yield _error("", "form.ui", "ui.order、ui.shows 应为文本列表，ui.prefill 应为字段到表达式的对象")
        return
    for name in [*order, *prefill]:
        if name not in properties:
            yield _error(name, "form.ui", f"ui 提到了没有的字段：{name}")
    for name, text in prefill.items():
        try:
            compile_expression(text)
        except InvalidExpression as error:
            yield _error(name, "expression.invalid", f"预填表达式“{text[:80]}”无效：{error.reason}")


def _are_texts(values: Any) -> bool:  # Any: unchecked JSON
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def longest_text(part: Any) -> int:  # Any: unchecked JSON
    """The largest maxLength of a field's schema and of what is nested in it."""
    if not isinstance(part, dict):
        return LONGEST_TEXT
    nested = [part["items"]] if "items" in part else list(part.get("properties", {}).values())
    if nested:
        return max(map(longest_text, nested))
    return int(part.get("maxLength", LONGEST_TEXT))


def _keyword_problems(field: str, part: Any, longest: int, depth: int = 1) -> Iterator[Problem]:  # Any: unchecked JSON
    """Every (sub)schema of a field: known keywords, known formats, harmless patterns, bounded depth."""
    if not isinstance(part, dict):
        return
    if depth > _DEEPEST:
        yield _error(field, "form.malformed", "嵌套过深")
        return
    for keyword in part.keys() - _KEYWORDS:
        yield _error(field, "form.keyword", f"不支持的关键字：{keyword}")
    given = part.get("format")
    if given is not None and given not in FORMATS:
        yield _error(field, "form.format_name", f"未知的 format：{given}；可用：{'、'.join(sorted(FORMATS))}")
    if isinstance(part.get("pattern"), str):
        wrong = problem_of_pattern(part["pattern"], longest)
        if wrong:
            yield _error(field, "form.pattern_unsafe", wrong)
    for inner_field, inner in _subschemas(field, part):
        yield from _keyword_problems(inner_field, inner, longest, depth + 1)


def _subschemas(field: str, part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((field, part[place]) for place in (*_SCHEMA_PLACES, "contains") if place in part)
    yield from ((field, inner) for place in _SCHEMA_LISTS for inner in part.get(place, ()))
    yield from ((field or name, inner) for name, inner in part.get("properties", {}).items())


def _field(name: str, part: Mapping[str, Any]) -> Field:
    ui = part.get("ui", {})
    return Field(name, str(part.get("title") or ui.get("title") or name), _kind(part), ui, part)


def _kind(part: Mapping[str, Any]) -> str:
    """The `ui.kind`, or what the schema suggests."""
    ui = part.get("ui", {})
    if isinstance(ui, dict) and ui.get("kind"):
        return str(ui["kind"])
    if "enum" in part:
        return "select"
    by_type = {"boolean": "checkbox", "integer": "number", "number": "number", "array": "checkboxes"}
    return by_type.get(str(part.get("type")), "date" if part.get("format") == "date" else "text")


def _closed(part: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with what the server insists on: no further fields, capped texts and lists."""
    closed = dict(part)
    if "properties" in part:
        closed["properties"] = {name: _closed(inner) for name, inner in part["properties"].items()}
        closed["additionalProperties"] = False
    kinds = part.get("type")
    if kinds == "string" or (isinstance(kinds, list) and "string" in kinds):
        closed.setdefault("maxLength", LONGEST_TEXT)
    if kinds == "array":
        closed.setdefault("maxItems", LONGEST_LIST)
        closed["items"] = _closed(part.get("items", {"type": "string"}))
    return closed


_CHECKER = FormatChecker(formats=())
for _name, _fits in FORMATS.items():
    _CHECKER.checkers[_name] = (_fits, ())
