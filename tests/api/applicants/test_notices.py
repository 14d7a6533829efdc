from __future__ import annotations

import dataclasses

from api.app import create_app
from bpmn.notices import wording_of
from domain.notice import queue_notice
from storage import vault
from storage.transactions import transaction
from tests.api.conftest import PermitApplication, Person, Platform, an_application

VERIFIED = "real_name.verified"


def told(platform: Platform, permit: PermitApplication) -> None:
    """One notice to the applicant, one to the guards, one to the phone of somebody's old account."""
    to = permit.applicant.get("/api/v1/me").json["account_id"]
    with transaction(platform.sessions) as session:
        for recipient in ({"account_id": to}, {"group_key": "parking.guard"}, {"phone": "13812345678"}):
            template = "real_name.code" if "phone" in recipient else VERIFIED
            facts = {"code": "246810"} if "phone" in recipient else {}
            queue_notice(
                session,
                case_id=permit.id,
                template=template,
                wording=wording_of(template),
                now=platform.clock(),
                facts=facts,
                **recipient,
            )


def test_in_the_sandbox_the_applicant_reads_the_own_notices_and_the_simulated_messages(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    told(platform, permit)

    notices = permit.applicant.get(f"/api/v1/applications/{permit.id}/notices").json["items"]

    assert [(each["title"], each["is_simulated_sms"]) for each in notices] == [
        ("认证成功", False),
        ("短信验证码", True),
    ]
    assert "246810" in notices[1]["text"]
    assert "13812345678" not in str(notices)


def test_outside_the_sandbox_a_message_to_a_phone_is_read_on_that_phone_only(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    told(platform, permit)
    settings = dataclasses.replace(platform.settings, sandbox=False, wechat_app_id="app", wechat_secret="secret")
    real = create_app(settings, platform.sessions, clock=platform.clock)

    same = Person(real.test_client(), permit.applicant.headers)
    notices = same.get(f"/api/v1/applications/{permit.id}/notices").json["items"]

    assert [each["title"] for each in notices] == ["认证成功"]


def test_whoever_acts_for_a_group_reads_its_notices_and_nobody_else_does(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    told(platform, permit)
    guard, other = platform.staff("guard", "parking.guard"), platform.staff("clerk", "somewhere.else")

    read = {who.name: who.get("/api/v1/notices").json["items"] for who in (guard, other, permit.applicant)}

    assert [(each["title"], each["case_id"]) for each in read["guard"]] == [("认证成功", permit.id)]
    assert read["clerk"] == []
    assert [each["title"] for each in read["zhangsan"]] == ["认证成功"]


def test_a_notice_to_every_applicant_is_nobodys(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    with transaction(platform.sessions) as session:
        queue_notice(
            session,
            case_id=permit.id,
            template=VERIFIED,
            wording=wording_of(VERIFIED),
            now=platform.clock(),
            group_key="applicant",
        )

    assert platform.citizen("li").get("/api/v1/notices").json["items"] == []


def test_my_notices_come_newest_first_a_page_at_a_time_without_those_of_an_erased_case(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    for _ in range(3):
        told(platform, permit)
    citizen = permit.applicant

    first = citizen.get("/api/v1/notices?limit=2").json
    second = citizen.get(f"/api/v1/notices?limit=2&cursor={first['next']}").json
    with transaction(platform.sessions) as session:
        vault.current().destroy_data_key(session, f"case:{permit.id}", platform.clock())

    ids = [each["id"] for each in first["items"] + second["items"]]
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert ids == sorted(ids, reverse=True)
    assert citizen.get("/api/v1/notices").json["items"] == []
