from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import event, func, select

from api.edge.auth import COOKIE, Audience, identify
from api.edge.errors import Rejected
from api.edge.limits import limiter
from api.edge.model import ApiSession
from api.sign_in.wechat import WechatLogin
from domain.accounts.account import Account
from tests.api.conftest import PASSWORD, Person, Platform
from tests.api.provinces import a_province, staff_of

CONSOLE = {"X-Requested-With": "console"}


def sign_in(platform: Platform, username: str, password: str, **headers: str) -> tuple[int, str]:
    body = {"username": username, "password": password}
    answer = platform.app.test_client().post("/api/v1/session/password", json=body, headers={**CONSOLE, **headers})
    return answer.status_code, answer.json.get("code", "")


def test_the_same_wechat_user_has_one_account(platform: Platform) -> None:
    first, second, other = platform.citizen("wang"), platform.citizen("wang"), platform.citizen("li")

    ids = [person.get("/api/v1/me").json["account_id"] for person in (first, second, other)]

    assert ids[0] == ids[1] != ids[2]
    assert first.get("/api/v1/me").json["groups"] == ["applicant"]


def test_a_code_that_is_no_sandbox_code_is_refused(platform: Platform) -> None:
    answer = platform.app.test_client().post("/api/v1/session/wechat", json={"code": "081Kq4Ga1"})

    assert (answer.status_code, answer.json["code"]) == (401, "wechat.code_refused")


def test_the_database_never_holds_a_token(platform: Platform) -> None:
    token = platform.citizen().headers["Authorization"].removeprefix("Bearer ")

    with platform.sessions() as session:
        kept = session.scalars(select(ApiSession.token_hash)).all()

    assert len(kept) == 1
    assert token.encode() not in kept[0]


def test_after_signing_out_the_token_opens_nothing(platform: Platform) -> None:
    citizen = platform.citizen()

    left = citizen.delete("/api/v1/session")

    assert left.status_code == 204
    assert citizen.get("/api/v1/me").json["code"] == "auth.expired"


def test_a_disabled_account_is_out_at_once(platform: Platform) -> None:
    guard = platform.staff()
    with platform.sessions() as session:
        account = session.scalars(select(Account).where(Account.username == "guard")).one()
        account.disabled_at = platform.clock()
        session.commit()

    answer = guard.get("/api/v1/me")

    assert (answer.status_code, answer.json["code"]) == (401, "auth.expired")


def test_the_console_cookie_is_kept_from_scripts_and_other_sites(platform: Platform) -> None:
    platform.staff()
    client = platform.app.test_client()

    answer = client.post("/api/v1/session/password", json={"username": "guard", "password": PASSWORD}, headers=CONSOLE)

    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert PASSWORD not in answer.text


def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(platform: Platform) -> None:
    platform.staff()
    tries = [sign_in(platform, "guard", "wrong-password")[1] for _ in range(5)]
    limiter.reset()  # what follows is the lock kept in the database

    locked = sign_in(platform, "guard", PASSWORD)
    platform.clock.pass_time(minutes=16)
    later = sign_in(platform, "guard", PASSWORD)

    assert tries == ["sign_in.failed"] * 5
    assert locked == (429, "sign_in.locked")
    assert later == (201, "")


def test_guessing_tells_nobody_which_user_names_exist(platform: Platform) -> None:
    platform.staff()

    known = [sign_in(platform, "guard", "wrong-password") for _ in range(7)]
    unknown = [sign_in(platform, "nobody", "wrong-password") for _ in range(7)]

    assert known == unknown == [(401, "sign_in.failed")] * 5 + [(429, "sign_in.locked")] * 2


@pytest.mark.parametrize("headers", [{}, {"X-Requested-With": "console", "Sec-Fetch-Site": "cross-site"}])
def test_a_request_that_another_site_could_send_changes_nothing(platform: Platform, headers: dict[str, str]) -> None:
    guard = platform.staff()

    forged = guard.client.delete("/api/v1/session", headers=headers)

    assert (forged.status_code, forged.json["code"]) == (403, "auth.cross_site")
    assert guard.get("/api/v1/me").status_code == 200


def test_an_unused_console_session_ends_after_half_an_hour_and_a_used_one_does_not(platform: Platform) -> None:
    guard = platform.staff()
    for _ in range(3):
        platform.clock.pass_time(minutes=20)
        assert guard.get("/api/v1/me").status_code == 200

    platform.clock.pass_time(minutes=31)

    assert guard.get("/api/v1/me").json["code"] == "auth.expired"


def test_a_console_session_ends_after_twelve_hours_however_busy(platform: Platform) -> None:
    guard = platform.staff()

    for _ in range(12 * 3 - 1):
        platform.clock.pass_time(minutes=20)
        assert guard.get("/api/v1/me").status_code == 200
    platform.clock.pass_time(minutes=20)

    assert guard.get("/api/v1/me").json["code"] == "auth.expired"


def prove_phone(citizen: Person, code: str) -> tuple[int, str]:
    answer = citizen.post("/api/v1/me/phone", {"phone": "13812345678", "code": code})
    return answer.status_code, answer.json.get("code", "")


