"""A business flow is a folder: the parking permit of this test is known to no line of the platform's code."""

from __future__ import annotations

from tests.api.conftest import Platform, a_jpeg, an_application


def test_a_flow_is_listed_with_its_start_form_and_the_state_before_any_application(platform: Platform) -> None:
    citizen = platform.citizen()

    flows = citizen.get("/api/v1/flows").json["items"]

    assert [flow["key"] for flow in flows] == ["parking_permit"]
    assert flows[0]["status"] == {"code": "none", "label": "未申请"}
    assert flows[0]["start_form"]["properties"]["plate"]["title"] == "车牌号"
    assert flows[0]["may_start_now"] is True


def test_an_application_is_started_photographed_reviewed_and_granted(platform: Platform) -> None:
    citizen, guard = platform.citizen(), platform.staff()

    permit = an_application(citizen)
    item = permit.item
    form = citizen.get(f"/api/v1/work-items/{item}").json
    permit.send_photo()
    waiting = citizen.get(f"/api/v1/applications/{permit.id}").json
    [inbox_item] = guard.get("/api/v1/inbox").json["items"]
    guard.post(f"/api/v1/work-items/{inbox_item['id']}/claim")
    decided = guard.post(
        f"/api/v1/work-items/{inbox_item['id']}/complete", {"values": {"decision": "grant", "opinion": "同意"}}
    )

    assert form["form"]["properties"]["photo"]["ui"]["kind"] == "attachment"
    assert form["values"] == {"note": "张三丰"}
    assert form["shown"] == {"plate": "鄂A12345"}
    assert waiting["status"] == {"code": "running", "label": "待审核"}
    assert waiting["progress"] == ["门卫审核"]
    assert inbox_item["title"] == "审核"
    assert decided.json["state"] == "COMPLETED"
    assert decided.json["application"] is None
    ended = citizen.get(f"/api/v1/applications/{permit.id}").json
    assert ended["status"] == {"code": "success", "label": "已发证"}
    assert ended["public"] == {"plate": "鄂A12345", "opinion": "同意"}
    assert ended["work_items"] == []
    assert ended["messages"] == []


def test_a_refused_application_tells_the_reason_that_the_flow_makes_public(platform: Platform) -> None:
    citizen, guard = platform.citizen(), platform.staff()
    permit = an_application(citizen)
    permit.send_photo()
    item = guard.get("/api/v1/inbox").json["items"][0]["id"]
    guard.post(f"/api/v1/work-items/{item}/claim")

    guard.post(f"/api/v1/work-items/{item}/complete", {"values": {"decision": "refuse", "opinion": "照片看不清车牌"}})

    ended = citizen.get(f"/api/v1/applications/{permit.id}").json
    assert ended["status"] == {"code": "failure", "label": "未通过"}
    assert ended["public"]["opinion"] == "照片看不清车牌"


def test_a_withdrawn_application_is_over_and_another_may_begin(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)

    offered = citizen.get(f"/api/v1/applications/{permit.id}").json["messages"]
    withdrawn = citizen.post(f"/api/v1/applications/{permit.id}/messages/withdraw")

    assert offered == [{"name": "withdraw", "label": "撤回申请", "form": None}]
    assert withdrawn.json["status"] == {"code": "neutral", "label": "已撤回"}
    again = citizen.post(f"/api/v1/applications/{permit.id}/messages/withdraw")
    assert (again.status_code, again.json["code"]) == (409, "message.not_awaited")
    assert an_application(citizen).id != permit.id
    listed = citizen.get("/api/v1/applications").json["items"]
    assert [one["status"]["label"] for one in listed] == ["待审核", "已撤回"]


def test_a_second_application_waits_until_the_first_is_over(platform: Platform) -> None:
    citizen = platform.citizen()
    an_application(citizen)

    second = citizen.post(
        "/api/v1/applications", {"flow": "parking_permit", "values": {"plate": "鄂A54321", "owner": "张"}}
    )

    assert (second.status_code, second.json["code"]) == (409, "case.already_running")
    assert citizen.get("/api/v1/flows").json["items"][0]["may_start_now"] is False


def test_a_form_that_does_not_fit_names_each_field(platform: Platform) -> None:
    citizen = platform.citizen()

    answer = citizen.post(
        "/api/v1/applications", {"flow": "parking_permit", "values": {"plate": "鄂A1", "colour": "红"}}
    )

    assert (answer.status_code, answer.json["code"]) == (422, "form.invalid")
    assert {each["field"] for each in answer.json["problems"]} == {"plate", "owner", "colour"}
    assert citizen.get("/api/v1/applications").json["items"] == []


def test_an_application_left_alone_for_thirty_days_is_over_when_somebody_comes_back(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)
    item = permit.item
    photo = citizen.upload(item, a_jpeg()).json["id"]

    platform.clock.pass_time(days=29, hours=23)
    returning = platform.citizen()
    platform.clock.pass_time(hours=2)
    late = returning.post(f"/api/v1/work-items/{item}/complete", {"values": {"photo": photo}})

    assert (late.status_code, late.json["code"]) == (409, "work_item.gone")
