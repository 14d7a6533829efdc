"""Whether a run has left anything on the graph that all cases of a process share."""

from __future__ import annotations

import hashlib
from typing import Any

from engine.language.expressions import Expression
from engine.spiff.process import Node, Process


def spec_digest(process: Process) -> str:
    """SHA-256 hex of everything SpiffWorkflow keeps on the shared graph: equal before and after every run."""
    lines = []
    for scope, spec in process.specs.items():
        lines.append(f"{scope} {sorted(map(repr, spec.data_objects))} {list(spec.task_specs)}")
        for name, task_spec in spec.task_specs.items():
            kept = {key: _shown(value) for key, value in vars(task_spec).items() if key != "_wf_spec"}
            lines.append(f"{name} {type(task_spec).__name__} {sorted(kept.items())}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _shown(value: Any) -> str:
    """A text of a spec's attribute without object addresses: an event hook by its subscribers, an object by its fields."""
    if isinstance(value, list | tuple):
        return "[" + ",".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_shown(item)}" for key, item in value.items()) + "}"
    if value is None or isinstance(value, str | int | float | Node | Expression):
        return repr(value)
    return f"{type(value).__name__}({_shown(vars(value))})" if hasattr(value, "__dict__") else type(value).__name__
