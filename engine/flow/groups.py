"""Names of groups that hold {variables}, as flow.toml writes them: `unit:{unit_code}`, `person:{redeemer}`.

A variable without a usable value leaves its place in the name unfilled: `unit:{unit_code}` is nobody's group and stays
visible to operators; it must never become `unit:`, which could be somebody's.
"""

from __future__ import annotations

import re

from engine.inputs import Json, Variables

_PLACE = re.compile(r"\{(\w+)\}")
_UNFIT = re.compile(r"[\s{}]")
LONGEST_GROUP = 200
PERSON = "person:"


def filled_group(pattern: str, variables: Variables) -> str:
    """The group's name with every {variable} that has a usable value put in: a text without blanks, or a whole number."""
    name = _PLACE.sub(lambda place: _text_of(variables.get(place[1])) or place[0], pattern)
    return name if len(name) <= LONGEST_GROUP else pattern


def is_filled(group: str) -> bool:
    """False for a name that still has an empty place: nobody works there."""
    return "{" not in group


def pattern_variables(pattern: str) -> frozenset[str]:
    return frozenset(_PLACE.findall(pattern))


def is_personal(group: str | None) -> bool:
    """A group of one verified person: its items are that person's own, as an applicant's are."""
    return group is not None and group.startswith(PERSON)


def personal_groups(groups: frozenset[str]) -> list[str]:
    return sorted(group for group in groups if is_personal(group))


def _text_of(value: Json) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and not _UNFIT.search(value) else ""
