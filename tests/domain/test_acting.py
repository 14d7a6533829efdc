"""Who acts for what: groups out of units, grants and credentials, gone the moment their ground is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from domain.accounts.account import Account, AccountGroup, create_console_account, find_or_create_wechat_account
from domain.accounts.phone_account import find_or_create_phone_account
from domain.acting import accounts_of_group, accounts_of_same_person, acting_groups
from domain.credentials.credential import VerifiedBy, valid_credential_of, withdraw_credential
from domain.credentials.issuing import Verification, issue_credential
from domain.grants.business import UNIT_ADMINISTRATION, seed_businesses
from domain.grants.grant import begin_tenure, ensure_grant, suspend
from domain.grants.holder import add_auxiliary
from domain.grants.tenure import activate, end_tenure
from domain.imports.unit_seed import admit_unit
from domain.institutions.category import Category
from domain.institutions.editing import Editor
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.institutions.state import remove_institution
from domain.persons.person import identity
from domain.units.unit import Unit, UnitLevel
from storage.columns import new_id

PROVINCE, WUHAN, WUCHANG, HUANGSHI = "420000", "420100", "420106", "420200"
UNITS = (
    (PROVINCE, "湖北省卫生健康委员会", UnitLevel.PROVINCE, None),
    (WUHAN, "武汉市卫生健康委员会", UnitLevel.CITY, PROVINCE),
    (HUANGSHI, "黄石市卫生健康委员会", UnitLevel.CITY, PROVINCE),
    (WUCHANG, "武昌区卫生健康局", UnitLevel.COUNTY, WUHAN),
)
NUMBERS = {"zhang": "11010519491231002X", "li": "440524188001010014"}
BUSINESS = "nurse_exam_review"


@pytest.fixture(autouse=True)
def units(session: Session, now: datetime) -> dict[str, Institution]:
    made = {}
    seed_businesses(session, now)
    for code, name, level, parent in UNITS:
        unit = Unit(code=code, name=name, level=level, parent_code=parent)
        session.add(unit)
        session.flush()
        made[code] = admit_unit(session, unit, now)
    return made


@pytest.fixture
def hospital(session: Session, now: datetime) -> Institution:
    new = NewInstitution(name="武昌仁爱医院", supervising_unit=WUCHANG, category=Category.HOSPITAL)
    return admit_institution(session, new, case_id=None, by=None, now=now)


@pytest.fixture
def grant(session: Session, now: datetime) -> Callable[[Institution, str, str], str]:
    """Make a person the manager of an institution's business; the grant's id."""

    def make(institution: Institution, business: str, person_id: str) -> str:
        made = ensure_grant(session, institution.id, business, now)
        begin_tenure(session, made.id, new_id(), now)
        activate(session, made.id, person_id, by="unit", why="direct", now=now)
        return made.id

    return make


def verified(session: Session, now: datetime, who: str = "zhang") -> Account:
    account = find_or_create_wechat_account(session, who, now)
    named = identity(who, "resident_id", NUMBERS[who])
    facts = Verification(account_id=account.id, case_id=new_id(), who=named, verified_by=VerifiedBy.READING)
    issue_credential(session, facts, now)
    return account


def staff(session: Session, now: datetime, unit: str | None, name: str = "wang", *groups: str) -> Account:
    return create_console_account(
        session, f"staff-{name}", "correct horse 9", now, display_name=name, groups=frozenset(groups), unit_code=unit
    )


def person_of(account: Account) -> str:
    assert account.person_id is not None
    return account.person_id


# ---- what an account carries


def test_citizens_are_applicants_of_their_kind(session: Session, now: datetime) -> None:
    assert acting_groups(session, find_or_create_wechat_account(session, "o", now).id) == {"applicant"}
    assert acting_groups(session, find_or_create_phone_account(session, "13800000001", now).id) == {"phone_applicant"}
    assert acting_groups(session, new_id()) == frozenset()


def test_staff_act_for_their_unit_and_everything_below(session: Session, now: datetime) -> None:
    assert acting_groups(session, staff(session, now, WUHAN, "a", "x.y").id) == {"x.y", "unit:420100", "unit:420106"}
    assert acting_groups(session, staff(session, now, WUCHANG, "b").id) == {"unit:420106"}
    assert len(acting_groups(session, staff(session, now, PROVINCE, "c").id)) == 4
    assert acting_groups(session, staff(session, now, None, "d", "x.y").id) == {"x.y"}


def test_a_verified_person_is_a_group_until_the_credential_ends(session: Session, now: datetime) -> None:
    account = verified(session, now)

    before = acting_groups(session, account.id)
    withdraw_credential(session, account.id, now)

    assert before == {"applicant", f"person:{account.person_id}"}
    assert acting_groups(session, account.id) == {"applicant"}


def test_an_active_grant_puts_manager_and_auxiliary_into_the_business(
    session: Session, now: datetime, hospital: Institution, grant: Callable[..., str]
) -> None:
    manager, auxiliary = verified(session, now, "zhang"), verified(session, now, "li")
    grant_id = grant(hospital, BUSINESS, person_of(manager))
    add_auxiliary(session, grant_id, person_of(auxiliary), by="x", why="invited", now=now)
    group = f"business:{BUSINESS}:{hospital.id}"

    assert group in acting_groups(session, manager.id)
    assert group in acting_groups(session, auxiliary.id)


@pytest.mark.parametrize("end", ["suspended", "stopped", "credential", "institution", "account"])
def test_who_loses_the_ground_of_a_group_has_lost_it_at_once(
    session: Session, now: datetime, hospital: Institution, grant: Callable[..., str], end: str
) -> None:
    account = verified(session, now)
    grant_id = grant(hospital, BUSINESS, person_of(account))
    group = f"business:{BUSINESS}:{hospital.id}"
    assert group in acting_groups(session, account.id)

    if end == "suspended":
        suspend(session, grant_id, by="unit", why="unit", now=now)
    elif end == "stopped":
        end_tenure(session, grant_id, by="unit", why="stopped", stop=True, now=now)
    elif end == "credential":
        withdraw_credential(session, account.id, now)
    elif end == "institution":
        remove_institution(session, hospital.id, Editor(by="x", reason="停业"), now)
    else:
        account.disabled_at = now
        session.flush()

    assert group not in acting_groups(session, account.id)
    assert accounts_of_group(session, group) == []


def test_a_unit_s_clerk_by_grant_acts_for_the_unit_and_below(
    session: Session, now: datetime, units: dict[str, Institution], grant: Callable[..., str]
) -> None:
    clerk = verified(session, now)
    grant(units[WUHAN], UNIT_ADMINISTRATION, person_of(clerk))

    assert acting_groups(session, clerk.id) == {
        "applicant",
        f"person:{clerk.person_id}",
        f"business:{UNIT_ADMINISTRATION}:{units[WUHAN].id}",
        "unit:420100",
        "unit:420106",
    }


def test_administering_an_ordinary_institution_gives_no_unit(
    session: Session, now: datetime, hospital: Institution, grant: Callable[..., str]
) -> None:
    account = verified(session, now)
    grant(hospital, UNIT_ADMINISTRATION, person_of(account))

    assert not any(group.startswith("unit:") for group in acting_groups(session, account.id))


# ---- who is behind a group


def test_a_notice_to_a_unit_reaches_its_own_people_not_those_above(
    session: Session, now: datetime, units: dict[str, Institution], grant: Callable[..., str]
) -> None:
    own, above = staff(session, now, WUCHANG, "a"), staff(session, now, WUHAN, "b")
    clerk, named = verified(session, now), staff(session, now, None, "c", "unit:420106")
    grant(units[WUCHANG], UNIT_ADMINISTRATION, person_of(clerk))

    assert set(accounts_of_group(session, "unit:420106")) == {own.id, clerk.id, named.id}
    assert accounts_of_group(session, "unit:420100") == [above.id]


def test_a_notice_to_a_person_reaches_the_account_that_holds_the_credential(session: Session, now: datetime) -> None:
    account = verified(session, now)
    group = f"person:{account.person_id}"

    before = accounts_of_group(session, group)
    withdraw_credential(session, account.id, now)

    assert before == [account.id]
    assert accounts_of_group(session, group) == []


def test_a_notice_to_a_business_reaches_manager_and_auxiliaries(
    session: Session, now: datetime, hospital: Institution, grant: Callable[..., str]
) -> None:
    manager, auxiliary = verified(session, now, "zhang"), verified(session, now, "li")
    grant_id = grant(hospital, BUSINESS, person_of(manager))
    add_auxiliary(session, grant_id, person_of(auxiliary), by="x", why="invited", now=now)

    assert set(accounts_of_group(session, f"business:{BUSINESS}:{hospital.id}")) == {manager.id, auxiliary.id}


def test_a_static_group_is_its_members_and_everybody_is_nobody(session: Session, now: datetime) -> None:
    member, gone = staff(session, now, None, "a", "x.y"), staff(session, now, None, "b", "x.y")
    gone.disabled_at = now
    find_or_create_wechat_account(session, "o", now)
    session.flush()

    assert accounts_of_group(session, "x.y") == [member.id]
    assert accounts_of_group(session, "applicant") == []
    assert accounts_of_group(session, "unit:999999") == []


def test_every_group_carried_leads_back_to_the_account(
    session: Session, now: datetime, units: dict[str, Institution], hospital: Institution, grant: Callable[..., str]
) -> None:
    account = verified(session, now)
    session.add(AccountGroup(account_id=account.id, group_key="x.y"))
    grant(hospital, BUSINESS, person_of(account))
    grant(units[WUCHANG], UNIT_ADMINISTRATION, person_of(account))

    carried = acting_groups(session, account.id) - {"applicant"}

    assert len(carried) == 5
    assert all(accounts_of_group(session, group) == [account.id] for group in carried)


# ---- what it costs


@pytest.mark.parametrize(
    ("kind", "most"), [("citizen", 2), ("staff", 2), ("unit", 3), ("verified", 3), ("manager", 3), ("clerk", 5)]
)
def test_groups_cost_few_statements(
    session: Session,
    now: datetime,
    units: dict[str, Institution],
    hospital: Institution,
    grant: Callable[..., str],
    kind: str,
    most: int,
) -> None:
    # acting_groups() asks for the account and its rows first; api.edge.auth.identify() has both from its one SELECT
    if kind == "citizen":
        account = find_or_create_wechat_account(session, "o", now)
    elif kind in {"staff", "unit"}:
        account = staff(session, now, PROVINCE if kind == "unit" else None)
    else:
        account = verified(session, now)
        if kind == "manager":
            grant(hospital, BUSINESS, person_of(account))
        if kind == "clerk":
            grant(units[PROVINCE], UNIT_ADMINISTRATION, person_of(account))
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: asked.append(given[2]))

    acting_groups(session, account.id)

    assert len(asked) == most


def test_accounts_of_one_human_are_known_by_the_credentials_they_held(session: Session, now: datetime) -> None:
    wechat = verified(session, now)
    phone = find_or_create_phone_account(session, "13800138000", now)
    stranger = verified(session, now, "li")
    unverified = find_or_create_wechat_account(session, "nobody", now)
    assert accounts_of_same_person(session, phone.id) == {phone.id}

    move_credential(session, now, from_account=wechat, to_account=phone)

    assert wechat.person_id is None
    assert accounts_of_same_person(session, phone.id) == {wechat.id, phone.id}
    assert accounts_of_same_person(session, wechat.id) == {wechat.id, phone.id}
    withdraw_credential(session, phone.id, now)
    assert accounts_of_same_person(session, wechat.id) == {wechat.id, phone.id}
    assert accounts_of_same_person(session, stranger.id) == {stranger.id}
    assert accounts_of_same_person(session, unverified.id) == {unverified.id}


def move_credential(session: Session, now: datetime, *, from_account: Account, to_account: Account) -> None:
    """The same human proves the same document with another account (换绑)."""
    held = valid_credential_of(session, from_account.id)
    assert held is not None
    facts = Verification(
        account_id=to_account.id,
        case_id=new_id(),
        who=identity("zhang", "resident_id", NUMBERS["zhang"]),
        verified_by=VerifiedBy.READING,
        replaces=frozenset({held.id}),
    )
    issue_credential(session, facts, now)
