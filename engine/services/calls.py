"""Calling a service task: what the diagram passes is checked going in, what comes back is JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from engine.inputs import Json
from engine.services.registry import ServiceTask


class CallRefused(Exception):
    """The diagram and the service task do not fit together; only an analyst can settle it. The message quotes no value."""


def call_service_task(
    task: ServiceTask, parameters: Mapping[str, Json], context: Any
) -> Json:  # Any: see ServiceTask.run
    """Run `task` on what the diagram computed; its result as JSON (None for a task without a result).

    Raises CallRefused when parameters or result do not fit the declaration; whatever the task itself raises.
    """
    try:
        checked = task.parameters.model_validate(dict(parameters))
    except ValidationError as error:
        raise CallRefused(f"parameters of {task.name}: {_places(error)}") from None
    result = task.run(checked, context)
    if task.result is None:
        return None
    try:
        fitting = result if isinstance(result, task.result) else task.result.model_validate(result)
        # There and back: what the journal cannot keep exactly (NaN, 70-bit integers) must not reach the machine.
        return orjson.loads(orjson.dumps(fitting.model_dump(mode="json")))
    except ValidationError as error:
        raise CallRefused(f"result of {task.name}: {_places(error)}") from None
    except orjson.JSONEncodeError:
        raise CallRefused(f"result of {task.name}: not JSON") from None


def _places(error: ValidationError) -> str:
    """Where and what kind; pydantic's own text would quote what a person typed."""
    return ", ".join(f"{'.'.join(str(part) for part in e['loc'])} ({e['type']})" for e in error.errors())
