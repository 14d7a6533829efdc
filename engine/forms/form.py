"""Submitted values against a form: normalised, checked, every problem by field and in Chinese."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from engine.errors import InvalidForm, Problem
from engine.forms.schema import FILE_KINDS, KINDS, Field, Form, load_form
from engine.language.expressions import ExpressionFailed, compile_expression

__all__ = ["KINDS", "Field", "Form", "load_form", "prefilled_values", "validate_values"]

LARGEST_INTEGER = 2**53 - 1  # what JavaScript, and so every renderer, keeps exactly
_DEEPEST = 12

# Lone control characters have no business in a form; text areas may hold line breaks and tabs.
# Unicode's Cc and Cs but for line feed and tab: what a person neither sees nor types
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def validate_values(form: Form, values: Any, attachments: Callable[[str], bool]) -> dict[str, Any]:
    """The values to keep: texts trimmed and in NFC, fields left empty absent.

    values: parsed JSON from outside, unchecked. attachments: says whether an id is an attachment of this case.
    Raises InvalidForm with one problem a field.
    """
    if not isinstance(values, dict):
        raise InvalidForm([Problem("", "error", "form.type", "表单内容应为对象。")])
    problems: dict[str, Problem] = {}
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name not in form.fields:
            problems[str(name)] = Problem(str(name), "error", "form.unknown_field", "表单没有这个字段。")
            continue
        try:
            clean = _normalised(value, form.fields[name].longest_text, 0)
        except _Unfit as unfit:
            problems[name] = Problem(name, "error", unfit.code, f"{form.fields[name].title}{unfit.sentence}")
            continue
        if clean is not None:
            kept[name] = clean
    for problem in (*_schema_problems(form, kept), *_file_problems(form, kept, attachments)):
        problems.setdefault(problem.element, problem)
    if problems:
        raise InvalidForm(list(problems.values()))
    return kept


def prefilled_values(form: Form, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the form starts with: each `ui.prefill` expression that gives something."""
    values: dict[str, Any] = {}
    for name, text in form.prefill.items():
        try:
            value = compile_expression(text).evaluate(variables)
        except ExpressionFailed:
            continue  # a help for the person at the form: without it the field is merely empty
        if value is not None:
            values[name] = value
    return values


class _Unfit(Exception):
    """A value no schema needs to look at. sentence: Chinese, follows the field's title."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def _normalised(value: Any, longest: int, depth: int) -> Any:
    """`value` with texts trimmed and in NFC; an empty text is no value. Raises _Unfit."""
    if depth > _DEEPEST:
        raise _Unfit("form.type", "的内容嵌套过深。")
    if isinstance(value, str):
        return _normalised_text(value, longest)
    if isinstance(value, list):
        items = [_normalised(item, longest, depth + 1) for item in value]
        return [item for item in items if item is not None]
    if isinstance(value, dict):
        entries = {str(key): _normalised(item, longest, depth + 1) for key, item in value.items()}
        return {key: item for key, item in entries.items() if item is not None}
    if isinstance(value, float) and not math.isfinite(value):
        raise _Unfit("form.range", "应为有限的数。")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise _Unfit("form.range", "的数过大。")
    return value


def _normalised_text(value: str, longest: int) -> str | None:
    text = unicodedata.normalize("NFC", value[: 4 * longest].replace("\r\n", "\n")).strip()
    if len(value) > 4 * longest or len(text) > longest:  # NFC shortens; what is far too long is not even normalised
        raise _Unfit("form.too_long", f"最多 {longest} 个字。")
    if _INVISIBLE.search(text):
        raise _Unfit("form.characters", "含有不可见的控制字符。")
    return text or None


def _schema_problems(form: Form, values: dict[str, Any]) -> Iterator[Problem]:
    for error in form.validator.iter_errors(values):
        yield from _problems_of(form, error)


def _problems_of(form: Form, error: ValidationError) -> Iterator[Problem]:
    path = [str(step) for step in error.absolute_path]
    wanted: Any = error.validator_value
    found: Any = error.instance  # an object, for the keywords that look at it
    if error.validator == "required":
        missing = [name for name in wanted if name not in found]
    elif error.validator == "dependentRequired":
        missing = [name for on, needs in wanted.items() if on in found for name in needs if name not in found]
    else:
        name = path[0] if path else ""
        code, message = _said(error)
        title = _title(form, name)
        yield Problem(name, "error", code, f"{title}{message}" if title else f"所填内容{message}")
        return
    for name in missing:
        top = path[0] if path else name
        yield Problem(top, "error", "form.required", f"请填写{_title(form, top) or name}。")


def _title(form: Form, name: str) -> str:
    field = form.fields.get(name)
    return field.title if field else name


_TYPES = {
    "string": "文本",
    "integer": "整数",
    "number": "数",
    "boolean": "是或否",
    "array": "列表",
    "object": "一组内容",
    "null": "空",
}
_FORMATS = {
    "date": "日期（年-月-日，例如 2026-05-01）",
    "date-time": "带时区的时刻",
    "email": "邮箱地址",
    "mobile": "手机号码",
}


_SENTENCES = {
    "enum": ("form.choice", "应从给出的选项中选择。"),
    "const": ("form.choice", "须按要求勾选或填写。"),
    "maxLength": ("form.too_long", "最多 {} 个字。"),
    "minLength": ("form.too_short", "至少 {} 个字。"),
    "pattern": ("form.pattern", "的格式不正确。"),
    "minItems": ("form.items", "应至少有 {} 项。"),
    "maxItems": ("form.items", "应最多有 {} 项。"),
    "uniqueItems": ("form.items", "有重复的项。"),
    "minimum": ("form.range", "应不小于 {}。"),
    "exclusiveMinimum": ("form.range", "应大于 {}。"),
    "maximum": ("form.range", "应不大于 {}。"),
    "exclusiveMaximum": ("form.range", "应小于 {}。"),
    "additionalProperties": ("form.unknown_field", "含有表单没有的内容。"),
}


def _said(error: ValidationError) -> tuple[str, str]:
    """Problem code and the end of its Chinese sentence, for one failed keyword."""
    wanted: Any = error.validator_value
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return "form.type", f"应为{'或'.join(_TYPES.get(kind, kind) for kind in kinds)}。"
    if error.validator == "format":
        return "form.format", f"应为{_FORMATS.get(wanted, wanted)}。"
    code, sentence = _SENTENCES.get(str(error.validator), ("form.invalid", "不符合表单的要求。"))
    return code, sentence.format(wanted)


def _file_problems(form: Form, values: Mapping[str, Any], attachments: Callable[[str], bool]) -> Iterator[Problem]:
    for name, value in values.items():
        field = form.fields[name]
        if field.kind not in FILE_KINDS:
            continue
        ids = value if isinstance(value, list) else [value]
        # A wrong type has its own problem; only texts are looked up.
        if any(not attachments(item) for item in ids[:100] if isinstance(item, str)):
            yield Problem(name, "error", "form.attachment", f"{field.title}的文件不存在或不属于本次申请，请重新上传。")
