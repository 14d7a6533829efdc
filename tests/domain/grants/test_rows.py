"""A unit's table of grants: its own subtree, searched, counted and paged."""

from __future__ import annotations

import pytest

from domain.grants.code import issue_code, reserve_code
from domain.grants.grant import GrantState, begin_tenure, ensure_grant, suspend
from domain.grants.rows import counts_by_state, grant_rows, read_grant_row
from domain.grants.tenure import end_tenure
from domain.institutions.editing import Editor
from domain.institutions.state import remove_institution
from domain.units.unit import Unit, UnitLevel, subtree
from tests.domain.granting import (
    BUSINESS,
    PROVINCE,
    SUIZHOU,
    WUHAN,
    ZENGDU,
    a_person,
    a_province,
    an_active_grant,
    an_institution,
    an_issued_grant,
)

NAMES = ("随州仁爱医院", "随州中心医院", "随州德康诊所", "曾都（区）妇幼保健院", "随州100%纯中医院")


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


@pytest.fixture
def five(session, now):
    return [an_institution(session, now, name) for name in NAMES]


def names_of(found) -> list[str]:
    return [row.institution_name for row in found.rows]


def test_the_table_holds_the_whole_subtree_by_code_and_nothing_else(session, now, five) -> None:
    an_institution(session, now, "武汉协和医院", unit=WUHAN)
    an_institution(session, now, "随州市直医院", unit=SUIZHOU)

    of_city = grant_rows(session, subtree(session, SUIZHOU), BUSINESS)
    of_county = grant_rows(session, subtree(session, ZENGDU), BUSINESS)

    assert of_city.total == 6
    assert [row.institution_code for row in of_city.rows] == sorted(row.institution_code for row in of_city.rows)
    assert names_of(of_county) == list(NAMES)
    assert grant_rows(session, frozenset(), BUSINESS).total == 0
    assert grant_rows(session, subtree(session, PROVINCE), BUSINESS).total == 7


def test_a_row_says_what_the_manual_shows(session, now) -> None:
    grant, code = an_issued_grant(session, now, confirmation_code="A-7")

    [row] = grant_rows(session, frozenset({ZENGDU}), BUSINESS).rows

    assert (row.institution_name, row.institution_code, row.confirmation_code) == (
        "随州仁爱医院",
        ZENGDU + "000001",
        "A-7",
    )
    assert (row.state, row.code, row.is_reserved) == (GrantState.ISSUED, code, False)
    assert (row.supervising_unit, row.supervising_unit_name, row.category) == (ZENGDU, "曾都区卫生健康局", "hospital")
    assert (row.grant_id, row.case_id, row.tenure) == (grant.id, grant.case_id, 1)


def test_a_code_is_shown_until_it_is_used_then_never(session, now) -> None:
    grant, code = an_issued_grant(session, now)
    reserve_code(session, grant.id, a_person(session, now), now)

    while_redeemed = read_grant_row(session, frozenset({ZENGDU}), grant.id)
    end_tenure(session, grant.id, why="revoked", by="unit", now=now)
    afterwards = read_grant_row(session, frozenset({ZENGDU}), grant.id)

    assert (while_redeemed.code, while_redeemed.is_reserved) == (code, True)
    assert (afterwards.code, afterwards.code_expires_at, afterwards.state) == (None, None, GrantState.NONE)


def test_a_row_of_another_unit_is_not_there(session, now) -> None:
    grant, _ = an_issued_grant(session, now)

    assert read_grant_row(session, frozenset({WUHAN}), grant.id) is None
    assert read_grant_row(session, frozenset(), grant.id) is None


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("医院", ["随州仁爱医院", "随州中心医院", "随州100%纯中医院"]),
        ("隨州仁愛", ["随州仁爱医院"]),
        ("曾都区", ["曾都（区）妇幼保健院"]),
        ("１００％", ["随州100%纯中医院"]),
        ("_", list(NAMES)),
        ("没有这家", []),
        (ZENGDU + "000003", ["随州德康诊所"]),
        ("  ", list(NAMES)),
    ],
)
def test_names_are_found_however_they_are_typed(session, now, five, typed, found) -> None:
    page = grant_rows(session, frozenset({ZENGDU}), BUSINESS, name=typed)

    assert (names_of(page), page.total) == (found, len(found))


