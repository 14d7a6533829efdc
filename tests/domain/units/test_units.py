"""The tree of units and the seed of the province."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.accounts.account import Account
from domain.accounts.demo_account import create_demo_accounts
from domain.acting import acting_groups
from domain.imports.unit_seed import seed_units
from domain.institutions.category import Category
from domain.institutions.institution import Institution
from domain.refused import Refused
from domain.units.unit import Unit, UnitLevel, find_unit, parent_of, subtree, subtrees, unit_scope


def test_the_seed_makes_every_unit_of_the_province_once(session: Session, now: datetime) -> None:
    made, again = seed_units(session, now), seed_units(session, now)

    levels = dict(session.execute(select(Unit.level, func.count()).group_by(Unit.level)).all())
    assert (made, again) == (117, 0)
    assert levels == {UnitLevel.PROVINCE: 1, UnitLevel.CITY: 13, UnitLevel.COUNTY: 103}


def test_counties_below_no_city_belong_to_the_province(session: Session, now: datetime) -> None:
    seed_units(session, now)

    of_the_province = set(session.scalars(select(Unit.code).where(Unit.parent_code == "420000")))

    assert {"429004", "429005", "429006", "429021"} <= of_the_province
    assert len(of_the_province) == 13 + 4
    assert find_unit(session, "429004").name == "仙桃市卫生健康委员会"
    assert find_unit(session, "420106").name == "武昌区卫生健康局"


def test_every_unit_has_an_institution_that_its_superior_supervises(session: Session, now: datetime) -> None:
    seed_units(session, now)

    found = {one.unit_code: one for one in session.scalars(select(Institution))}

    assert len(found) == 117
    assert (found["420106"].code, found["420106"].supervising_unit) == ("420106000000", "420100")
    assert (found["420000"].code, found["420000"].supervising_unit) == ("420000000000", "420000")
    assert {one.category for one in found.values()} == {Category.HEALTH_COMMISSION}


def test_seeding_again_leaves_what_people_changed(session: Session, now: datetime) -> None:
    seed_units(session, now)
    find_unit(session, "420106").contact_name = "王科长"
    find_unit(session, "420106").name = "武昌区卫生健康委员会"
    session.flush()

    seed_units(session, now)

    assert (find_unit(session, "420106").contact_name, find_unit(session, "420106").name) == (
        "王科长",
        "武昌区卫生健康委员会",
    )


def test_a_subtree_holds_the_unit_and_all_below(session: Session, now: datetime) -> None:
    seed_units(session, now)

    assert len(subtree(session, "420000")) == 117
    assert subtree(session, "420200") == {"420200", "420202", "420203", "420204", "420205", "420222", "420281"}
    assert subtree(session, "420106") == {"420106"}
    assert subtree(session, "999999") == frozenset()
    assert subtrees(session, []) == frozenset()
    assert subtrees(session, ["420106", "429004"]) == {"420106", "429004"}


def test_the_superior_of_a_unit_is_found(session: Session, now: datetime) -> None:
    seed_units(session, now)

    superior = parent_of(session, "420106")
    assert superior is not None
    assert superior.code == "420100"
    assert parent_of(session, "420000") is None
    with pytest.raises(Refused, match=r"unit\.unknown"):
        parent_of(session, "999999")


def test_a_scope_is_read_out_of_groups() -> None:
    groups = frozenset({"unit:420106", "applicant", "person:1", "business:unit_administration:x"})

    assert unit_scope(groups) == {"420106"}
    assert unit_scope(frozenset({"applicant"})) == frozenset()


def test_demo_staff_act_for_units_where_there_are_units(session: Session, now: datetime) -> None:
    without = create_demo_accounts(session, now)
    seed_units(session, now)
    made = {each.username: each for each in create_demo_accounts(session, now)}

    accounts = {one.username: one.id for one in session.scalars(select(Account))}
    scopes = {name: len(unit_scope(acting_groups(session, accounts[name]))) for name in made}
    assert len(without) == 3
    assert {name: scope for name, scope in scopes.items() if scope} == {
        "hubei": 117,
        "wuhan": 14,
        "wuchang": 1,
        "huangshi": 7,
    }
    assert made["wuchang"].password is not None


def test_a_city_without_a_superior_is_no_unit(session: Session) -> None:
    orphan = Unit(code="420100", name="武汉市卫生健康委员会", level=UnitLevel.CITY, parent_code=None)

    session.begin_nested()
    session.add(orphan)

    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
