from __future__ import annotations

import dataclasses

from api.app import create_app
from database import transaction
from domain.notice import queue_notice
from tests.api.conftest import PermitApplication, Person, Platform, an_application


def told(platform: Platform, permit: PermitApplication) -> None:
    """One notice to the applicant, one to the guards, one to the phone of somebody's old account."""
    to = permit.applicant.get("/api/v1/me").json["account_id"]
    with transaction(platform.sessions) as session:
        for recipient in ({"account_id": to}, {"group_key": "parking.guard"}, {"phone": "13812345678"}):
            template = "real_name.code" if "phone" in recipient else "real_name.verified"
            facts = {"code": "246810"} if "phone" in recipient else {}
            queue_notice(session, case_id=permit.id, template=template, now=platform.clock(), facts=facts, **recipient)


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