def test_state_and_category_narrow_the_table(session, now) -> None:
    active = an_active_grant(session, now, a_person(session, now), name="一院")
    an_issued_grant(session, now, name="二院")
    an_institution(session, now, "三诊所", category="clinic")
    suspended = an_active_grant(session, now, a_person(session, now, 2), name="四院")
    suspend(session, suspended.id, by="unit", why="unit", now=now)
    units = frozenset({ZENGDU})

    assert names_of(grant_rows(session, units, BUSINESS, state=GrantState.ACTIVE)) == ["一院"]
    assert names_of(grant_rows(session, units, BUSINESS, state=GrantState.NONE)) == ["三诊所"]
    assert names_of(grant_rows(session, units, BUSINESS, category="clinic")) == ["三诊所"]
    assert names_of(grant_rows(session, units, BUSINESS, name="院", state=GrantState.SUSPENDED)) == ["四院"]
    assert counts_by_state(session, units, BUSINESS) == {"ACTIVE": 1, "ISSUED": 1, "NONE": 1, "SUSPENDED": 1}
    assert (
        grant_rows(session, units, BUSINESS, state=GrantState.ACTIVE).rows[0].manager_person_id
        == active.manager_person_id
    )


@pytest.mark.parametrize("name", ["", "随州"])
def test_pages_by_number_and_by_cursor_show_the_same_rows(session, now, five, name) -> None:
    units = frozenset({ZENGDU})
    whole = names_of(grant_rows(session, units, BUSINESS, name=name))

    by_number = [grant_rows(session, units, BUSINESS, name=name, page=page, size=2) for page in (1, 2, 3, 4)]
    by_cursor, cursor = [], None
    while True:
        page = grant_rows(session, units, BUSINESS, name=name, size=2, cursor=cursor)
        by_cursor += names_of(page)
        assert page.total == len(whole)
        if (cursor := page.next) is None:
            break

    assert [name for page in by_number for name in names_of(page)] == by_cursor == whole
    assert {page.total for page in by_number} == {len(whole)}
    assert [page.next is None for page in by_number][-2:] == [True, True]


def test_businesses_are_tables_of_their_own(session, now) -> None:
    grant, _ = an_issued_grant(session, now)
    other = ensure_grant(session, grant.institution_id, "title_exam_review", now)
    begin_tenure(session, other.id, "0" * 26, now)
    code = issue_code(session, other.id, by="unit", now=now)

    [row] = grant_rows(session, frozenset({ZENGDU}), "title_exam_review").rows

    assert row.code == code


def test_a_removed_institution_is_in_no_table(session, now) -> None:
    institution = an_institution(session, now)
    remove_institution(session, institution.id, Editor(by="unit", reason="注销"), now)

    assert grant_rows(session, frozenset({ZENGDU}), BUSINESS).total == 0


def test_the_table_of_a_whole_province_is_everything_but_the_removed(session, now, five) -> None:
    for number in range(45):
        unit = Unit(code=f"4290{number + 10}", name=f"第{number}县", level=UnitLevel.COUNTY, parent_code=PROVINCE)
        session.add(unit)
    session.flush()
    remove_institution(session, five[0].id, Editor(by="unit", reason="注销"), now)

    whole = grant_rows(session, subtree(session, PROVINCE), BUSINESS)
    all_but_one = grant_rows(session, subtree(session, PROVINCE) - {ZENGDU}, BUSINESS)

    assert names_of(whole) == list(NAMES[1:])
    assert (whole.total, all_but_one.total) == (4, 0)
    assert counts_by_state(session, subtree(session, PROVINCE), BUSINESS) == {"NONE": 4}
