"""Nobody learns of what is not theirs: not its content, not its state, not that it exists."""

from __future__ import annotations

import re

from tests.api.conftest import Platform, an_application

ABSENT = "0" * 26


def test_everything_that_wants_a_caller_refuses_a_stranger(platform: Platform) -> None:
    client = platform.app.test_client()
    paths = client.get("/openapi.json").json["paths"]
    guarded = [
        (method.upper(), re.sub(r"{\w+}", ABSENT, path))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation.get("security")
    ]

    answers = {
        (method, path): client.open(path, method=method, json={}, headers={"Idempotency-Key": "12345678"}).status_code
        for method, path in guarded
    }

    assert len(guarded) >= 18
    assert set(answers.values()) == {401}


def test_a_citizen_finds_nothing_of_anothers_case(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"))
    stranger = platform.citizen("li")
    item = permit.item

    answers = [
        stranger.get(f"/api/v1/applications/{permit.id}"),
        stranger.get(f"/api/v1/applications/{permit.id}/notices"),
        stranger.post(f"/api/v1/applications/{permit.id}/messages/withdraw"),
        stranger.get(f"/api/v1/work-items/{item}"),
        stranger.post(f"/api/v1/work-items/{item}/claim"),
        stranger.post(f"/api/v1/work-items/{item}/release"),
        stranger.post(f"/api/v1/work-items/{item}/complete", {"values": {}}),
        stranger.put(f"/api/v1/work-items/{item}/draft", {"values": {}}),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert stranger.get("/api/v1/applications").json["items"] == []
    assert stranger.get("/api/v1/work-items").json["items"] == []


def test_an_answer_about_anothers_case_is_that_of_a_case_that_never_was(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"))
    stranger = platform.citizen("li")

    foreign = stranger.get(f"/api/v1/applications/{permit.id}").json
    absent = stranger.get(f"/api/v1/applications/{ABSENT}").json

    assert {**foreign, "instance": ""} == {**absent, "instance": ""}


def test_staff_of_another_group_find_nothing_of_a_case(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    guard, stranger = platform.staff(), platform.staff("clerk", "library.clerk")
    item = guard.get("/api/v1/inbox").json["items"][0]["id"]

    answers = [
        stranger.get(f"/api/v1/cases/{permit.id}"),
        stranger.get(f"/api/v1/work-items/{item}"),
        stranger.post(f"/api/v1/work-items/{item}/claim"),
        stranger.post(f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert stranger.get("/api/v1/inbox").json["items"] == []


def test_the_console_is_for_staff(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)

    answers = [citizen.get("/api/v1/inbox"), citizen.get(f"/api/v1/cases/{permit.id}")]

    assert [(each.status_code, each.json["code"]) for each in answers] == [(403, "auth.console_only")] * 2


def test_staff_start_only_what_a_flow_lets_them_start(platform: Platform) -> None:
    guard = platform.staff()

    answer = guard.post("/api/v1/applications", {"flow": "parking_permit", "values": {}})

    assert (answer.status_code, answer.json["code"]) == (403, "flow.may_not_start")
    assert guard.get("/api/v1/flows").json["items"] == []
    assert guard.get("/api/v1/flows/parking_permit").status_code == 404
