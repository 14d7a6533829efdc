"""A unit's institutions: listed, edited, suspended, merged, and never those of another unit."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from domain.institutions.credit_code import check_character
from domain.institutions.history import InstitutionChange
from domain.institutions.institution import Institution, find_institution
from storage.transactions import transaction
from tests.api.conftest import Person, Platform
from tests.api.provinces import HUANGSHI, PROVINCE, WUCHANG, WUHAN, a_province, an_institution, staff_of


def with_check(first_17: str) -> str:
    return first_17 + check_character(first_17)


def names(person: Person, query: str = "") -> list[str]:
    return [each["name"] for each in person.get(f"/api/v1/institutions{query}").json["items"]]


def edit(person: Person, institution: str, **values: object):
    return person.post(f"/api/v1/institutions/{institution}/changes", {"reason": "来电更正", **values})


def test_a_unit_lists_what_it_and_the_units_below_supervise(platform: Platform) -> None:
    a_province(platform)
    an_institution(platform, "武昌仁爱医院", WUCHANG)
    an_institution(platform, "武汉同济堂医院", WUHAN)
    an_institution(platform, "黄石爱康医院", HUANGSHI)

    assert names(staff_of(platform, WUCHANG)) == ["武昌仁爱医院"]
    assert names(staff_of(platform, WUHAN)) == ["武汉同济堂医院", "武昌区卫生健康局", "武昌仁爱医院"]
    assert names(staff_of(platform, PROVINCE), f"?unit={WUHAN}&q=医院") == ["武汉同济堂医院", "武昌仁爱医院"]
    assert names(platform.comes_back(f"staff{PROVINCE}"), "?q=（愛康）") == ["黄石爱康医院"]
    assert names(platform.comes_back(f"staff{PROVINCE}"), "?category=hospital") != []


def test_pages_by_number_and_by_cursor_show_the_same_and_the_total(platform: Platform) -> None:
    a_province(platform)
    for number in range(7):
        an_institution(platform, f"武昌第{number}诊所", WUCHANG)
    staff = staff_of(platform, WUCHANG)

    numbered = [staff.get(f"/api/v1/institutions?size=3&page={page}").json for page in (1, 2, 3)]
    by_cursor = [staff.get("/api/v1/institutions?size=3").json]
    while by_cursor[-1]["next"]:
        by_cursor.append(staff.get(f"/api/v1/institutions?size=3&cursor={by_cursor[-1]['next']}").json)

    assert [page["items"] for page in numbered] == [page["items"] for page in by_cursor]
    assert [len(page["items"]) for page in numbered] == [3, 3, 1]
    assert {page["total"] for page in (*numbered, *by_cursor)} == {7}
    assert numbered[-1]["next"] is None


def test_a_part_of_a_name_or_the_beginning_of_a_code_is_searched_page_by_page(platform: Platform) -> None:
    a_province(platform)
    for number in range(5):
        an_institution(platform, f"武昌第{number}诊所", WUCHANG)
    an_institution(platform, "武汉同济堂医院", WUHAN)
    staff = staff_of(platform, WUHAN)

    second = staff.get("/api/v1/institutions?q=診 所&size=2&page=2").json
    beyond = staff.get("/api/v1/institutions?q=诊所&size=2&page=9").json

    assert ([each["name"] for each in second["items"]], second["total"]) == (["武昌第2诊所", "武昌第3诊所"], 5)
    assert (beyond["items"], beyond["total"]) == ([], 5)
    assert names(staff, f"?q={WUHAN}000001") == ["武汉同济堂医院"]
    assert names(staff, "?q=100%25") == []


def test_from_a_foreign_unit_every_endpoint_finds_nothing_and_changes_nothing(platform: Platform) -> None:
    a_province(platform)
    theirs = an_institution(platform, "武昌仁爱医院", WUCHANG)
    mine = an_institution(platform, "黄石爱康医院", HUANGSHI)
    foreign, path = staff_of(platform, HUANGSHI), f"/api/v1/institutions/{theirs}"
    why = {"reason": "试试"}

    answers = [
        foreign.get(path),
        foreign.get(f"{path}/history"),
        foreign.get(f"{path}/check?name=武昌仁心医院"),
        edit(foreign, theirs, confirmation_code="1"),
        *(foreign.post(f"{path}/state", {**why, "to": to}) for to in ("SUSPENDED", "REMOVED", "ADMITTED")),
        foreign.post(f"{path}/merge", {**why, "into": mine}),
        foreign.post(f"/api/v1/institutions/{mine}/merge", {**why, "into": theirs}),
    ]

    assert {(each.status_code, each.json["code"]) for each in answers} == {(404, "institution.unknown")}
    assert "武昌仁爱医院" not in names(foreign)
    listed = foreign.get(f"/api/v1/institutions?unit={WUCHANG}")
    assert (listed.status_code, listed.json["code"]) == (403, "unit.outside_scope")
    moved = edit(foreign, mine, supervising_unit=WUCHANG)
    assert (moved.status_code, moved.json["code"]) == (403, "unit.outside_scope")
    with platform.sessions() as session:
        assert session.scalar(select(func.max(Institution.revision))) == 1


def test_citizens_and_staff_of_no_unit_are_turned_away(platform: Platform) -> None:
    a_province(platform)
    institution = an_institution(platform)

    answers = [
        person.get(path)
        for person in (platform.citizen(), platform.staff("plain"))
        for path in ("/api/v1/institutions", f"/api/v1/institutions/{institution}")
    ]

    assert {(each.status_code, each.json["code"]) for each in answers} == {(403, "unit.not_staff")}


def test_a_county_cannot_change_its_own_institution_but_its_superior_can(platform: Platform) -> None:
    a_province(platform)
    with platform.sessions() as session:
        own = session.scalars(select(Institution.id).where(Institution.unit_code == WUCHANG)).one()

    from_below = edit(staff_of(platform, WUCHANG), own, confirmation_code="7")
    from_above = edit(staff_of(platform, WUHAN), own, confirmation_code="7")
    removed = platform.comes_back(f"staff{WUHAN}").post(
        f"/api/v1/institutions/{own}/state", {"reason": "试试", "to": "REMOVED"}
    )

    assert from_below.json["code"] == "institution.unknown"
    assert from_above.json["confirmation_code"] == "7"
    assert (removed.status_code, removed.json["code"]) == (409, "institution.is_unit")


def test_an_edit_is_kept_with_who_when_and_why(platform: Platform) -> None:
    a_province(platform)
    institution, staff = an_institution(platform), staff_of(platform, WUCHANG)
    contact = {"name": "李四", "phone": "139 0000 0002"}

    edited = edit(staff, institution, category="clinic", confirmation_code="A-7", contact=contact).json
    lines = staff.get(f"/api/v1/institutions/{institution}/history").json["items"]

    assert (edited["category"], edited["confirmation_code"], edited["contact_phone"]) == (
        "clinic",
        "A-7",
        "13900000002",
    )
    assert [(line["label"], line["who"], line["reason"]) for line in lines] == [
        ("编辑", f"staff{WUCHANG}", "来电更正"),
        ("收录", "系统", ""),
    ]
    assert lines[0]["fields"]["contact_phone"] == ["13800000001", "13900000002"]
    assert lines[0]["fields"]["category"] == ["hospital", "clinic"]
    with platform.sessions() as session:
        sealed = session.scalars(select(InstitutionChange.sealed)).all()
    assert not any("来电".encode() in each or b"13900000002" in each for each in sealed)


def test_the_code_stays_whatever_is_edited(platform: Platform) -> None:
    a_province(platform)
    institution, staff = an_institution(platform, unit=WUHAN), staff_of(platform, WUHAN)
    before = staff.get(f"/api/v1/institutions/{institution}").json["code"]

    edit(staff, institution, supervising_unit=WUCHANG, name="武昌仁和医院", accepts_check=True)

    after = staff.get(f"/api/v1/institutions/{institution}").json
    assert (after["supervising_unit"], after["name"], after["code"]) == (WUCHANG, "武昌仁和医院", before)
    assert before.startswith(WUHAN)


def test_a_near_new_name_is_shown_first_and_taken_when_accepted(platform: Platform) -> None:
    a_province(platform)
    an_institution(platform, "武昌仁爱医院")
    institution, staff = an_institution(platform, "武昌爱康医院"), staff_of(platform, WUCHANG)

    check = staff.get(f"/api/v1/institutions/{institution}/check?name=武昌区仁爱医院有限公司").json
    refused = edit(staff, institution, name="武昌区仁爱医院有限公司")
    taken = edit(staff, institution, name="武昌区仁爱医院有限公司", accepts_check=True)

    assert [(each["name"], each["reason"]) for each in check["near"]] == [("武昌仁爱医院", "仅差“有限公司”")]
    assert (refused.status_code, refused.json["code"]) == (409, "institution.check_first")
    assert taken.json["name"] == "武昌区仁爱医院有限公司"


def test_a_contradicting_credit_code_is_shown_and_refuses_nothing_for_good(platform: Platform) -> None:
    a_province(platform)
    institution, staff = an_institution(platform), staff_of(platform, WUCHANG)
    of_a_shop = with_check("92440106MA5CX1234")

    check = staff.get(f"/api/v1/institutions/{institution}/check?credit_code={of_a_shop}").json
    refused = edit(staff, institution, credit_code=of_a_shop)
    taken = edit(staff, institution, credit_code=of_a_shop, accepts_check=True)

    contradictions = {each["code"] for each in check["findings"] if each["verdict"] == "contradicts"}
    assert contradictions == {"credit_division", "credit_kind"}
    assert refused.json["code"] == "institution.check_first"
    assert taken.json["credit_code"] == of_a_shop


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": "武昌 仁爱（医院）"}, "institution.name_taken"),
        ({"name": "仁" * 300}, "institution.name_form"),
        ({"credit_code": "12420106MB0X123450"}, "credit_code.check"),
        ({"credit_code": "I242010OMB0X12345V"}, "credit_code.letters"),
        ({"credit_code": "1242"}, "credit_code.length"),
        ({"licence_number": "123"}, "licence.length"),
        ({"contact": {"name": "李四", "phone": "12345678"}}, "phone.form"),
        ({"category": "hospital"}, "institution.unchanged"),
        ({}, "institution.unchanged"),
    ],
)
def test_a_bad_edit_has_a_code_of_its_own_and_changes_nothing(platform: Platform, values: dict, code: str) -> None:
    a_province(platform)
    an_institution(platform, "武昌仁爱医院")
    institution, staff = an_institution(platform, "武昌爱康医院"), staff_of(platform, WUCHANG)
    before = staff.get(f"/api/v1/institutions/{institution}").json

    answer = edit(staff, institution, **values, accepts_check=True)

    assert answer.json["code"] == code
    assert answer.status_code in {409, 422}
    assert staff.get(f"/api/v1/institutions/{institution}").json == before


def test_of_two_who_edit_at_once_the_second_is_told(platform: Platform) -> None:
    a_province(platform)
    institution, staff = an_institution(platform), staff_of(platform, WUCHANG)

    first = edit(staff, institution, confirmation_code="1", revision=1)
    second = edit(staff, institution, confirmation_code="2", revision=1)

    assert first.json["revision"] == 2
    assert (second.status_code, second.json["code"]) == (409, "institution.changed_meanwhile")


def test_an_institution_is_suspended_resumed_removed_and_restored(platform: Platform) -> None:
    a_province(platform)
    institution, staff = an_institution(platform), staff_of(platform, WUCHANG)
    path = f"/api/v1/institutions/{institution}"

    def become(to: str) -> str:
        return staff.post(f"{path}/state", {"reason": "停业", "to": to}).json["state"]

    states = [become(to) for to in ("SUSPENDED", "ADMITTED", "REMOVED")]
    gone = names(staff)
    edited = edit(staff, institution, confirmation_code="1")
    restored = become("ADMITTED")

    assert states == ["SUSPENDED", "ADMITTED", "REMOVED"]
    assert gone == []
    assert edited.json["code"] == "institution.removed"
    assert restored == "ADMITTED"


def test_a_merged_institution_points_to_the_one_that_stays(platform: Platform) -> None:
    a_province(platform)
    gone, stays = an_institution(platform, "武昌仁爱医院"), an_institution(platform, "武昌爱康医院")
    staff = staff_of(platform, WUCHANG)

    merged = staff.post(
        f"/api/v1/institutions/{gone}/merge", {"reason": "两院合并", "into": stays, "name": "武昌爱康联合医院"}
    )
    itself = staff.post(f"/api/v1/institutions/{stays}/merge", {"reason": "试试", "into": stays})
    restored = staff.post(f"/api/v1/institutions/{gone}/state", {"reason": "试试", "to": "ADMITTED"})

    assert (merged.json["id"], merged.json["name"]) == (stays, "武昌爱康联合医院")
    page = staff.get(f"/api/v1/institutions/{gone}").json
    assert (page["state"], page["merged_into"]) == ("REMOVED", stays)
    assert itself.json["code"] == "institution.merge_with_itself"
    assert restored.json["code"] == "institution.merged"
    with transaction(platform.sessions) as session:
        assert find_institution(session, stays).revision == 2
