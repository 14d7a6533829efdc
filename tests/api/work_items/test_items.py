from __future__ import annotations

import pytest

from tests.api.conftest import Person, Platform, an_application


@pytest.fixture
def guard(platform: Platform) -> Person:
    an_application(platform.citizen()).send_photo()
    return platform.staff()


def first_item(guard: Person, **query: object) -> str:
    return guard.get("/api/v1/inbox", query_string=query).json["items"][0]["id"]


def test_claiming_shows_who_has_the_item_and_releasing_gives_it_back(platform: Platform, guard: Person) -> None:
    item = first_item(guard)

    claimed = guard.post(f"/api/v1/work-items/{item}/claim").json
    mine = guard.get("/api/v1/work-items").json["items"]
    released = guard.post(f"/api/v1/work-items/{item}/release").json

    assert (claimed["state"], claimed["is_mine"]) == ("CLAIMED", True)
    assert [each["id"] for each in mine] == [item]
    assert (released["state"], released["assignee"]) == ("OPEN", None)


def test_only_the_holder_of_a_claim_decides(platform: Platform, guard: Person) -> None:
    item = first_item(guard)
    colleague = platform.staff("colleague")
    path, body = f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}}

    unclaimed = guard.post(path, body)
    guard.post(f"/api/v1/work-items/{item}/claim")
    foreign = colleague.post(path, body)
    stolen = colleague.post(f"/api/v1/work-items/{item}/claim")
    dropped = colleague.post(f"/api/v1/work-items/{item}/release")

    assert (unclaimed.status_code, unclaimed.json["code"]) == (409, "work_item.not_claimed")
    assert (foreign.status_code, foreign.json["code"]) == (403, "work_item.not_yours")
    assert (stolen.status_code, stolen.json["code"]) == (409, "work_item.claimed_by_other")
    assert dropped.status_code == 403


def test_a_decision_the_form_does_not_offer_changes_nothing(platform: Platform, guard: Person) -> None:
    item = first_item(guard)
    guard.post(f"/api/v1/work-items/{item}/claim")

    answer = guard.post(f"/api/v1/work-items/{item}/complete", {"values": {"decision": "maybe", "colour": "red"}})

    assert (answer.status_code, answer.json["code"]) == (422, "form.invalid")
    assert {each["field"] for each in answer.json["problems"]} == {"decision", "colour"}
    assert guard.get(f"/api/v1/work-items/{item}").json["state"] == "CLAIMED"


def test_a_draft_is_kept_for_its_writer_until_the_item_is_done(platform: Platform, guard: Person) -> None:
    item = first_item(guard)
    guard.post(f"/api/v1/work-items/{item}/claim")

    kept = guard.put(f"/api/v1/work-items/{item}/draft", {"values": {"opinion": "照片"}})
    shown = guard.get(f"/api/v1/work-items/{item}").json["draft"]
    guard.post(f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}})

    assert kept.status_code == 204
    assert shown == {"opinion": "照片"}
    assert guard.get(f"/api/v1/work-items/{item}").json["draft"] is None


def test_who_decides_on_an_old_view_is_told_to_look_again(platform: Platform, guard: Person) -> None:
    item = first_item(guard)
    seen = guard.get(f"/api/v1/work-items/{item}").headers["ETag"]
    guard.post(f"/api/v1/work-items/{item}/claim", headers={"If-Match": seen})

    stale = guard.post(
        f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}}, headers={"If-Match": seen}
    )
    fresh = guard.get(f"/api/v1/work-items/{item}").headers["ETag"]
    done = guard.post(
        f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}}, headers={"If-Match": fresh}
    )

    assert (stale.status_code, stale.json["code"]) == (412, "request.if_match")
    assert done.status_code == 200


def test_a_withdrawal_may_insist_on_the_state_it_saw(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    path = f"/api/v1/applications/{permit.id}"
    seen = permit.applicant.get(path).headers["ETag"]
    permit.send_photo()

    stale = permit.applicant.post(f"{path}/messages/withdraw", headers={"If-Match": seen})

    assert (stale.status_code, stale.json["code"]) == (412, "request.if_match")


def test_the_inbox_is_read_in_pages_that_miss_and_repeat_nothing(platform: Platform) -> None:
    for number in range(7):
        an_application(platform.citizen(f"c{number}")).send_photo()
    guard = platform.staff()
    everything = [each["id"] for each in guard.get("/api/v1/inbox").json["items"]]

    paged, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = guard.get("/api/v1/inbox", query_string=query).json
        paged += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(everything) == 7
    assert paged == everything


def test_the_inbox_is_filtered_by_state_and_age(platform: Platform, guard: Person) -> None:
    old = first_item(guard)
    guard.post(f"/api/v1/work-items/{old}/claim")
    platform.clock.pass_time(minutes=25)
    an_application(platform.citizen("other")).send_photo()

    def found(**query: object) -> int:
        return len(guard.get("/api/v1/inbox", query_string=query).json["items"])

    assert found() == 2
    assert found(view="groups") == found(view="claimed") == found(view="mine") == 1
    assert found(older_than_s=600) == 1
    assert found(flow="parking_permit", element="review") == 2
    assert found(flow="real_name") == found(element="photo") == 0


@pytest.mark.parametrize(
    ("query", "field"), [({"limit": 0}, "limit"), ({"view": "DONE"}, "view"), ({"colour": "red"}, "colour")]
)
def test_a_filter_that_does_not_exist_is_named(guard: Person, query: dict[str, object], field: str) -> None:
    answer = guard.get("/api/v1/inbox", query_string=query)

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["problems"]] == [field]


def test_a_cursor_nobody_handed_out_is_refused(guard: Person) -> None:
    answer = guard.get("/api/v1/inbox", query_string={"cursor": "nonsense"})

    assert (answer.status_code, answer.json["problems"][0]["field"]) == (422, "cursor")
