from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from tests.api.conftest import Platform, an_application


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def test_the_openapi_document_is_3_1_and_complete_in_itself(platform: Platform) -> None:
    document = platform.app.test_client().get("/openapi.json").json

    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert document["openapi"].startswith("3.1")
    for reference in references(document):
        name = reference.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"], reference
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] and operation["description"] for operation in operations)


def test_the_document_says_which_posts_need_an_idempotency_key(platform: Platform) -> None:
    document = platform.app.test_client().get("/openapi.json").json
    signing_in = {f"/api/v1/session/{way}" for way in ("wechat", "password", "phone", "phone/code")}

    without = {
        path
        for path, operations in document["paths"].items()
        if "post" in operations
        and not any(each["name"] == "Idempotency-Key" and each["required"] for each in operations["post"]["parameters"])
    }

    # they only ask, in a body because what is asked names a person or is long
    asking = {"/api/v1/inbox/search", "/api/v1/migrations/preview"}
    # one transaction a case: what was tried again is no incident any more, so a repeat does no harm
    assert without == signing_in | asking | {"/api/v1/incidents/retry-rest"}


def test_query_parameters_and_problems_are_documented(platform: Platform) -> None:
    inbox = platform.app.test_client().get("/openapi.json").json["paths"]["/api/v1/inbox"]["get"]

    names = {each["name"] for each in inbox["parameters"] if each["in"] == "query"}

    assert names == {"cursor", "limit", "view", "flow", "element", "facet", "older_than_s", "due"}
    assert "application/problem+json" in inbox["responses"]["401"]["content"]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_need_nothing_from_elsewhere(platform: Platform, path: str) -> None:
    client = platform.app.test_client()

    page = client.get(path)

    assert page.status_code == 200
    loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page.text)
    assert not re.search(r"<script|https?://|style=", page.text)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for address in re.findall(r'href="(/static/[^"]+)"', page.text):
        assert client.get(address).status_code == 200
    assert loaded is not None


def test_the_reference_lists_every_operation_and_every_problem(platform: Platform) -> None:
    client = platform.app.test_client()
    paths = client.get("/openapi.json").json["paths"]

    page = client.get("/docs").text

    assert [path for path in paths if f"<code>{path}</code>" not in page] == []
    assert 'id="idempotency.key_required"' in page


def test_the_start_page_says_that_this_is_a_sandbox_and_what_runs(platform: Platform) -> None:
    an_application(platform.citizen())

    page = platform.app.test_client().get("/").text

    assert "沙箱模式" in page
    assert "停车证" in page
    assert "办理中的案件：1 件" in page
    assert "鄂A12345" not in page


def test_the_start_page_still_answers_without_tables(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE process_definition RENAME TO elsewhere")

    page = platform.app.test_client().get("/")

    assert page.status_code == 200
    assert "不可用" in page.text


def test_personal_answers_are_never_stored_on_the_way(platform: Platform) -> None:
    answer = platform.citizen().get("/api/v1/me")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_request_leaves_ids_in_the_log_and_nothing_personal(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    citizen = platform.citizen("zhangsan")

    permit = an_application(citizen, owner="欧阳娜娜")
    citizen.get(f"/api/v1/applications/{permit.id}?cursor=13812345678")

    assert "POST /api/v1/applications 201" in caplog.text
    for secret in ("欧阳娜娜", "鄂A12345", "zhangsan", "13812345678", citizen.headers["Authorization"][7:]):
        assert secret not in caplog.text
