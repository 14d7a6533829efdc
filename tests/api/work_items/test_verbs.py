"""Over HTTP: colleagues give each other work, sign after one another and read copies; who may not is told why."""

from __future__ import annotations

from tests.api.conftest import Person, Platform, an_application

GUARD, LEAD = "parking.guard", "parking.guard.lead"


def account_of(person: Person) -> str:
    found: str = person.get("/api/v1/me").json["account_id"]
    return found


def an_item(platform: Platform, holder: Person) -> str:
    permit = an_application(platform.citizen("wang"))
    permit.send_photo()
    [item] = holder.get("/api/v1/inbox").json["items"]
    assert holder.post(f"/api/v1/work-items/{item['id']}/claim").status_code == 200
    found: str = item["id"]
    return found


def test_an_item_is_handed_over_to_a_colleague_of_the_group(platform: Platform) -> None:
    first, second, outsider = platform.staff("first"), platform.staff("second"), platform.staff("other", "elsewhere")
    item = an_item(platform, first)
    path = f"/api/v1/work-items/{item}"

    offered = first.get(f"{path}/colleagues").json["items"]
    refused = first.post(f"{path}/hand-over", {"to": account_of(outsider)})
    citizen = first.post(f"{path}/hand-over", {"to": account_of(platform.citizen("wang"))})
    given = first.post(f"{path}/hand-over", {"to": account_of(second), "why": "休假"})

    assert [one["name"] for one in offered] == ["second"]
    assert (refused.status_code, refused.json["code"]) == (409, "work_item.not_of_group")
    assert (citizen.status_code, citizen.json["code"]) == (404, "account.unknown")
    assert (given.status_code, given.json["assignee_name"]) == (200, "second")
    told = second.get(f"{path}/events").json["items"]
    assert [(one["verb"], one["actor_name"], one["target_name"], one["why"]) for one in told] == [
        ("claimed", "first", None, ""),
        ("handed_over", "first", "second", "休假"),
    ]


def test_a_delegate_outside_the_group_gives_an_opinion_and_the_item_back(platform: Platform) -> None:
    guard, lawyer = platform.staff("guard"), platform.staff("lawyer", "lawyers")
    path = f"/api/v1/work-items/{an_item(platform, guard)}"

    guard.post(f"{path}/delegate", {"to": account_of(lawyer), "why": "合规吗"})
    decided = lawyer.post(f"{path}/complete", {"values": {"decision": "grant"}})
    back = lawyer.post(f"{path}/give-back", {"why": "合规"})

    assert (decided.status_code, decided.json["code"]) == (409, "work_item.delegated")
    assert back.status_code == 200, back.text
    assert (back.json["assignee_name"], back.json["delegated_by"]) == ("guard", None)
    assert lawyer.get(path).status_code == 404
    assert guard.post(f"{path}/complete", {"values": {"decision": "grant"}}).json["state"] == "COMPLETED"


def test_the_case_goes_on_when_the_last_has_signed(platform: Platform) -> None:
    guard, chief = platform.staff("guard"), platform.staff("chief", "chiefs")
    path = f"/api/v1/work-items/{an_item(platform, guard)}"

    asked = guard.post(f"{path}/signers", {"to": account_of(chief)})
    signed = guard.post(f"{path}/complete", {"values": {"decision": "grant", "opinion": "同意"}})
    seen = chief.get(path).json
    refused = chief.post(f"{path}/refuse-signature", {"why": "再看看"})
    guard.post(f"{path}/complete", {"values": {"decision": "refuse", "opinion": "不同意"}})
    done = chief.post(f"{path}/complete", {"values": {"decision": "refuse", "opinion": "不同意"}})

    assert asked.json["signers"] == [account_of(guard), account_of(chief)]
    assert signed.json["state"] == "CLAIMED"
    assert seen["draft"] == {"decision": "grant", "opinion": "同意"}
    assert refused.json["assignee_name"] == "guard"
    assert done.json["state"] == "COMPLETED"


def test_a_copy_is_read_and_the_case_seen_masked(platform: Platform) -> None:
    guard, reader = platform.staff("guard"), platform.staff("reader", "elsewhere")
    item = an_item(platform, guard)

    sent = guard.post(f"/api/v1/work-items/{item}/copies", {"to": [account_of(reader)], "why": "知会"})
    [copy] = reader.get("/api/v1/copies").json["items"]
    read = reader.post(f"/api/v1/copies/{item}/read")
    page = reader.get(f"/api/v1/cases/{copy['case_id']}")

    assert (sent.status_code, read.status_code) == (204, 204)
    assert (copy["work_item"], copy["by_name"], copy["read_at"]) == (item, "guard", None)
    assert (page.status_code, page.json["is_masked"]) == (200, True)
    assert reader.get("/api/v1/copies").json["items"][0]["read_at"] is not None
    assert guard.post(f"/api/v1/copies/{item}/read").status_code == 404


def test_who_leads_assigns_and_sets_dates_and_others_do_not(platform: Platform) -> None:
    guard, lead = platform.staff("guard"), platform.staff("lead", GUARD, LEAD)
    path = f"/api/v1/work-items/{an_item(platform, guard)}"
    due = "2026-03-09T09:00:00+08:00"

    refused = guard.put(f"{path}/priority", {"priority": 90})
    taken = lead.post(f"{path}/assign", {"to": account_of(lead), "why": "加急"})
    lead.put(f"{path}/priority", {"priority": 90, "why": "加急"})
    lead.put(f"{path}/due", {"due_at": due})
    lead.put(f"{path}/follow-up", {"at": due})

    assert (refused.status_code, refused.json["code"]) == (403, "work_item.may_not_assign")
    assert taken.json["is_mine"]
    shown = lead.get(path).json
    assert shown["priority"] == 90
    assert shown["due_at"].startswith("2026-03-09T01:00")
    assert shown["follow_up_at"].startswith("2026-03-09T01:00")


def test_citizens_give_nobody_work(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"))
    other = platform.staff("guard")

    answer = permit.applicant.post(f"/api/v1/work-items/{permit.item}/hand-over", {"to": account_of(other)})

    assert answer.json["code"] == "auth.console_only"
