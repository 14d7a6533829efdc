"""What I agreed to, and taking back the consent to keep my portrait."""

from __future__ import annotations

from datetime import timedelta

from domain.accounts.account import find_account
from domain.credentials.consent import Purpose, give_consent, standing_consent
from domain.persons.person import identity, keep_portrait, read_portrait, register_person
from storage.transactions import transaction
from tests.api.conftest import Person, Platform


def _with_a_portrait(platform: Platform, citizen: Person) -> str:
    """The person's id: verified, the portrait kept under this account's consent."""
    with transaction(platform.sessions) as session:
        account = find_account(session, citizen.get("/api/v1/me").json["account_id"])
        person = register_person(session, identity("张三", "resident_id", "11010519491231002x"), platform.clock())
        account.person_id = person.id
        give_consent(session, account.id, Purpose.READ_DOCUMENT, "read_document/2026-01", platform.clock())
        later = platform.clock() + timedelta(seconds=1)
        give_consent(session, account.id, Purpose.KEEP_PORTRAIT, "keep_portrait/2026-01", later)
        consent = standing_consent(session, account.id, Purpose.KEEP_PORTRAIT)
        keep_portrait(session, person.id, b"a face", consent)
        return person.id


def test_a_withdrawn_consent_deletes_the_portrait_and_stays_on_record(platform: Platform) -> None:
    citizen = platform.citizen()
    person_id = _with_a_portrait(platform, citizen)

    answers = [citizen.delete("/api/v1/me/consents/keep_portrait").status_code for _ in range(2)]

    with platform.sessions() as session:
        assert read_portrait(session, person_id) is None
    told = citizen.get("/api/v1/me/consents").json["items"]
    assert answers == [204, 204]
    assert [(one["purpose"], one["withdrawn_at"] is None) for one in told] == [
        ("keep_portrait", False),
        ("read_document", True),
    ]


def test_after_a_rebinding_the_new_account_may_end_what_the_old_one_agreed_to(platform: Platform) -> None:
    old, new = platform.citizen("old"), platform.citizen("new")
    person_id = _with_a_portrait(platform, old)
    with transaction(platform.sessions) as session:
        find_account(session, old.get("/api/v1/me").json["account_id"]).person_id = None
        find_account(session, new.get("/api/v1/me").json["account_id"]).person_id = person_id

    assert new.delete("/api/v1/me/consents/keep_portrait").status_code == 204

    with platform.sessions() as session:
        assert read_portrait(session, person_id) is None


def test_nobody_takes_back_what_another_agreed_to(platform: Platform) -> None:
    holder, other = platform.citizen("holder"), platform.citizen("other")
    person_id = _with_a_portrait(platform, holder)

    other.delete("/api/v1/me/consents/keep_portrait")

    with platform.sessions() as session:
        assert read_portrait(session, person_id) == b"a face"
        account_id = holder.get("/api/v1/me").json["account_id"]
        assert standing_consent(session, account_id, Purpose.KEEP_PORTRAIT) is not None
    assert other.get("/api/v1/me/consents").json == {"items": []}


def test_a_consent_that_serves_one_application_goes_with_the_application(platform: Platform) -> None:
    citizen = platform.citizen()

    answers = [citizen.delete(f"/api/v1/me/consents/{purpose}") for purpose in ("read_document", "sleep")]

    assert [(one.status_code, one.json["code"]) for one in answers] == [
        (409, "consent.of_application"),
        (404, "consent.unknown"),
    ]
