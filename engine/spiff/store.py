"""Where variables live: one store for the case, and one for each called flow. SpiffWorkflow's task data stays empty."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any

MAX_DEPTH = 100  # nesting of a value; the snapshot refuses about 250


class NotJson(ValueError):
    """A value that is not a JSON value; the message names its type, never the value."""


def json_value(value: Any, depth: int = 0) -> Any:
    """A copy of `value` that shares nothing mutable with it. Raises NotJson.

    JSON values: None, bool, int, float (finite), str, list, dict with str keys. 1, 1.0 and True stay three things.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        if not math.isfinite(value):
            raise NotJson("expected a finite number")
        return value
    if depth >= MAX_DEPTH:
        raise NotJson(f"nested deeper than {MAX_DEPTH}")
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise NotJson(f"expected text as key, found {type(key).__name__}")
        return {key: json_value(item, depth + 1) for key, item in value.items()}
    if kind is list:
        return [json_value(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return json_value(dict(value), depth)
    raise NotJson(f"expected a JSON value, found {kind.__name__}")


class Store:
    """A frame of variables: the case's, or a called flow's own.

    view: what expressions see, the variables and the flow's `settings`; settings are not variables.
    """

    __slots__ = ("settings", "variables", "view")

    def __init__(self, variables: dict[str, Any], settings: dict[str, Any]) -> None:
        self.variables = variables
        self.settings = settings
        self.view: MutableMapping[str, Any] = {**variables, "settings": settings}

    @property
    def home(self) -> Store:
        """The frame that takes what is written here."""
        return self

    @property
    def seen(self) -> Mapping[str, Any]:
        """All variables an element in this frame sees."""
        return self.variables

    def write(self, values: Mapping[str, Any]) -> None:
        """Set variables. Raises NotJson, and changes nothing then."""
        copied = {name: json_value(value) for name, value in values.items()}
        self.variables.update(copied)
        self.view.update(copied)
        self.view["settings"] = self.settings


class Local(Store):
    """The frame of one instance of a multi-instance activity: sees what is around it, keeps what is written in it."""

    __slots__ = ("outer",)

    def __init__(self, variables: dict[str, Any], outer: Store) -> None:
        self.variables = variables
        self.settings = outer.settings
        self.outer = outer
        self.view = ChainMap(variables, outer.view)

    @property
    def seen(self) -> Mapping[str, Any]:
        return {**self.outer.seen, **self.variables}

    def write(self, values: Mapping[str, Any]) -> None:
        self.variables.update({name: json_value(value) for name, value in values.items()})


class Recalled(Store):
    """A frame that sees some variables as they once were, and all else as it is. What is written goes where it always goes."""

    __slots__ = ("outer",)

    def __init__(self, variables: dict[str, Any], outer: Store) -> None:
        """variables: as they were; one that is written since is seen as written."""
        self.variables = variables
        self.settings = outer.settings
        self.outer = outer
        self.view = ChainMap(variables, outer.view)

    @property
    def home(self) -> Store:
        return self.outer.home

    @property
    def seen(self) -> Mapping[str, Any]:
        return {**self.outer.seen, **self.variables}

    def write(self, values: Mapping[str, Any]) -> None:
        self.outer.write(values)
        for name in values:
            self.variables.pop(name, None)
