"""Notices leave by SMS where a phone is known; one to a group reaches every member, each with a key of its own."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import select

from bpmn.notices import wording_of
from composition import Platform, compose
from config import load_settings
from domain.accounts.account import AccountGroup, bind_phone, find_or_create_wechat_account
from domain.accounts.phone_account import find_or_create_phone_account
from domain.credentials.credential import VerifiedBy
from domain.credentials.issuing import Verification, issue_credential
from domain.notice import Notice, NoticeState, queue_notice
from domain.persons.person import identity, keep_person_phone
from migrations.tables import every_table
from storage import vault
from storage.columns import Base, new_id
from storage.transactions import transaction
from tasks.notify import send_notices
from tasks.process import use_platform

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
VERIFIED = "real_name.verified"


class Provider:
    """An SMS provider: keeps what it is sent; refuses the phones it is told to."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.refuses: set[str] = set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_refused = message["phone"] in provider.refuses
                if not is_refused:
                    provider.sent.append(message)
                self.send_response(500 if is_refused else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/sms"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def platform(tmp_path, provider: Provider) -> Iterator[Platform]:
    every_table()
    sandbox = compose(load_settings({"VAR_DIR": str(tmp_path), "FLOWS_DIR": str(tmp_path / "flows")}))
    settings = dataclasses.replace(sandbox.settings, sandbox=False, sms_url=provider.url, sms_token="t")
    made = dataclasses.replace(sandbox, settings=settings)
    Base.metadata.create_all(made.engine)
    use_platform(made)
    yield made
    use_platform(None)
    made.engine.dispose()


def queued(platform: Platform, **recipient: str) -> str:
    case = new_id()
    with transaction(platform.sessions) as session:
        vault.current().create_data_key(session, f"case:{case}", NOW)
        return queue_notice(
            session, case_id=case, template=VERIFIED, wording=wording_of(VERIFIED), now=NOW, **recipient
        )


def state_of(platform: Platform, notice: str) -> tuple[str, str | None]:
    with platform.sessions() as session:
        found = session.scalars(select(Notice).where(Notice.id == notice)).one()
        return found.state, found.sent_by


def a_member(platform: Platform, phone: str, group: str) -> str:
    with transaction(platform.sessions) as session:
        account = find_or_create_phone_account(session, phone, NOW)
        session.add(AccountGroup(account_id=account.id, group_key=group))
        return account.id


def test_a_group_s_notice_goes_to_every_member_once_with_its_own_key(platform: Platform, provider: Provider) -> None:
    members = [a_member(platform, f"1380000000{n}", "some.inbox") for n in range(3)]
    notice = queued(platform, group_key="some.inbox")

    send_notices()
    send_notices()

    assert sorted(each["phone"] for each in provider.sent) == ["13800000000", "13800000001", "13800000002"]
    assert {each["key"] for each in provider.sent} == {f"{notice}:{member}" for member in members}
    assert state_of(platform, notice) == (NoticeState.SENT, "sms")


def test_a_group_without_any_phone_reads_it_in_the_application(platform: Platform, provider: Provider) -> None:
    notice = queued(platform, group_key="nobody.here")

    send_notices()

    assert provider.sent == []
    assert state_of(platform, notice) == (NoticeState.SENT, "in_app")


def test_a_person_is_reached_at_the_phone_the_account_or_the_person_proved(
    platform: Platform, provider: Provider
) -> None:
    with transaction(platform.sessions) as session:
        account = find_or_create_wechat_account(session, "zhang", NOW)
        who = identity("张三", "resident_id", "11010519491231002X")
        verified = Verification(account_id=account.id, case_id=new_id(), who=who, verified_by=VerifiedBy.READING)
        person = issue_credential(session, verified, NOW).person_id
        keep_person_phone(session, person, "13900000001")
    to_person, to_account = queued(platform, group_key=f"person:{person}"), queued(platform, account_id=account.id)

    send_notices()
    with transaction(platform.sessions) as session:
        bind_phone(session, account.id, "13900000002")
    later = queued(platform, group_key=f"person:{person}")
    send_notices()

    assert [(each["phone"], each["key"]) for each in provider.sent] == [
        ("13900000001", f"{to_person}:{account.id}"),
        ("13900000001", to_account),
        ("13900000002", f"{later}:{account.id}"),
    ]


def test_where_one_member_s_message_fails_the_notice_is_tried_again_with_the_same_keys(
    platform: Platform, provider: Provider
) -> None:
    for n in range(2):
        a_member(platform, f"1380000000{n}", "some.inbox")
    provider.refuses = {"13800000001"}
    notice = queued(platform, group_key="some.inbox")

    send_notices()
    state = state_of(platform, notice)
    keys = [each["key"] for each in provider.sent]
    provider.refuses = set()
    with transaction(platform.sessions) as session:
        session.get(Notice, notice).next_at = NOW
    send_notices()

    assert state == (NoticeState.QUEUED, None)
    assert state_of(platform, notice) == (NoticeState.SENT, "sms")
    assert set(keys) < {each["key"] for each in provider.sent}
    assert len({each["key"] for each in provider.sent}) == 2


def test_a_message_to_a_bare_phone_goes_there(platform: Platform, provider: Provider) -> None:
    notice = queued(platform, phone="13700000001")

    send_notices()

    assert [(each["phone"], each["key"]) for each in provider.sent] == [("13700000001", notice)]
    assert "您的实名认证已通过" in provider.sent[0]["text"]
