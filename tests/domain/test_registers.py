"""Accounts, consents, credentials, codes and notices on a real database."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

import vault
from database import Base, make_engine, new_id, session_factory, transaction
from domain import account, consent, credential, demo_account, notice, person, sms_code
from domain.acting import acting_groups
from domain.attempts import AttemptKind, attempts_today, count_attempt
from domain.documents import DocumentType
from domain.passwords import check_password
from domain.refused import Refused
from rows import insert_now
from tests.servers import ServerMissing, start_postgres

ZHANG = person.identity("张三", "resident_id", "11010519491231002x")
LI = person.identity("李四", "resident_id", "440524188001010014")
PASSWORD = "correct horse 9"


def verified(account_id: str, who: person.Identity = ZHANG, **values: object) -> credential.Verification:
    facts = {"account_id": account_id, "case_id": new_id(), "who": who, "verified_by": credential.VerifiedBy.READING}
    return credential.Verification(**(facts | values))


def somebody(session: Session, now: datetime, openid: str = "openid-1") -> str:
    return account.find_or_create_wechat_account(session, openid, now).id


# ---- accounts


def test_one_openid_is_one_account_and_is_not_readable(session: Session, now: datetime) -> None:
    first = account.find_or_create_wechat_account(session, "oAbC", now)

    assert account.find_or_create_wechat_account(session, "oAbC", now).id == first.id
    assert account.openid_of(session, first.id) == "oAbC"
    row = session.execute(text("SELECT * FROM account")).one()
    assert not any("oAbC" in str(value) or b"oAbC" in bytes(str(value), "utf-8") for value in row)


def test_wechat_accounts_are_applicants(session: Session, now: datetime) -> None:
    assert acting_groups(session, somebody(session, now)) == {"applicant"}
    assert acting_groups(session, "nobody") == frozenset()


def sign_in(session: Session, name: str, password: str, now: datetime) -> account.Account | Refused:
    checked = check_password(name, account.known_password_hash(session, name), password)
    return account.authenticate_console_account(session, checked, now)


def test_a_right_password_signs_in(session: Session, now: datetime) -> None:
    made = account.create_console_account(
        session, "Wang", PASSWORD, now, display_name="王", groups=frozenset({"real_name.reviewer"})
    )

    signed_in = sign_in(session, " wang ", PASSWORD, now)

    assert isinstance(signed_in, account.Account)
    assert signed_in.id == made.id
    assert acting_groups(session, made.id) == {"real_name.reviewer"}


def test_an_unknown_name_and_a_wrong_password_are_the_same_answer(session: Session, now: datetime) -> None:
    account.create_console_account(session, "wang", PASSWORD, now, display_name="王", groups=frozenset())

    answers = [sign_in(session, name, "wrong password", now) for name in ("wang", "nobody")]

    assert [(answer.code, answer.facts) for answer in answers if isinstance(answer, Refused)] == [
        ("account.wrong_password", {}),
        ("account.wrong_password", {}),
    ]


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(session: Session, now: datetime) -> None:
    account.create_console_account(session, "wang", PASSWORD, now, display_name="王", groups=frozenset())
    for _ in range(5):
        sign_in(session, "wang", "wrong password", now)

    locked = sign_in(session, "wang", PASSWORD, now + timedelta(minutes=14))
    after = sign_in(session, "wang", PASSWORD, now + timedelta(minutes=15))

    assert isinstance(locked, Refused)
    assert locked.code == "account.locked"
    assert isinstance(after, account.Account)


def test_guesses_checked_side_by_side_are_counted_one_by_one(session: Session, now: datetime) -> None:
    account.create_console_account(session, "wang", PASSWORD, now, display_name="王", groups=frozenset())
    known_hash = account.known_password_hash(session, "wang")
    guesses = [check_password("wang", known_hash, guess) for guess in [*["wrong password"] * 5, PASSWORD]]

    answers = [account.authenticate_console_account(session, guess, now) for guess in guesses]

    codes = [answer.code for answer in answers if isinstance(answer, Refused)]
    assert codes == ["account.wrong_password"] * 5 + ["account.locked"]


def test_a_password_replaced_while_it_was_checked_no_longer_signs_in(session: Session, now: datetime) -> None:
    account.create_console_account(session, "wang", PASSWORD, now, display_name="王", groups=frozenset())
    checked = check_password("wang", account.known_password_hash(session, "wang"), PASSWORD)
    account.reset_password(session, "wang", "another pass phrase")

    answer = account.authenticate_console_account(session, checked, now)

    assert isinstance(answer, Refused)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "wangwang1234"])
def test_weak_passwords_are_refused(session: Session, now: datetime, password: str) -> None:
    with pytest.raises(Refused, match=r"account\.weak_password"):
        account.create_console_account(session, "wang", password, now, display_name="王", groups=frozenset())


def test_demo_accounts_are_made_once(session: Session, now: datetime) -> None:
    first = demo_account.create_demo_accounts(session, now)
    second = demo_account.create_demo_accounts(session, now)

    assert [made.username for made in first] == ["reviewer", "supervisor", "admin"]
    for made in first:
        assert made.password is not None
        assert isinstance(sign_in(session, made.username, made.password, now), account.Account)
    assert [made.password for made in second] == [None, None, None]


def test_disabled_demo_accounts_sign_in_again_only_in_a_sandbox(session: Session, now: datetime) -> None:
    first = demo_account.create_demo_accounts(session, now)
    password = first[0].password
    assert password is not None

    assert demo_account.disable_demo_accounts(session, now) == 3
    refused = sign_in(session, "reviewer", password, now)
    demo_account.create_demo_accounts(session, now)

    assert isinstance(refused, Refused)
    assert isinstance(sign_in(session, "reviewer", password, now), account.Account)


def test_staff_with_a_demo_user_name_are_not_taken_for_demo_accounts(session: Session, now: datetime) -> None:
    account.create_console_account(session, "admin", PASSWORD, now, display_name="王管理", groups=frozenset())

    assert not demo_account.enabled_demo_accounts(session)


def issue(session: Session, verification: credential.Verification, now: datetime) -> credential.Credential:
    """As it stands in the register."""
    issued = credential.issue_credential(session, verification, now)
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

    binding = credential.find_binding(session, who, LI)

    assert binding.state is credential.BindingState.ACCOUNT_TAKEN
    assert binding.in_the_way == (held.id,)


def test_what_was_found_unbound_is_looked_up_again_once_something_was_issued(session: Session, now: datetime) -> None:
    who = somebody(session, now)
    assert credential.find_binding(session, who, ZHANG).state is credential.BindingState.NEW
    assert credential.find_binding(session, who, LI).state is credential.BindingState.NEW
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
                assert credential.find_binding(session, account_id, ZHANG).in_the_way == ()
                both_looked.wait(timeout=20)
                credential.issue_credential(session, verified(account_id), now)
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


# ---- codes by SMS


def test_a_code_works_once(session: Session, now: datetime) -> None:
    code = sms_code.make_code(session, "case:1", "13812345678", now)

    assert sms_code.check_code(session, "case:1", code, now).is_right
    assert not sms_code.check_code(session, "case:1", code, now).is_right
    assert not sms_code.check_code(session, "case:2", code, now).is_right


def test_three_wrong_tries_kill_a_code(session: Session, now: datetime) -> None:
    code = sms_code.make_code(session, "case:1", "13812345678", now)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    tries = [sms_code.check_code(session, "case:1", wrong, now).tries_left for _ in range(3)]

    assert tries == [2, 1, 0]
    assert not sms_code.check_code(session, "case:1", code, now).is_right


def test_codes_are_rare(session: Session, now: datetime) -> None:
    sms_code.make_code(session, "case:1", "13812345678", now)
    with pytest.raises(Refused, match=r"sms\.too_soon"):
        sms_code.make_code(session, "case:2", "+86 138-1234-5678", now + timedelta(seconds=59))
    for minute in range(1, 5):
        sms_code.make_code(session, "case:1", "13812345678", now + timedelta(minutes=minute))

    with pytest.raises(Refused, match=r"sms\.too_many"):
        sms_code.make_code(session, "case:1", "13812345678", now + timedelta(minutes=9))


# ---- notices


def a_notice(session: Session, now: datetime) -> str:
    case_id = new_id()
    vault.current().create_data_key(session, f"case:{case_id}", now)
    notice_id = notice.queue_notice(
        session, case_id=case_id, template="real_name.verified", now=now, account_id=somebody(session, now)
    )
    insert_now(session)
    return notice_id


def test_a_notice_of_a_time_to_come_is_due_when_the_clock_was_set_back(
    sessions: sessionmaker[Session], now: datetime
) -> None:
    with transaction(sessions) as session:
        a_notice(session, now + timedelta(hours=1))
        waiting = a_notice(session, now)
        notice.lease_notices(session, now, 10)

    with transaction(sessions) as session:
        assert notice.lease_notices(session, now, 10) == []
        assert notice.mend_future_times(session, now) == 1
        [due] = notice.lease_notices(session, now, 10)

    assert due.id != waiting


def test_a_leased_notice_is_not_sent_twice_at_once(sessions: sessionmaker[Session], now: datetime) -> None:
    with transaction(sessions) as session:
        a_notice(session, now)

    with transaction(sessions) as session:
        leased = notice.lease_notices(session, now, 10)
        assert notice.read_notice(session, leased[0]).title == "认证成功"
    with transaction(sessions) as session:
        assert notice.lease_notices(session, now, 10) == []
        again = notice.lease_notices(session, now + notice.LEASE, 10)
        notice.mark_sent(session, again[0].id, "sandbox", now)

    with transaction(sessions) as session:
        assert notice.lease_notices(session, now + timedelta(days=1), 10) == []


def test_a_notice_that_fails_is_tried_later_and_given_up_at_last(session: Session, now: datetime) -> None:
    notice_id = a_notice(session, now)
    tried = 0
    while leased := notice.lease_notices(session, now, 10):
        tried += 1
        notice.mark_failed(session, leased[0].id, "no answer", now)
        session.expire_all()
        now += timedelta(hours=3)

    found = session.get(notice.Notice, notice_id)
    assert found is not None
    assert (tried, found.state, found.error) == (8, "FAILED", "no answer")
