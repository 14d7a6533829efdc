"""The OpenAPI 3.1 document: what APIFlask finds in the views, plus what the edge asks of every request."""

from __future__ import annotations

import inspect
from typing import Any

from apiflask import APIFlask

from api.edge.auth import COOKIE, CSRF_HEADER, Audience
from api.edge.idempotency import KEY_HEADER
from api.edge.transactions import Edge

Document = dict[str, Any]  # Any: JSON of the OpenAPI document

PROBLEM_SCHEMA: Document = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string", "description": "简短说明（中文）"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "接下来怎么做（中文）"},
        "code": {"type": "string", "description": "稳定的错误代码，见 /docs"},
        "instance": {"type": "string", "description": "本次请求的编号"},
        "problems": {
            "type": "array",
            "description": "逐个字段的问题",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
TAGS = (
    "登录", "业务", "机构补增", "我的申请", "待办", "工作台",
    "案件", "登记簿", "行政单位", "机构", "业务授权（行政单位）", "业务授权（本人）", "业务授权（其他系统）",
    "流水", "运行管理", "运行状态",
)  # fmt: skip
_PROBLEM_TITLES = {
    "400": "请求无法识别",
    "401": "未登录或登录已过期",
    "403": "没有权限",
    "404": "没有找到",
    "409": "当前状态不允许",
    "412": "内容已被更新",
    "422": "提交的内容有误",
    "429": "过于频繁",
}


def describe(app: APIFlask) -> None:
    """Set up the document of `app`, served at /openapi.json."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_200_RESPONSE=True,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        DESCRIPTION=(
            "小程序端用 Bearer 令牌，工作台用 Cookie（修改请求另须请求头 X-Requested-With）。"
            "凡新建或作出决定的 POST 必须带 Idempotency-Key：同一账号用同一值重发，得到第一次的答复。"
            "错误一律为 application/problem+json。列表用 cursor 向后翻页。"
        ),
        SECURITY_SCHEMES={
            "token": {"type": "http", "scheme": "bearer"},
            "console": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        },
    )

    @app.spec_processor
    def complete(document: Document | str) -> Document | str:
        assert isinstance(document, dict), "the document is JSON"
        document["tags"] = [{"name": name} for name in TAGS]
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            edge = getattr(view, "edge", None)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                operation = document["paths"].get(_path(rule.rule), {}).get(method.lower())
                if operation is not None:
                    operation["operationId"] = rule.endpoint.rpartition(".")[2]
                    operation.setdefault("description", inspect.cleandoc(view.__doc__ or ""))
                    _complete_operation(operation, edge, method)
        return document


def _complete_operation(operation: Document, edge: Edge | None, method: str) -> None:
    wanted = {"422", "429"} if "requestBody" in operation else set()
    if edge is not None:
        console_only = edge.audience is Audience.CONSOLE
        operation["security"] = [{"console": []}] if console_only else [{"token": []}, {"console": []}]
        wanted |= {"401", "404"} | ({"403"} if console_only else set())
        parameters = operation.setdefault("parameters", [])
        if edge.kind == "decides":
            wanted |= {"400", "409", "422"}
            parameters.append(
                _header(KEY_HEADER, "本次操作的唯一值，重试时不变；同值同请求得到第一次的答复", required=True)
            )
        if method != "GET":
            parameters.append(_header(CSRF_HEADER, "工作台（Cookie 登录）必填，任意值", required=False))
    answers = operation.setdefault("responses", {})
    for status in sorted(wanted - set(answers)):
        answers[status] = {
            "description": _PROBLEM_TITLES[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    for answer in answers.values():
        if answer.get("description") == "Successful response":
            answer["description"] = "成功"


def _header(name: str, description: str, *, required: bool) -> Document:
    return {
        "in": "header",
        "name": name,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


def _path(rule: str) -> str:
    """Flask's `<string:x>` as OpenAPI's `{x}`."""
    return "/".join(
        "{" + part[1:-1].rpartition(":")[2] + "}" if part.startswith("<") else part for part in rule.split("/")
    )
