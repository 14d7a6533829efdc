"""The inbox: views, filters, counts that cost nothing when nothing changed, and claiming without treading on each other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine

from tests.api.conftest import Person
from tests.api.reviews import Office, an_office, first_item


@pytest.fixture
def office(tmp_path: Path, engine: Engine) -> Office:
    return an_office(tmp_path, engine)


@pytest.fixture
def reviewer(office: Office) -> Person:
    return office.reviewer()


def listed(person: Person, **query: object) -> list[str]:
    answer = person.get("/api/v1/inbox", query_string=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


def later(office: Office, name: str = "reviewer", **span: float) -> Person:
    """The same person, signed in again after that time."""
    office.platform.clock.pass_time(**span)
    return office.platform.comes_back(name)


def test_every_view_shows_its_own_items(office: Office, reviewer: Person) -> None:
    colleague = office.reviewer("colleague")
    for name in ("a", "b", "c"):
        office.waits_for_review(name)
    mine, others, free = listed(reviewer)
    reviewer.post(f"/api/v1/work-items/{mine}/claim")
    colleague.post(f"/api/v1/work-items/{others}/claim")

    assert listed(reviewer) == [mine, others, free]
    assert listed(reviewer, view="mine") == [mine]
    assert listed(reviewer, view="groups") == [free]
    assert listed(reviewer, view="claimed") == [mine, others]
    assert listed(reviewer, view="done") == []


def test_items_are_found_by_the_document_number_of_their_case(office: Office, reviewer: Person) -> None:
    """However it is typed; by nobody outside the group, and never by a part of it."""
    for name in ("a", "b"):
        office.waits_for_review(name)
    wanted = {"variable": "document_number", "value": " 11010519491231002x "}

    found = reviewer.post("/api/v1/inbox/search", wanted)
    nothing = reviewer.post("/api/v1/inbox/search", {**wanted, "value": "1101051949"})
    stranger = office.reviewer("stranger", "real_name.supervisor").post("/api/v1/inbox/search", wanted)

    assert found.status_code == 200, found.text
    assert {item["id"] for item in found.json["items"]} == set(listed(reviewer))
    assert nothing.json["items"] == stranger.json["items"] == []


def test_done_items_are_mine_and_the_latest_first(office: Office, reviewer: Person) -> None:
    for name in ("a", "b", "c"):
        office.waits_for_review(name)
    for item in listed(reviewer):
        reviewer.post(f"/api/v1/work-items/{item}/claim")
        values = {"review_decision": "reject", "reject_reasons": ["other"], "opinion": "测试"}
        assert reviewer.post(f"/api/v1/work-items/{item}/complete", {"values": values}).status_code == 200
        office.platform.clock.pass_time(minutes=1)

    done = listed(reviewer, view="done")
    first = reviewer.get("/api/v1/inbox", query_string={"view": "done", "limit": 2}).json
    rest = listed(reviewer, view="done", limit=2, cursor=first["next"])

    assert done == sorted(done, reverse=True)
    assert [each["id"] for each in first["items"]] + rest == done
    assert listed(office.reviewer("colleague"), view="done") == []


def test_items_are_narrowed_by_document_type(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")
    office.reads(office.applies("b", document_type="hk_macau_permit", document_number="H12345678"))

    steps = reviewer.get("/api/v1/inbox/steps").json["items"]
    permits = reviewer.get("/api/v1/inbox", query_string={"facet": "hk_macau_permit"}).json["items"]

    assert [(step["element"], step["facet_title"]) for step in steps] == [("review", "证件类型")]
    assert {"value": "passport", "label": "护照"} in steps[0]["facet_choices"]
    assert [item["facet_label"] for item in permits] == ["港澳居民来往内地通行证"]


def test_items_are_narrowed_by_when_they_are_due(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")  # Monday 10:00; due on Tuesday 10:00
    assert listed(reviewer, due="today") == []

    reviewer = later(office, hours=20)
    assert len(listed(reviewer, due="today")) == 1
    assert listed(reviewer, due="overdue") == []

    reviewer = later(office, hours=5)
    assert len(listed(reviewer, due="overdue")) == 1


def test_time_left_is_working_time(office: Office, reviewer: Person) -> None:
    friday = later(office, days=4)  # 10:00; due on Monday 10:00
    office.waits_for_review("a")

    left = first_item(friday)["working_time_left_s"]
    on_saturday = first_item(later(office, days=1))["working_time_left_s"]
    overdue = first_item(later(office, days=3))["working_time_left_s"]

    assert timedelta(seconds=left) == timedelta(days=1)
    assert timedelta(seconds=on_saturday) == timedelta(hours=10)
    assert timedelta(seconds=overdue) == -timedelta(days=1)


def test_counts_are_answered_again_only_when_something_changed(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")
    office.waits_for_review("b")
    first = reviewer.get("/api/v1/inbox/counts")
    headers = {"If-None-Match": first.headers["ETag"]}

    same = reviewer.get("/api/v1/inbox/counts", headers=headers)
    reviewer.post("/api/v1/inbox/claim-next")
    changed = reviewer.get("/api/v1/inbox/counts", headers=headers)

    assert first.json == {"mine": 0, "groups": 2, "claimed": 0, "overdue": 0, "done_today": 0}
    assert (same.status_code, same.data) == (304, b"")
    assert changed.json == {"mine": 1, "groups": 1, "claimed": 1, "overdue": 0, "done_today": 0}


def test_the_next_item_is_the_oldest_that_fits_with_its_pictures(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")
    permit = office.reads(office.applies("b", document_type="hk_macau_permit", document_number="H12345678"))

    fitting = reviewer.post("/api/v1/inbox/claim-next", {"facet": "hk_macau_permit"}).json
    oldest = reviewer.post("/api/v1/inbox/claim-next").json
    none_left = reviewer.post("/api/v1/inbox/claim-next").json

    assert fitting["item"]["case_id"] == permit.case_id
    assert fitting["item"]["is_mine"]
    assert len(oldest["images"]) == 2
    assert reviewer.get(oldest["images"][0]["url"]).status_code == 200
    assert none_left == {"item": None, "images": []}


def test_a_repeated_request_for_the_next_item_takes_one(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")
    office.waits_for_review("b")

    answers = [reviewer.post("/api/v1/inbox/claim-next", key="one-click-0001").json for _ in range(3)]

    assert len({answer["item"]["id"] for answer in answers}) == 1
    assert len(listed(reviewer, view="mine")) == 1


def test_reviewers_who_ask_at_once_get_different_items(office: Office) -> None:
    for number in range(4):
        office.waits_for_review(f"applicant-{number}")
    people = [office.reviewer(f"reviewer-{number}") for number in range(4)]
    barrier, taken = Barrier(len(people)), []

    def ask(person: Person) -> None:
        barrier.wait()
        taken.append(person.post("/api/v1/inbox/claim-next").json["item"]["id"])

    threads = [Thread(target=ask, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 4


def test_several_are_claimed_and_the_others_say_who_holds_them(office: Office, reviewer: Person) -> None:
    colleague = office.reviewer("colleague")
    for name in ("a", "b", "c"):
        office.waits_for_review(name)
    free, held, other = listed(reviewer)
    colleague.post(f"/api/v1/work-items/{held}/claim")

    answer = reviewer.post("/api/v1/inbox/claim", {"ids": [other, held, free, "nothing"]}).json["items"]

    assert [(each["id"], each["claimed"], each["code"], each["held_by"]) for each in answer] == [
        (other, True, None, None),
        (held, False, "work_item.claimed_by_other", "colleague"),
        (free, True, None, None),
        ("nothing", False, "work_item.unknown", None),
    ]


def test_who_comes_second_is_told_who_holds_the_item(office: Office, reviewer: Person) -> None:
    office.waits_for_review("a")
    item = first_item(reviewer)["id"]
    office.reviewer("colleague").post(f"/api/v1/work-items/{item}/claim")

    answer = reviewer.post(f"/api/v1/work-items/{item}/claim")

    assert (answer.status_code, answer.json["code"]) == (409, "work_item.claimed_by_other")
    assert "colleague" in answer.json["detail"]
    assert first_item(reviewer)["assignee_name"] == "colleague"


def test_nobody_claims_from_a_foreign_inbox(office: Office) -> None:
    office.waits_for_review("a")
    stranger = office.reviewer("stranger", "parking.guard")

    assert stranger.post("/api/v1/inbox/claim-next").json["item"] is None
    assert listed(stranger) == []
    assert stranger.get("/api/v1/inbox/steps").json["items"] == []
    assert stranger.get("/api/v1/inbox/counts").json["groups"] == 0


@pytest.mark.parametrize("cursor", ["x", "50", "5_0.abc", "²." + "a" * 26, "20260101~x"])
@pytest.mark.parametrize("view", ["all", "done"])
def test_a_cursor_nobody_handed_out_is_refused(reviewer: Person, cursor: str, view: str) -> None:
    answer = reviewer.get("/api/v1/inbox", query_string={"cursor": cursor, "view": view})

    assert (answer.status_code, answer.json["problems"][0]["field"]) == (422, "cursor")


def test_pages_hold_their_place_across_priorities(office: Office) -> None:
    office.reviewer("supervisor", "real_name.reviewer", "real_name.supervisor")
    stories = [office.waits_for_review(f"applicant-{number}") for number in range(3)]
    supervisor = later(office, "supervisor", days=4)
    office.town.now = office.platform.clock()
    stories[2].passes(timedelta())  # escalated: priority 80
    office.waits_for_review("late")

    whole = listed(supervisor)
    paged: list[str] = []
    cursor = None
    while True:
        page = supervisor.get("/api/v1/inbox", query_string={"limit": 1} | ({"cursor": cursor} if cursor else {})).json
        paged += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(whole) == 4
    assert paged == whole
    first = supervisor.get("/api/v1/inbox", query_string={"limit": 1}).json["items"][0]
    assert (first["element"], first["case_id"]) == ("review_escalated", stories[2].case_id)
