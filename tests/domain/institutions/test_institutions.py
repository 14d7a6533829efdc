"""Institutions on a real database: admitted with a code of their own, edited, removed; and of many at once one wins."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, sessionmaker

from domain.institutions import state as institution_state
from domain.institutions.category import Category
from domain.institutions.editing import Editor, InstitutionEdit, edit_institution
from domain.institutions.history import InstitutionChange, history_of
from domain.institutions.institution import Contact, Institution, InstitutionState, read_contact
from domain.institutions.search import find_by_credit_code, find_by_name
from domain.institutions.state import remove_institution, restore_institution, when_removed
from domain.refused import Refused
from domain.units.unit import Unit
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.domain.admitting import EDITOR, WUCHANG, WUHAN, admit, seed_units
from tests.servers import ServerMissing, start_postgres

CODE = "91350100M000100Y43"


@pytest.fixture(autouse=True)
def units(session: Session) -> None:
    seed_units(session)


# ---- admission


def test_codes_are_division_and_running_number(session: Session, now: datetime) -> None:
    codes = [admit(session, now, f"武昌第{n}诊所", unit=unit).code for n, unit in enumerate((WUCHANG, WUCHANG, WUHAN))]

    assert codes == ["420106000001", "420106000002", "420100000001"]


def test_a_refused_admission_uses_up_no_number(session: Session, now: datetime) -> None:
    admit(session, now)
    with pytest.raises(Refused):
        admit(session, now, "武汉（仁爱）医院")

    assert admit(session, now, "武汉同济堂医院").code == "420106000002"


def test_an_admitted_institution_is_kept_as_it_was_normalised(session: Session, now: datetime) -> None:
    admitted = admit(
        session,
        now,
        " 武汉 仁爱医院(东院) ",
        credit_code=f" {CODE.lower()} ",
        licence_number="m000100y442010617a1001",
        contact=Contact(" 张三 ", "+86 138-0000-0001"),
    )

    assert (admitted.name, admitted.credit_code) == ("武汉仁爱医院（东院）", CODE)
    assert admitted.licence_number == "M000100Y442010617A1001"
    assert read_contact(session, admitted) == Contact("张三", "13800000001")
    assert find_by_name(session, "武汉仁爱医院东院") is admitted
    assert find_by_credit_code(session, CODE) is admitted


def test_who_applied_is_not_readable_in_the_database(session: Session, now: datetime) -> None:
    admit(session, now, contact=Contact("欧阳张三", "13800000001"))

    rows = (
        session.execute(text("SELECT * FROM institution")).all()
        + session.execute(text("SELECT * FROM institution_change")).all()
    )
    kept = b" ".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert "欧阳".encode() not in kept
    assert b"13800000001" not in kept


@pytest.mark.parametrize(
    "name", ["武汉仁爱医院", "武汉 仁爱 医院", "（武汉）仁爱医院", "武漢仁愛醫院", "武汉仁爱医院　"]
)
def test_a_name_that_differs_only_in_form_is_taken(session: Session, now: datetime, name: str) -> None:
    first = admit(session, now)

    with pytest.raises(Refused) as refused:
        admit(session, now, name)

    assert (refused.value.code, refused.value.facts["institution"]) == ("institution.name_taken", first.id)


def test_a_credit_code_is_one_institution_s(session: Session, now: datetime) -> None:
    first = admit(session, now, credit_code=CODE)

    with pytest.raises(Refused) as refused:
        admit(session, now, "武汉同济堂医院", credit_code=CODE)

    assert (refused.value.code, refused.value.facts["institution"]) == ("institution.credit_code_taken", first.id)
    assert admit(session, now, "村卫生室甲").credit_code is None
    assert admit(session, now, "村卫生室乙").credit_code is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"name": "仁" * 300}, "institution.name_form"),
        ({"name": "仁"}, "institution.name_form"),
        ({"name": "（）…"}, "institution.name_form"),
        ({"name": "12345"}, "institution.name_form"),
        ({"unit": "999999"}, "unit.unknown"),
        ({"credit_code": "91350100M000100Y44"}, "credit_code.check"),
        ({"credit_code": "9135O1OOM000100Y43"}, "credit_code.letters"),
        ({"licence_number": "1"}, "licence.length"),
        ({"contact": Contact("张三", "110")}, "phone.form"),
    ],
)
def test_malformed_values_are_refused_and_nothing_is_kept(
    session: Session, now: datetime, facts: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused, match=code.replace(".", r"\.")):
        admit(session, now, **facts)

    assert session.scalar(select(func.count()).select_from(Institution)) == 0


@pytest.mark.server
def test_of_many_admissions_of_one_name_at_once_one_wins_and_codes_have_no_gap(now: datetime) -> None:
    try:
        with start_postgres() as url:
            refused, codes = _race(url, now)
    except ServerMissing as missing:
        pytest.skip(str(missing))

    assert refused == ["institution.name_taken"] * 5
    assert sorted(codes) == [f"{WUCHANG}{n:06d}" for n in range(1, 8)]


def _race(url: str, now: datetime) -> tuple[list[str], list[str]]:
    """Six threads want one name, six others a name of their own; all in one division."""
    vault.use(vault.Vault(bytes(range(32))))
    engine = make_engine(url, pool_size=12)
    Base.metadata.create_all(engine)
    sessions: sessionmaker[Session] = session_factory(engine)
    with transaction(sessions) as session:
        seed_units(session)
    start = threading.Barrier(12)
    refused: list[str] = []

    def apply(name: str) -> None:
        try:
            with transaction(sessions) as session:
                assert find_by_name(session, name) is None
                start.wait(timeout=20)
                admit(session, now, name)
        except Refused as no:
            refused.append(no.code)

    names = ["武昌仁爱医院"] * 6 + [f"武昌第{n}医院" for n in range(6)]
    threads = [threading.Thread(target=apply, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        codes = list(session.scalars(select(Institution.code)))
    engine.dispose()
    return refused, codes


# ---- editing and removal


def test_an_edit_of_only_the_contact_writes_its_before_and_after(session: Session, now: datetime) -> None:
    admitted = admit(session, now, contact=Contact("张三", "13800000001"))

    edit = InstitutionEdit(contact=Contact("李四", "13800000001"))
    edit_institution(session, admitted.id, edit, EDITOR, now)

    line = history_of(session, admitted.id)[0]
    assert (line.change.reason, dict(line.change.fields)) == ("来电更正", {"contact_name": ("张三", "李四")})
    assert read_contact(session, admitted) == Contact("李四", "13800000001")


def test_emptying_a_field_and_a_reason_of_blanks(session: Session, now: datetime) -> None:
    admitted = admit(session, now, credit_code=CODE, confirmation_code="7")

    edited = edit_institution(session, admitted.id, InstitutionEdit(credit_code="", confirmation_code=""), EDITOR, now)
    with pytest.raises(Refused, match=r"institution\.reason_required"):
        edit_institution(session, admitted.id, InstitutionEdit(address="x"), Editor(by="x", reason="  "), now)

    assert (edited.credit_code, edited.confirmation_code) == (None, None)


def test_a_refused_edit_leaves_nothing_to_be_written_later(session: Session, now: datetime) -> None:
    admit(session, now, "武汉仁爱医院")
    mine = admit(session, now, "武汉同济堂医院")

    with pytest.raises(Refused, match=r"institution\.name_taken"):
        edit_institution(session, mine.id, InstitutionEdit(name="武汉仁爱 医院", address="新址"), EDITOR, now)
    session.flush()

    kept = session.execute(select(Institution.name, Institution.address).where(Institution.id == mine.id)).one()
    assert tuple(kept) == ("武汉同济堂医院", "")
    assert session.scalar(select(func.count()).where(InstitutionChange.institution_id == mine.id)) == 1


def test_renaming_a_unit_s_institution_renames_the_unit(session: Session, now: datetime) -> None:
    own = admit(session, now, "武昌区卫生健康局", unit=WUHAN, unit_code=WUCHANG, category=Category.HEALTH_COMMISSION)

    edit_institution(session, own.id, InstitutionEdit(name="武昌区卫生健康委员会"), EDITOR, now)

    assert session.get(Unit, WUCHANG).name == "武昌区卫生健康委员会"


def test_who_asked_is_told_of_a_removal_in_its_transaction(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(institution_state, "_after_removal", {})
    told: list[tuple[str, str]] = []
    when_removed(lambda session, institution, now: told.append((institution.id, institution.state)))
    admitted = admit(session, now)

    remove_institution(session, admitted.id, EDITOR, now)
    restore_institution(session, admitted.id, EDITOR, now)

    assert told == [(admitted.id, InstitutionState.REMOVED)]
    assert admitted.state == InstitutionState.ADMITTED
