"""The tree of units: whom it is shown to, what it counts, who changes a contact."""

from __future__ import annotations

from sqlalchemy import select

from domain.accounts.account import Account
from storage.transactions import transaction
from tests.api.conftest import Platform
from tests.api.provinces import HUANGSHI, PROVINCE, WUCHANG, WUHAN, a_province, an_institution, staff_of


def test_everybody_who_signed_in_chooses_from_all_units(platform: Platform) -> None:
    a_province(platform)

    found = platform.citizen().get("/api/v1/units").json["items"]

    assert [each["code"] for each in found] == [PROVINCE, WUHAN, WUCHANG, HUANGSHI]
    assert found[2]["parent_code"] == WUHAN
    assert {each["institutions"] for each in found} == {None}


def test_a_city_sees_its_own_subtree_with_the_numbers_of_institutions(platform: Platform) -> None:
    a_province(platform)
    an_institution(platform, "武昌仁爱医院", WUCHANG)
    an_institution(platform, "武汉市同济堂医院", WUHAN)
    an_institution(platform, "黄石市爱康医院", HUANGSHI)

    found = staff_of(platform, WUHAN).get("/api/v1/units?mine=true").json["items"]

    # 武汉市 supervises 武昌区's own institution and one hospital
    assert [(each["code"], each["institutions"], each["institutions_below"]) for each in found] == [
        (WUHAN, 2, 3),
        (WUCHANG, 1, 1),
    ]


def test_who_acts_for_no_unit_has_no_tree_of_their_own(platform: Platform) -> None:
    a_province(platform)

    answers = [person.get("/api/v1/units?mine=true") for person in (platform.citizen(), platform.staff("plain"))]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(403, "unit.not_staff")] * 2


def test_the_contact_is_changed_from_the_unit_or_above_and_shown_to_everybody(platform: Platform) -> None:
    a_province(platform)
    contact = {"contact_name": "王科长", "contact_phone": "027-87654321"}

    changed = staff_of(platform, WUHAN).put(f"/api/v1/units/{WUCHANG}/contact", contact)
    foreign = staff_of(platform, HUANGSHI).put(f"/api/v1/units/{WUCHANG}/contact", {**contact, "contact_name": "x"})
    upwards = staff_of(platform, WUCHANG).put(f"/api/v1/units/{WUHAN}/contact", contact)

    assert changed.status_code == 200
    assert (foreign.status_code, foreign.json["code"]) == (403, "unit.outside_scope")
    assert (upwards.status_code, upwards.json["code"]) == (403, "unit.outside_scope")
    assert platform.citizen().get(f"/api/v1/units/{WUCHANG}").json["contact_name"] == "王科长"


def test_an_unknown_unit_is_not_found(platform: Platform) -> None:
    answer = platform.citizen().get("/api/v1/units/999999")

    assert (answer.status_code, answer.json["code"]) == (404, "unit.unknown")


def test_staff_moved_to_another_unit_have_the_other_scope_at_once(platform: Platform) -> None:
    a_province(platform)
    moved = staff_of(platform, WUHAN, "wang")

    with transaction(platform.sessions) as session:
        session.scalars(select(Account).where(Account.username == "wang")).one().unit_code = HUANGSHI

    assert moved.get("/api/v1/me").json["groups"] == ["nobody.else", f"unit:{HUANGSHI}"]
