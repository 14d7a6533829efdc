"""Signing in with a phone on the portal: one code, one account, nothing to be learned about a number."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from api.app import create_app
from api.edge.limits import limiter
from domain.accounts.account import Account, AccountKind
from tests.api.conftest import Person, Platform

PHONE = "13800000001"


@pytest.fixture
def client(platform: Platform) -> FlaskClient:
    limiter.reset()
    return platform.app.test_client()


def ask_code(client: FlaskClient, phone: str = PHONE) -> str:
    answer = client.post("/api/v1/session/phone/code", json={"phone": phone})
    assert answer.status_code == 201, answer.text
    return answer.json["sandbox_code"]


def sign_in(client: FlaskClient, code: str, phone: str = PHONE):
    return client.post("/api/v1/session/phone", json={"phone": phone, "code": code})


def test_a_proved_phone_is_one_account_however_it_is_written(platform: Platform, client: FlaskClient) -> None:
    first = sign_in(client, ask_code(client))
    platform.clock.pass_time(minutes=2)
    second = sign_in(client, ask_code(client, "+86 138-0000-0001"), "１３８００００００１"[:3] + "00000001")

    people = [Person(client, {"Authorization": f"Bearer {each.json['token']}"}) for each in (first, second)]
    me = [person.get("/api/v1/me").json for person in people]
    assert me[0]["account_id"] == me[1]["account_id"]
    assert (me[0]["kind"], me[0]["groups"], me[0]["may"]) == ("PHONE", ["phone_applicant"], [])
    assert first.json["sandbox"] is True


def test_the_phone_is_not_readable_in_the_database(platform: Platform, client: FlaskClient) -> None:
    sign_in(client, ask_code(client))

    with platform.sessions() as session:
        rows = (
            session.execute(text("SELECT * FROM account")).all() + session.execute(text("SELECT * FROM sms_code")).all()
        )

    assert len(rows) == 2
    assert not any(
        PHONE in str(value) or (isinstance(value, bytes) and PHONE.encode() in value) for row in rows for value in row
    )


def test_a_known_and_an_unknown_phone_get_the_same_answers(platform: Platform, client: FlaskClient) -> None:
    sign_in(client, ask_code(client))
    platform.clock.pass_time(minutes=2)

    asked = [client.post("/api/v1/session/phone/code", json={"phone": phone}) for phone in (PHONE, "13900000002")]
    wrong = [sign_in(client, "000000", phone) for phone in (PHONE, "13900000002", "13700000003")]

    assert [(each.status_code, sorted(each.json)) for each in asked] == [(201, ["sandbox_code", "valid_for_s"])] * 2
    assert {(each.status_code, each.json["code"]) for each in wrong} == {(422, "sms.code_wrong")}
    with platform.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Account).where(Account.kind == AccountKind.PHONE)) == 1


def test_a_code_works_once_and_only_for_its_phone(client: FlaskClient) -> None:
    code = ask_code(client)

    elsewhere = sign_in(client, code, "13900000002")
    right, again = sign_in(client, code), sign_in(client, code)

    assert [each.status_code for each in (elsewhere, right, again)] == [422, 201, 422]


def test_after_three_wrong_guesses_the_right_code_is_refused_too(client: FlaskClient) -> None:
    code = ask_code(client)
    wrong = "000000" if code != "000000" else "111111"

    answers = [sign_in(client, guess).status_code for guess in (wrong, wrong, wrong, code)]

    assert answers == [422, 422, 422, 422]


def test_a_code_ends_after_five_minutes(platform: Platform, client: FlaskClient) -> None:
    code = ask_code(client)

    platform.clock.pass_time(minutes=5)

    assert sign_in(client, code).json["code"] == "sms.code_wrong"


def test_a_second_code_within_a_minute_waits(client: FlaskClient) -> None:
    ask_code(client)

    answer = client.post("/api/v1/session/phone/code", json={"phone": PHONE})

    assert (answer.status_code, answer.json["code"]) == (429, "sms.too_soon")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_guessing_at_one_phone_is_limited_whatever_the_code(client: FlaskClient) -> None:
    answers = [sign_in(client, f"{n:06d}") for n in range(21)]

    assert {each.status_code for each in answers[:20]} == {422}
    assert (answers[20].status_code, answers[20].json["code"]) == (429, "request.too_often")


@pytest.mark.parametrize("phone", ["12345678901", "abcdefghijk", "1380000000"])
def test_what_is_no_mobile_number_is_refused(client: FlaskClient, phone: str) -> None:
    answer = client.post("/api/v1/session/phone/code", json={"phone": phone})

    assert (answer.status_code, answer.json["code"]) == (422, "phone.form")


def test_the_portal_forgets_a_phone_that_is_not_used_for_two_hours(platform: Platform, client: FlaskClient) -> None:
    token = sign_in(client, ask_code(client)).json["token"]
    person = Person(client, {"Authorization": f"Bearer {token}"})

    platform.clock.pass_time(hours=2)

    assert person.get("/api/v1/me").json["code"] == "auth.expired"


def test_signing_out_ends_the_token(client: FlaskClient) -> None:
    person = Person(client, {"Authorization": f"Bearer {sign_in(client, ask_code(client)).json['token']}"})

    person.delete("/api/v1/session")

    assert person.get("/api/v1/me").status_code == 401


class Provider:
    """An SMS provider that keeps what it is sent, or fails."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.fails = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not provider.fails:
                    provider.sent.append(message)
                self.send_response(500 if provider.fails else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def real(platform: Platform, provider: Provider) -> FlaskClient:
    """A client of the same platform outside the sandbox."""
    limiter.reset()
    settings = dataclasses.replace(
        platform.settings,
        sandbox=False,
        wechat_app_id="app",
        wechat_secret="secret",
        sms_url=f"http://127.0.0.1:{provider.server.server_port}/sms",
    )
    return create_app(settings, platform.sessions, clock=platform.clock).test_client()


def test_outside_the_sandbox_the_code_goes_to_the_phone_only(real: FlaskClient, provider: Provider) -> None:
    answer = real.post("/api/v1/session/phone/code", json={"phone": PHONE})

    code = provider.sent[0]["text"].removeprefix("您的验证码是 ")[:6]
    assert (answer.status_code, answer.json["sandbox_code"]) == (201, None)
    assert [each["phone"] for each in provider.sent] == [PHONE]
    assert sign_in(real, code).status_code == 201


def test_a_provider_that_fails_is_no_code_sent(real: FlaskClient, provider: Provider) -> None:
    provider.fails = True

    answer = real.post("/api/v1/session/phone/code", json={"phone": PHONE})

    assert (answer.status_code, answer.json["code"]) == (503, "sms.unavailable")
