"""What somebody sent for a form of a deployed version, checked against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.deployment.deploy import Definition
from engine.errors import InvalidForm, Problem
from engine.forms.form import validate_values
from engine.inputs import Variables


def _no_attachment(_: str) -> bool:
    return False


def checked_values(
    definition: Definition, form: str, values: Variables, attachments: Callable[[str], bool] = _no_attachment
) -> dict[str, Any]:  # Any: JSON
    """The values to keep. form: stem, "" for a task without a form, which takes no values.

    attachments: whether an id is an attachment of this case (default: there is none yet). Raises InvalidForm.
    """
    if form:
        return validate_values(definition.forms[form], values, attachments)
    if values:
        raise InvalidForm(
            [Problem(name, "error", "form.unknown_field", "此环节没有表单，不接受内容。") for name in values]
        )
    return {}


def emptied_fields(definition: Definition, form: str, kept: Variables, variables: Variables) -> dict[str, None]:
    """Fields of the form that hold a value from before and were left empty now: their variables become empty, too.

    kept: what checked_values() gave. variables: as the form's element sees them.
    """
    fields = definition.forms[form].fields if form else {}
    return {name: None for name in fields if name not in kept and variables.get(name) is not None}
