"""Looking persons and credentials up: found by the whole of what is known, masked, and every unmasked look recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from api.edge.model import EvidenceLook
from domain.accounts.account import ADMIN_GROUP, REGISTER_GROUP
from storage import vault
from storage.transactions import transaction
from tests.api.conftest import Person
from tests.api.reviews import Office, an_office

NUMBER, MASKED = "11010519491231002X", "1101**********002X"


@pytest.fixture
def office(tmp_path: Path, engine: Engine) -> Office:
    return an_office(tmp_path, engine)


@pytest.fixture
def reader(office: Office) -> Person:
    return office.reviewer("reader", REGISTER_GROUP)


def verified(office: Office, openid: str = "zhang", **typed: str) -> str:
    """The case of somebody a reviewer has verified."""
    story = office.reads(office.applies(openid, **typed))
    story.completes("review", review_decision="approve")
    assert story.outcome == "verified"
    return story.case_id


@pytest.mark.parametrize("sought", ["张三", NUMBER, NUMBER.lower(), MASKED, " 110105 19491231 002X ", ""])
def test_a_person_is_found_by_name_number_or_masked_number(office: Office, reader: Person, sought: str) -> None:
    verified(office)
    verified(office, "li", name="李四", document_number="110105194912310038")

    found = reader.get("/api/v1/persons", query_string={"q": sought}).json["items"]

    shown = [(each["name"], each["document_number"]) for each in found]
    assert ("张*", MASKED) in shown
    assert len(shown) == (1 if sought else 2)


@pytest.mark.parametrize("sought", ["张", "1101051949", "1101*", "%", "' OR 1=1 --", "\U00020000"])
def test_a_part_of_a_name_or_number_finds_nobody(office: Office, reader: Person, sought: str) -> None:
    verified(office)

    assert reader.get("/api/v1/persons", query_string={"q": sought}).json["items"] == []
    assert reader.get("/api/v1/credentials", query_string={"q": sought}).json["items"] == []


def test_a_page_is_masked_until_a_reader_asks_and_then_recorded(office: Office, reader: Person) -> None:
    verified(office)
    person = reader.get("/api/v1/persons").json["items"][0]["id"]

    masked = reader.get(f"/api/v1/persons/{person}")
    plain = reader.get(f"/api/v1/persons/{person}", query_string={"reveal": "true"})
    after = reader.get(f"/api/v1/persons/{person}").json

    assert NUMBER not in masked.text
    assert "张三" not in masked.text
    assert (plain.json["name"], plain.json["document_number"]) == ("张三", NUMBER)
    assert masked.json["looks"] == []
    assert [look["who"] for look in after["looks"]] == ["reader"]
    with office.platform.sessions() as session:
        assert session.scalars(select(EvidenceLook.person_id).where(EvidenceLook.what == "person")).all() == [person]


def test_roles_decide_who_opens_the_registers(office: Office) -> None:
    verified(office)
    admin = office.reviewer("admin", ADMIN_GROUP)
    reviewer = office.reviewer("reviewer")
    person = admin.get("/api/v1/persons").json["items"][0]["id"]

    revealed = admin.get(f"/api/v1/persons/{person}", query_string={"reveal": "true"})
    refused = [reviewer.get(path) for path in ("/api/v1/persons", f"/api/v1/persons/{person}", "/api/v1/credentials")]

    assert (revealed.status_code, revealed.json["code"]) == (403, "register.may_not_reveal")
    assert {(answer.status_code, answer.json["code"]) for answer in refused} == {(403, "register.may_not_read")}
    assert admin.get(f"/api/v1/persons/{person}").json["may_reveal"] is False
    assert admin.get("/api/v1/me").json["may"] == ["registers"]
    assert reviewer.get("/api/v1/me").json["may"] == ["inbox"]
    assert office.platform.citizen().get("/api/v1/persons").status_code == 403


def test_a_person_page_tells_what_happened(office: Office, reader: Person) -> None:
    case_id = verified(office)
    person = reader.get("/api/v1/persons").json["items"][0]["id"]

    page = reader.get(f"/api/v1/persons/{person}").json

    told = [line["sentence"] for line in page["history"]]
    assert "核发实名凭证（居民身份证，人工审核）" in told
    assert "同意识别证件信息（read_document/2026-01）" in told
    assert [each["state_label"] for each in page["credentials"]] == ["有效"]
    assert page["credentials"][0]["case_id"] == case_id
    assert [account["is_current"] for account in page["accounts"]] == [True]


def test_credentials_are_narrowed_by_state_and_read_in_pages(office: Office, reader: Person) -> None:
    numbers = ["11010519491231002X", "110105194912310038", "110105194912310046"]
    for index, number in enumerate(numbers):
        verified(office, f"openid-{index}", document_number=number)

    first = reader.get("/api/v1/credentials", query_string={"limit": 2}).json
    second = reader.get("/api/v1/credentials", query_string={"limit": 2, "cursor": first["next"]}).json
    revoked = reader.get("/api/v1/credentials", query_string={"state": "REVOKED"}).json

    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert len({each["id"] for each in first["items"] + second["items"]}) == 3
    assert revoked["items"] == []


def test_a_credential_page_tells_how_it_came_about(office: Office, reader: Person) -> None:
    verified(office)
    credential = reader.get("/api/v1/credentials", query_string={"q": MASKED}).json["items"][0]

    page = reader.get(f"/api/v1/credentials/{credential['id']}").json

    assert (page["document_number"], page["verified_by_label"]) == (MASKED, "人工审核")
    assert [line["sentence"] for line in page["history"]] == ["核发实名凭证（居民身份证，人工审核）"]


@pytest.mark.parametrize("path", ["/api/v1/persons/nobody", "/api/v1/credentials/nothing"])
def test_what_is_not_in_a_register_is_not_found(office: Office, reader: Person, path: str) -> None:
    answer = reader.get(path)

    assert answer.status_code == 404
    assert "列表" in answer.json["detail"]


def test_of_an_erased_person_the_outline_stays(office: Office, reader: Person) -> None:
    verified(office)
    person = reader.get("/api/v1/persons").json["items"][0]["id"]
    with transaction(office.platform.sessions) as session:
        vault.current().destroy_data_key(session, f"person:{person}", office.platform.clock())

    entry = reader.get("/api/v1/persons").json["items"][0]
    page = reader.get(f"/api/v1/persons/{person}", query_string={"reveal": "true"})

    assert (entry["name"], entry["document_number"], entry["is_erased"]) == (None, None, True)
    assert page.status_code == 200
    assert [each["document_number"] for each in page.json["credentials"]] == [None]
