"""A case as it was, over HTTP and on the command line: masked like the case page, looks recorded like there."""

from __future__ import annotations

from sqlalchemy import func, select

from api.edge.model import EvidenceLook
from tests.api.commands.test_commands import flask, lines
from tests.api.conftest import Platform, an_application


def looks(platform: Platform) -> int:
    with platform.sessions() as session:
        wanted = select(func.count()).where(EvidenceLook.what == "case_at")
        return session.execute(wanted).scalar_one()


def test_the_past_is_masked_until_an_item_is_claimed_and_then_recorded(platform: Platform) -> None:
    permit = an_application(platform.citizen(), owner="张三丰")
    permit.send_photo()
    guard = platform.staff("guard")

    masked = guard.get(f"/api/v1/cases/{permit.id}/at/1")
    assert masked.status_code == 200, masked.text
    assert masked.json["is_masked"] is True
    assert "张三丰" not in masked.text
    assert looks(platform) == 0

    [item] = guard.get("/api/v1/inbox").json["items"]
    assert guard.post(f"/api/v1/work-items/{item['id']}/claim").status_code == 200
    shown = guard.get(f"/api/v1/cases/{permit.id}/at/1").json
    assert shown["variables"]["owner"] == "张三丰"
    assert (shown["seq"], shown["of"], shown["version"], shown["is_ended"]) == (1, 2, 1, False)
    assert shown["tokens"][0]["kind"] == "WORK_ITEM"
    assert looks(platform) == 1


def test_who_may_not_see_the_case_may_not_see_its_past(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    stranger = platform.staff("stranger", "somewhere.else")

    assert stranger.get(f"/api/v1/cases/{permit.id}/at/1").json["code"] == "case.unknown"
    permit.send_photo()
    assert platform.staff("guard").get(f"/api/v1/cases/{permit.id}/at/9").json["code"] == "journal.no_entry"


def test_case_at_tells_it_on_the_command_line(platform: Platform) -> None:
    permit = an_application(platform.citizen(), owner="张三丰")

    [masked] = lines(flask(platform, "case-at", permit.id, "1", "--json"))
    [full] = lines(flask(platform, "case-at", permit.id, "1", "--json", "--full"))

    assert masked["variables"]["owner"] != "张三丰"
    assert full["variables"]["owner"] == "张三丰"
    assert "没有这条流水" in flask(platform, "case-at", permit.id, "7").output
