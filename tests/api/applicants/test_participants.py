"""Through the HTTP API: a verified person's own item in a case somebody else started, and messages staff send to cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.accounts.account import AccountGroup
from storage.transactions import transaction
from tests.api.conftest import FLOWS, Platform, a_jpeg, a_platform, an_application

TOML = (FLOWS / "parking_permit" / "flow.toml").read_text()


@pytest.fixture
def platform(tmp_path: Path, engine) -> Platform:
    """The guard's lane is one person's, found by what the plate says; the guard may call the permit off."""
    folder = tmp_path / "flow"
    folder.mkdir()
    for file in (FLOWS / "parking_permit").rglob("*"):
        if file.is_file():
            target = folder / file.relative_to(FLOWS / "parking_permit")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    toml = TOML.replace('guard = "parking.guard"', 'guard = { group = "person:{owner}", claim = false }')
    toml = toml.replace('who = "starter"', 'who = ["starter", "parking.{plate}"]')
    (folder / "flow.toml").write_text(toml)
    return a_platform(tmp_path, engine, folder)


def test_a_verified_person_works_on_an_item_of_somebody_elses_case(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"), owner="p1")
    permit.send_photo()
    owner = platform.citizen("owner")
    _joins(platform, owner, "person:p1")

    [item] = owner.get("/api/v1/work-items").json["items"]
    page = owner.get(f"/api/v1/work-items/{item['id']}").json
    kept = owner.put(f"/api/v1/work-items/{item['id']}/draft", {"values": {"opinion": "看过"}})
    again = owner.get(f"/api/v1/work-items/{item['id']}").json
    decided = owner.post(
        f"/api/v1/work-items/{item['id']}/complete", {"values": {"decision": "grant", "opinion": "同意"}}
    )

    assert not item["needs_claim"]
    assert not page["is_masked"]
    assert kept.status_code == 204
    assert again["draft"] == {"opinion": "看过"}
    assert decided.status_code == 200, decided.text
    assert decided.json["application"]["id"] == permit.id
    assert [one["id"] for one in owner.get("/api/v1/applications").json["items"]] == [permit.id]
    assert platform.citizen("stranger").get("/api/v1/applications").json["items"] == []


def test_staff_of_a_group_named_by_data_may_send_the_message(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"), plate="鄂A12345")
    guard, other = platform.staff("guard", "parking.鄂A12345"), platform.staff("other", "parking.鄂B12345")

    page = guard.get(f"/api/v1/cases/{permit.id}").json
    refused = other.post(f"/api/v1/cases/{permit.id}/messages/withdraw")
    sent = guard.post(f"/api/v1/cases/{permit.id}/messages/withdraw")

    assert page["messages"] == [{"name": "withdraw", "label": "撤回申请", "form": None}]
    assert refused.status_code == 404
    assert (sent.status_code, sent.json["outcome"], sent.json["messages"]) == (200, "withdrawn", [])


def test_somebody_with_no_part_in_a_case_uploads_nothing(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"), owner="p1")
    stranger = platform.citizen("stranger")

    refused = stranger.upload(permit.item, a_jpeg())

    assert (refused.status_code, refused.json["code"]) == (404, "work_item.unknown")


def _joins(platform: Platform, person, group: str) -> None:
    me = person.get("/api/v1/me").json["account_id"]
    with transaction(platform.sessions) as session:
        session.add(AccountGroup(account_id=me, group_key=group))
