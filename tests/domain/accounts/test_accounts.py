"""Accounts on a real database: who signs in with what, the accounts of a demo, and codes by SMS."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.accounts import account, demo_account, sms_code
from domain.accounts.passwords import check_password
from domain.acting import acting_groups
from domain.refused import Refused
from tests.domain.people import somebody

PASSWORD = "correct horse 9"

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