def test_a_phone_is_bound_by_the_code_that_was_sent_to_it(platform: Platform) -> None:
    citizen = platform.citizen()
    sent = citizen.post("/api/v1/sms-codes", {"phone": "138 1234 5678"})

    bound = citizen.post("/api/v1/me/phone", {"phone": "13812345678", "code": sent.json["sandbox_code"]})

    assert sent.json["valid_for_s"] == 300
    assert bound.json == {"phone": "138****5678"}
    assert prove_phone(citizen, sent.json["sandbox_code"]) == (422, "sms.code_wrong")  # works once


def test_guessing_a_code_kills_it(platform: Platform) -> None:
    citizen = platform.citizen()
    code = citizen.post("/api/v1/sms-codes", {"phone": "13812345678"}).json["sandbox_code"]
    wrong = "000000" if code != "000000" else "111111"

    guesses = [prove_phone(citizen, wrong) for _ in range(3)]

    assert guesses == [(422, "sms.code_wrong")] * 3
    assert prove_phone(citizen, code) == (422, "sms.code_wrong")


def test_a_second_code_within_a_minute_is_refused_with_the_time_to_wait(platform: Platform) -> None:
    citizen = platform.citizen()
    citizen.post("/api/v1/sms-codes", {"phone": "13812345678"})
    platform.clock.pass_time(seconds=20)

    soon = citizen.post("/api/v1/sms-codes", {"phone": "13812345678"})
    platform.clock.pass_time(seconds=40)
    later = citizen.post("/api/v1/sms-codes", {"phone": "13812345678"})

    assert (soon.status_code, soon.json["code"], soon.headers["Retry-After"]) == (429, "sms.too_soon", "40")
    assert later.status_code == 201


class FakeWechat(BaseHTTPRequestHandler):
    answers: dict[str, dict[str, object]] = {
        "good": {"openid": "o-1", "session_key": "secret"},
        "used": {"errcode": 40163, "errmsg": "code been used"},
        "busy": {"errcode": -1, "errmsg": "system error"},
    }

    def do_GET(self) -> None:
        code = self.path.partition("js_code=")[2].partition("&")[0]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(self.answers[code]).encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def wechat() -> Iterator[WechatLogin]:
    server = HTTPServer(("127.0.0.1", 0), FakeWechat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield WechatLogin("app", "secret", f"http://127.0.0.1:{server.server_port}/sns/jscode2session")
    server.shutdown()
    server.server_close()


def test_wechat_names_the_user_of_a_code(wechat: WechatLogin) -> None:
    assert wechat("good") == "wechat:o-1"


@pytest.mark.parametrize(("code", "refusal"), [("used", "wechat.code_refused"), ("busy", "wechat.unavailable")])
def test_what_wechat_refuses_is_told_apart_from_what_it_cannot_answer(
    wechat: WechatLogin, code: str, refusal: str
) -> None:
    with pytest.raises(Rejected) as no:
        wechat(code)

    assert no.value.code == refusal


def test_wechat_being_away_is_said_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    nobody = WechatLogin("app", "top-secret", "http://127.0.0.1:9/")

    with pytest.raises(Rejected, match="unavailable"):
        nobody("any")

    assert "top-secret" not in caplog.text


def test_signing_in_twice_from_one_account_keeps_both_sessions(platform: Platform) -> None:
    platform.citizen("wang")
    platform.citizen("wang")

    with platform.sessions() as session:
        count = session.scalar(select(func.count()).select_from(ApiSession))

    assert count == 2


def test_a_page_that_only_polls_does_not_keep_its_session_alive(platform: Platform) -> None:
    guard = platform.staff()
    for _ in range(3):
        platform.clock.pass_time(minutes=9)
        assert guard.get("/api/v1/inbox/counts").status_code == 200

    platform.clock.pass_time(minutes=4)

    assert guard.get("/api/v1/inbox/counts").json["code"] == "auth.expired"


@pytest.mark.parametrize(("unit", "statements"), [(None, 1), ("420100", 2)])
def test_a_caller_without_unit_or_person_is_known_by_one_select(
    platform: Platform, unit: str | None, statements: int
) -> None:
    a_province(platform)
    person = staff_of(platform, unit) if unit else platform.staff("plain")
    token = person.client.get_cookie(COOKIE).value
    asked: list[str] = []
    event.listen(platform.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    with platform.sessions() as session:
        identify(session, token, Audience.CONSOLE, platform.clock())

    assert [line.split()[0] for line in asked if not line.startswith("BEGIN")] == ["SELECT", "WITH"][:statements]


def test_a_clock_set_by_an_hour_ends_sessions_only_where_an_hour_has_passed(platform: Platform) -> None:
    """Ahead: an hour has passed as far as anybody can know, and the console asks to sign in. Back: nothing ends."""
    citizen, guard = platform.citizen(), platform.staff()

    platform.clock.pass_time(hours=-1)
    set_back = [person.get("/api/v1/me").status_code for person in (citizen, guard)]
    platform.clock.pass_time(hours=2)
    ahead = [person.get("/api/v1/me") for person in (citizen, guard)]
    signed_in_ahead = platform.sign_in("guard")
    platform.clock.pass_time(hours=-1)

    assert set_back == [200, 200]
    assert [answer.status_code for answer in ahead] == [200, 401]
    assert ahead[1].json["code"] == "auth.expired"
    assert signed_in_ahead.get("/api/v1/me").status_code == 200
