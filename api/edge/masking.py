"""What somebody sees of a case that they do not work on: its shape, not its persons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from domain.persons.privacy import mask_document_number, mask_name, mask_phone
from engine.forms.form import Form

Json = Any  # a JSON value

# What programs write (`low_confidence.name`, `resident_id_front`): a word with a dot or an underscore in it.
_CODE = re.compile(r"[a-z0-9]+(?:[_.][a-z0-9]+)+")
_PHONE = re.compile(r"1[3-9][0-9]{9}")


def masked_variables(variables: Mapping[str, Json], forms: Iterable[Form]) -> dict[str, Json]:
    """The variables with every text masked, but for codes and for answers a form offers to choose from."""
    offered = {choice for form in forms for choice in _choices(form)}
    return {name: _masked(value, offered) for name, value in variables.items()}


def _choices(form: Form) -> Iterable[str]:
    for field in form.fields.values():
        schema = field.schema.get("items", field.schema)
        options = [*schema.get("enum", ()), schema.get("const")] if isinstance(schema, Mapping) else []
        yield from (option for option in options if isinstance(option, str))


def _masked(value: Json, offered: set[str]) -> Json:
    if isinstance(value, dict):
        return {key: _masked(inner, offered) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, offered) for inner in value]
    if not isinstance(value, str) or value in offered or _CODE.fullmatch(value):
        return value
    if _PHONE.fullmatch(value):
        return mask_phone(value)
    digits = sum(letter.isdigit() for letter in value)
    return mask_document_number(value) if digits * 2 >= len(value) > 0 else mask_name(value)
