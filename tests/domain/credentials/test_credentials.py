"""Credentials on a real database: one person, one document, one account; attempts at it, and the consent it needs."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.credentials import consent, credential, issuing
from domain.credentials.attempts import AttemptKind, attempts_today, count_attempt
from domain.documents.documents import DocumentType
from domain.persons import person
from domain.refused import Refused
from storage import vault
from storage.columns import Base, new_id
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.domain.people import LI, ZHANG, somebody, verified
from tests.servers import ServerMissing, start_postgres


def issue(session: Session, verification: issuing.Verification, now: datetime) -> credential.Credential:
    """As it stands in the register."""
    issued = issuing.issue_credential(session, verification, now)
    return session.get_one(credential.Credential, issued.id)


# ---- consents


def test_a_consent_given_twice_in_a_case_is_one_record(session: Session, now: datetime) -> None:
    who, case = somebody(session, now), new_id()

    for _ in "ab":
        consent.give_consent(session, who, consent.Purpose.KEEP_PORTRAIT, "1", now, case_id=case)

    assert consent.standing_consent(session, who, consent.Purpose.KEEP_PORTRAIT) is not None
    assert len(consent.consents_of(session, who)) == 1
    assert consent.withdraw_consent(session, who, consent.Purpose.KEEP_PORTRAIT, now) == 1
    assert consent.standing_consent(session, who, consent.Purpose.KEEP_PORTRAIT) is None


def test_forgetting_the_portrait_keeps_the_statutory_record(session: Session, now: datetime) -> None:
    issued = issue(session, verified(somebody(session, now)), now)
    person.keep_portrait(session, issued.person_id, b"jpeg", "consent-1")

    person.forget_portrait(session, issued.person_id)

    assert person.read_portrait(session, issued.person_id) is None
    assert person.read_identity(session, issued.person_id) == ZHANG


def test_destroying_a_persons_key_erases_the_name(session: Session, now: datetime) -> None:
    issued = issue(session, verified(somebody(session, now)), now)

    vault.current().destroy_data_key(session, person.data_owner(issued.person_id), now)

    with pytest.raises(vault.KeyDestroyed):
        person.read_identity(session, issued.person_id)


# ---- credentials


def test_a_second_account_is_refused_until_somebody_answered_for_it(session: Session, now: datetime) -> None:
    old = issue(session, verified(somebody(session, now)), now)
    second = somebody(session, now, "openid-2")

    with pytest.raises(Refused, match=r"credential\.already_valid"):
        issue(session, verified(second), now)
    new = issue(session, verified(second, replaces=frozenset({old.id})), now)

    assert (old.state, old.replaced_by, new.state) == ("REPLACED", new.id, "VALID")
    assert old.person_id == new.person_id


def test_a_legacy_number_is_the_same_document(session: Session, now: datetime) -> None:
    issue(session, verified(somebody(session, now)), now)

    found = person.find_person_by_document(session, DocumentType.RESIDENT_ID, "110105491231002")

    assert found is not None


def test_a_renewed_passport_stays_the_same_person(session: Session, now: datetime) -> None:
    who = somebody(session, now)
    first = issue(session, verified(who, person.identity("ANNA SMITH", "passport", "E1234567")), now)

    second = issue(session, verified(who, person.identity("Anna Smith", "passport", "E7654321")), now)

    assert (first.state, second.state) == ("REPLACED", "VALID")
    assert first.person_id == second.person_id


def test_another_person_on_the_same_account_is_in_the_way(session: Session, now: datetime) -> None:
    who = somebody(session, now)
    held = issue(session, verified(who), now)

    binding = issuing.find_binding(session, who, LI)

    assert binding.state is issuing.BindingState.ACCOUNT_TAKEN
    assert binding.in_the_way == (held.id,)


def test_what_was_found_unbound_is_looked_up_again_once_something_was_issued(session: Session, now: datetime) -> None:
    who = somebody(session, now)
    assert issuing.find_binding(session, who, ZHANG).state is issuing.BindingState.NEW
    assert issuing.find_binding(session, who, LI).state is issuing.BindingState.NEW
    first = issue(session, verified(who), now)

    with pytest.raises(Refused) as refused:
        issue(session, verified(who, LI), now)

    assert refused.value.code == "credential.already_valid"
    assert refused.value.facts == {"credential": first.id}


def test_only_the_database_decides_a_race(session: Session, now: datetime) -> None:
    first = issue(session, verified(somebody(session, now)), now)
    copy = {
        key: getattr(first, key) for key in ("person_id", "document_type", "number_hash", "verified_by", "issued_at")
    }

    second = credential.Credential(
        id=new_id(), account_id=somebody(session, now, "openid-2"), case_id=new_id(), state="VALID", **copy
    )

    session.add(second)
    with pytest.raises(IntegrityError):
        session.begin_nested()  # flushes first
    session.rollback()


def test_withdrawn_revoked_and_expired_credentials_free_the_number(session: Session, now: datetime) -> None:
    who = somebody(session, now)
    issued = issue(session, verified(who), now)
    credential.withdraw_credential(session, who, now)
    again = issue(session, verified(who), now)
    credential.revoke_credential(session, again.id, "altered", now)
    last = issue(session, verified(who, valid_until=date(2026, 3, 1)), now)

    assert credential.expire_credentials(session, date(2026, 3, 1), now) == 0
    assert credential.expire_credentials(session, date(2026, 3, 2), now) == 1

    session.expire_all()
    states = session.scalars(
        select(credential.Credential.state).where(credential.Credential.id.in_([issued.id, again.id, last.id]))
    )
    assert sorted(states) == ["EXPIRED", "REVOKED", "WITHDRAWN"]
    with pytest.raises(Refused, match=r"credential\.not_valid"):
        credential.revoke_credential(session, again.id, "altered", now)


@pytest.mark.server
def test_of_two_transactions_at_once_one_wins(now: datetime) -> None:
    try:
        with start_postgres() as url:
            winners, losers = _race(url, now)
    except ServerMissing as missing:
        pytest.skip(str(missing))

    assert (winners, losers) == (1, ["credential.already_valid"])


def _race(url: str, now: datetime) -> tuple[int, list[str]]:
    vault.use(vault.Vault(bytes(range(32))))
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    sessions = session_factory(engine)
    with transaction(sessions) as session:
        accounts = [somebody(session, now, openid) for openid in ("one", "two")]
    both_looked = threading.Barrier(2)
    refused: list[str] = []

    def issue(account_id: str) -> None:
        try:
            with transaction(sessions) as session:
                assert issuing.find_binding(session, account_id, ZHANG).in_the_way == ()
                both_looked.wait(timeout=20)
                issuing.issue_credential(session, verified(account_id), now)
        except Refused as no:
            refused.append(no.code)

    threads = [threading.Thread(target=issue, args=(one,)) for one in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with sessions() as session:
        valid = len(session.scalars(select(credential.Credential).where(credential.Credential.state == "VALID")).all())
    engine.dispose()
    return valid, refused


# ---- attempts


def test_attempts_end_with_the_local_day(session: Session, now: datetime) -> None:
    who, evening = somebody(session, now), datetime.fromisoformat("2026-03-02T23:59:00+08:00")
    count_attempt(session, who, "hash", new_id(), AttemptKind.DOCUMENT, evening)

    def used(at: datetime, kind: AttemptKind = AttemptKind.DOCUMENT) -> int:
        return attempts_today(session, who, "hash", kind, 3, at).used

    assert used(evening) == 1
    assert used(evening, AttemptKind.FACE) == 0
    assert used(evening + timedelta(minutes=1)) == 0
