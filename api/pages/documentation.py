"""The API's reference at /docs: our own page over /openapi.json, readable without a network, a script or an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import current_app, render_template

from api.edge.openapi import TAGS
from api.edge.problem_texts import KNOWN

documentation = APIBlueprint("documentation", __name__, enable_openapi=False)

Json = Any  # JSON of the OpenAPI document


@documentation.get("/docs")
def docs() -> str:
    assert isinstance(current_app, APIFlask) or hasattr(current_app, "spec"), "made by create_app"
    document = current_app._get_spec("json")  # type: ignore[attr-defined]  # `spec` would build it anew each time
    operations: dict[str, list[dict[str, Json]]] = {tag: [] for tag in TAGS}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operations[operation["tags"][0]].append(_summary(document, path, method, operation))
    return render_template("docs.html", info=document["info"], groups=operations, problems=KNOWN)


def _summary(document: Json, path: str, method: str, operation: Json) -> dict[str, Json]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "id": operation.get("operationId", f"{method}-{path}"),
        "path": path,
        "method": method.upper(),
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "security": [name for scheme in operation.get("security", []) for name in scheme],
        "parameters": operation.get("parameters", []),
        "bodies": [(kind, list(_fields(document, content["schema"]))) for kind, content in body.items()],
        "answers": [
            (status, answer.get("description", ""), _answer_fields(document, answer))
            for status, answer in sorted(operation.get("responses", {}).items())
        ],
    }


def _answer_fields(document: Json, answer: Json) -> list[tuple[str, str, bool, str]]:
    content = answer.get("content", {})
    if "application/json" not in content:
        return []
    return list(_fields(document, content["application/json"].get("schema", {})))


def _fields(document: Json, schema: Json, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str, bool, str]]:
    """(name, type, required, description) of every field, nested ones as `a.b` and `a[].b`."""
    schema = _resolved(document, schema)
    if schema.get("type") == "array":
        yield from _fields(document, schema.get("items", {}), f"{prefix}[]", depth)
        return
    required = set(schema.get("required", []))
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path, _type(document, field), name in required, _resolved(document, field).get("description", "")
        if depth < 3:
            inner = _not_null(_resolved(document, field))
            for option in inner:
                yield from _fields(document, option, path, depth + 1)


def _type(document: Json, field: Json) -> str:
    options = []
    for option in _not_null(field):
        found = _resolved(document, option)
        if "enum" in found:
            options.append(" | ".join(str(value) for value in found["enum"]))
        elif found.get("type") == "array":
            options.append(f"{_type(document, found.get('items', {}))}[]")
        elif "additionalProperties" in found and not found.get("properties"):
            options.append("object")
        else:
            options.append(found.get("format") or found.get("type") or "any")
    return " | ".join(options)


def _not_null(field: Json) -> list[Json]:
    return [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]


def _resolved(document: Json, schema: Json) -> Json:
    found = schema
    while "$ref" in found:
        name = found["$ref"].removeprefix("#/components/schemas/")
        found = {**document["components"]["schemas"].get(name, {}), **{k: v for k, v in found.items() if k != "$ref"}}
    return found
