"""本人业务账号管理 over HTTP: redeeming a code, and what a manager does with a grant."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Person, a_jpeg
from tests.api.granting import Province, code_of, number_of
from tests.flows.business_grant.cases import AGREED, NURSES, Someone
from tests.flows.readings import a_selfie_match

MINE = "/api/v1/my/grants"


@pytest.fixture
def li(province: Province) -> tuple[Someone, Person]:
    return province.person("李梅")


@pytest.fixture
def code(province: Province, clerk: Person) -> str:
    text: str = clerk.post(f"{province.path}/code").json["code"]
    return text


@pytest.fixture
def manager(province: Province, clerk: Person, wang: tuple[Someone, Person]) -> Person:
    assert clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])}).status_code == 200
    return wang[1]


@pytest.fixture
def path(province: Province) -> str:
    return f"{MINE}/{province.hospital.grant}"


def fills(person: Person, grant: dict[str, Any], **values: Any) -> Any:
    """The open form that waits for them."""
    item = next(each["work_item_id"] for each in grant["pending"] if each["is_mine"])
    answer = person.post(f"/api/v1/work-items/{item}/complete", {"values": values})
    assert answer.status_code == 200, answer.text
    return answer


def shows_face(province: Province, person: Person, grant: dict[str, Any]) -> None:
    """Consent, a photo uploaded by the very person, and a comparison that says it is them."""
    fills(person, grant, **AGREED)
    item = next(each for each in listed(person) if each["pending"])["pending"][0]["work_item_id"]
    photo = person.upload(item, a_jpeg(), form_field="selfie")
    assert photo.status_code == 201, photo.text
    assert (
        person.post(f"/api/v1/work-items/{item}/complete", {"values": {"selfie": photo.json["id"]}}).status_code == 200
    )
    province.tenure().job("face.match").returns(a_selfie_match("same"))


def listed(person: Person) -> list[dict[str, Any]]:
    found = person.get(MINE).json
    return [*found["items"], *found["asked"]]


# ---- redeeming


def test_a_code_is_redeemed_in_the_mini_program(province: Province, code: str, wang: tuple[Someone, Person]) -> None:
    someone, person = wang
    answer = person.post(f"{MINE}/redeem", {"code": f" {code[:4].lower()}-{code[4:]} "})
    assert answer.status_code == 200, answer.text

    shows_face(province, person, answer.json)

    assert province.hospital.register().manager_person_id == someone.person
    mine = person.get(MINE).json["items"]
    assert [(each["institution"], each["role_label"], each["state_label"]) for each in mine] == [
        ("武昌区第一医院", "管理人", "已授权")
    ]


@pytest.mark.parametrize("which", ["unknown", "used", "expired", "replaced", "mistyped", "reserved"])
def test_a_code_that_does_not_work_tells_nothing(
    province: Province, clerk: Person, code: str, wang: tuple[Someone, Person], li: tuple[Someone, Person], which: str
) -> None:
    entered = {"unknown": "ZZZZ9999", "mistyped": code[:-1]}.get(which, code)
    if which == "used":
        clerk.post(f"{province.path}/bind", {"document_number": number_of(li[0])})
    elif which == "expired":
        province.platform.clock.pass_time(days=31)
        wang = (wang[0], province.app_of(wang[0].account))
    elif which == "replaced":
        clerk.post(f"{province.path}/code/replace")
    elif which == "reserved":
        assert li[1].post(f"{MINE}/redeem", {"code": code}).status_code == 200

    answer = wang[1].post(f"{MINE}/redeem", {"code": entered})

    assert {**answer.json, "instance": ""} == {
        "type": "/docs#grant.code_not_valid",
        "title": "授权码不可用",
        "status": 409,
        "detail": "请核对授权码；已使用、已过期或已更换的不能再用，可向授权单位索取新的授权码。",
        "code": "grant.code_not_valid",
        "instance": "",
    }


def test_five_wrong_codes_lock_for_a_day(province: Province, code: str, wang: tuple[Someone, Person]) -> None:
    for guess in range(5):
        assert code_of(wang[1].post(f"{MINE}/redeem", {"code": f"ZZZZ999{guess + 2}"}))[1] == "grant.code_not_valid"

    assert code_of(wang[1].post(f"{MINE}/redeem", {"code": code})) == (429, "grant.attempts_locked")
    province.platform.clock.pass_time(days=1)
    again = province.app_of(wang[0].account)
    assert again.post(f"{MINE}/redeem", {"code": code}).status_code == 200


def test_five_tries_with_an_institutions_old_code_tell_its_unit(
    province: Province, clerk: Person, code: str, wang: tuple[Someone, Person], li: tuple[Someone, Person]
) -> None:
    clerk.post(f"{province.path}/code/replace")

    for _ in range(5):
        wang[1].post(f"{MINE}/redeem", {"code": code})

    assert "code_locked → unit:420106" in province.tenure().notices()
    assert province.hospital.code is not None
    locked = li[1].post(f"{MINE}/redeem", {"code": province.hospital.code})
    assert code_of(locked) == (429, "grant.attempts_locked")


def test_codes_are_not_guessed_quickly(wang: tuple[Someone, Person]) -> None:
    answers = [wang[1].post(f"{MINE}/redeem", {"code": "ZZZZ9999"}).status_code for _ in range(11)]

    assert answers[-1] == 429


def test_who_is_not_verified_by_resident_id_redeems_nothing(province: Province, code: str) -> None:
    _, visitor = province.visitor()

    for person in (visitor, province.stranger()):
        assert code_of(person.post(f"{MINE}/redeem", {"code": code})) == (403, "grant.verify_first")
        assert code_of(person.get(MINE)) == (403, "grant.verify_first")


def test_staff_redeem_nothing(clerk: Person, code: str) -> None:
    assert code_of(clerk.post(f"{MINE}/redeem", {"code": code})) == (403, "grant.verify_first")


# ---- transfer


def test_a_target_is_named_masked(path: str, manager: Person, li: tuple[Someone, Person]) -> None:
    answer = manager.post(f"{path}/target", {"document_number": number_of(li[0])})

    assert answer.json == {"name": "李*"}


def test_a_transfer_goes_all_the_way(
    province: Province, path: str, manager: Person, li: tuple[Someone, Person]
) -> None:
    grant = manager.post(f"{path}/transfer", {"document_number": number_of(li[0])}).json
    shows_face(province, manager, grant)
    waiting = manager.get(MINE).json["items"][0]["pending"]
    assert [(each["title"], each["name"]) for each in waiting] == [("转移管理人：待对方确认", "李*")]

    asked = li[1].get(MINE).json["asked"]
    assert [each["institution"] for each in asked] == ["武昌区第一医院"]
    fills(li[1], asked[0], answer="accept")
    province.delivers()

    assert manager.get(MINE).json == {"items": [], "asked": []}
    assert [each["role_label"] for each in li[1].get(MINE).json["items"]] == ["管理人"]


def test_a_transfer_is_taken_back(province: Province, path: str, manager: Person, li: tuple[Someone, Person]) -> None:
    assert code_of(manager.post(f"{path}/transfer/cancel")) == (409, "grant.no_transfer")
    manager.post(f"{path}/transfer", {"document_number": number_of(li[0])})
    assert code_of(manager.post(f"{path}/transfer", {"document_number": number_of(li[0])})) == (
        409,
        "grant.change_running",
    )

    answer = manager.post(f"{path}/transfer/cancel")

    assert answer.json["pending"] == []


@pytest.mark.parametrize("act", ["target", "transfer", "auxiliaries"])
@pytest.mark.parametrize("who", ["oneself", "visitor", "nobody", "wrong_digit"])
def test_who_cannot_be_asked(
    province: Province, path: str, manager: Person, wang: tuple[Someone, Person], act: str, who: str
) -> None:
    province.visitor()
    numbers = {"oneself": number_of(wang[0]), "visitor": "420106198502022348", "nobody": "42010619920404456X"}
    codes = {"oneself": "grant.own_number", "wrong_digit": "grant.document_number"}

    answer = manager.post(f"{path}/{act}", {"document_number": numbers.get(who, "420106198001011230")})

    assert answer.json["code"] == codes.get(who, "grant.person_not_verified")
    assert manager.get(MINE).json["items"][0]["pending"] == []


# ---- auxiliaries, resigning, takeover


def test_an_auxiliary_comes_and_goes(
    province: Province, path: str, manager: Person, li: tuple[Someone, Person]
) -> None:
    grant = manager.post(f"{path}/auxiliaries", {"document_number": number_of(li[0])}).json
    shows_face(province, manager, grant)
    fills(li[1], li[1].get(MINE).json["asked"][0], answer="accept")
    assert [each["name"] for each in manager.get(MINE).json["items"][0]["auxiliaries"]] == ["李*"]
    assert [each["role_label"] for each in li[1].get(MINE).json["items"]] == ["辅助管理员"]

    for act, body in (
        ("transfer", {"document_number": number_of(li[0])}),
        ("auxiliaries", {"document_number": number_of(li[0])}),
        ("target", {"document_number": number_of(li[0])}),
        ("transfer/cancel", {}),
        (f"auxiliaries/{li[0].person}/remove", {}),
    ):
        assert code_of(li[1].post(f"{path}/{act}", body)) == (403, "grant.manager_only")

    assert manager.post(f"{path}/auxiliaries/{li[0].person}/remove").json["auxiliaries"] == []
    assert li[1].get(MINE).json["items"] == []


def test_an_invitation_is_taken_back(path: str, manager: Person, li: tuple[Someone, Person]) -> None:
    missing = manager.post(f"{path}/auxiliaries/{li[0].person}/remove")
    manager.post(f"{path}/auxiliaries", {"document_number": number_of(li[0])})

    answer = manager.post(f"{path}/auxiliaries/{li[0].person}/remove")

    assert code_of(missing) == (409, "grant.no_invitation")
    assert answer.json["pending"] == []


def test_an_auxiliary_leaves(
    province: Province, path: str, manager: Person, wang: tuple[Someone, Person], li: tuple[Someone, Person]
) -> None:
    province.tenure().has_auxiliary(wang[0], li[0])

    assert li[1].post(f"{path}/resign").status_code == 204

    assert province.hospital.auxiliaries() == []
    assert province.hospital.state == "ACTIVE"


def test_the_manager_resigns(province: Province, path: str, manager: Person) -> None:
    assert manager.post(f"{path}/resign").status_code == 204

    assert province.hospital.state == "NONE"
    assert code_of(manager.post(f"{path}/resign")) == (404, "grant.unknown")


def test_a_takeover_is_asked_for_by_institution_code(
    province: Province, clerk: Person, manager: Person, wang: tuple[Someone, Person], li: tuple[Someone, Person]
) -> None:
    institution = clerk.get(province.path).json["institution_code"]

    assert li[1].post(f"{MINE}/takeover", {"institution": institution, "business": NURSES}).status_code == 202

    assert "takeover_asked → person:" + wang[0].person in province.tenure().notices()
    assert [each["title"] for each in clerk.get(province.path).json["running"]] == ["申请接管：等待行政单位决定"]
    again = li[1].post(f"{MINE}/takeover", {"institution": institution, "business": NURSES})
    assert code_of(again) == (409, "grant.change_running")


def test_there_is_nothing_to_take_over_where_nobody_manages(province: Province, wang: tuple[Someone, Person]) -> None:
    for institution in (province.hospital.institution, "0" * 12):
        answer = wang[1].post(f"{MINE}/takeover", {"institution": institution, "business": NURSES})
        assert code_of(answer) == (409, "grant.not_active")


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("target", {"document_number": "420106198502022348"}),
        ("transfer", {"document_number": "420106198502022348"}),
        ("transfer/cancel", {}),
        ("auxiliaries", {"document_number": "420106198502022348"}),
        ("auxiliaries/00000000000000000000000000/remove", {}),
        ("resign", {}),
    ],
)
def test_a_grant_of_somebody_else_does_not_exist(
    province: Province, path: str, manager: Person, li: tuple[Someone, Person], act: str, body: dict[str, Any]
) -> None:
    visitor = province.visitor()[1]

    assert manager.name == ""
    assert code_of(li[1].post(f"{path}/{act}", body)) == (404, "grant.unknown")
    for person in (visitor, province.stranger(), province.clerk()):
        assert code_of(person.post(f"{path}/{act}", body)) == (403, "grant.verify_first")


def test_a_message_of_ones_own_making_does_not_reach_the_tenure(
    province: Province, manager: Person, li: tuple[Someone, Person]
) -> None:
    case = province.hospital.register().case_id
    forged = {"payload": {"person": li[0].person, "account": li[0].account}}

    for message in ("redeem", "takeover", "manager_lost", "revoke", "suspend"):
        for person in (manager, li[1], province.clerk(), province.clerk("420102")):
            answer = person.post(f"/api/v1/applications/{case}/messages/{message}", forged)
            assert answer.status_code in {403, 404}, (message, answer.text)
    assert province.hospital.state == "ACTIVE"
