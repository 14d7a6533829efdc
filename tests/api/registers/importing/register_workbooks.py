"""Workbooks of the registers for tests: made, sent by a clerk, imported by the worker, and what came back refused."""

from __future__ import annotations

import io
from collections.abc import Iterator

from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from composition import Platform as Composed
from domain.accounts.account import Account
from domain.grants.business import seed_businesses
from domain.imports.unit_seed import admit_unit
from domain.imports.workbook import INSTITUTIONS, MANAGERS, UNITS
from domain.units.unit import Unit, UnitLevel
from storage.transactions import transaction
from tasks import imports
from tasks.process import use_platform
from tests.api.conftest import Platform

SUIZHOU, ZENGDU, WUHAN = "421300", "421303", "420100"
UNITS_THERE = (
    ("420000", "湖北省卫生健康委员会", UnitLevel.PROVINCE, None),
    (SUIZHOU, "随州市卫生健康委员会", UnitLevel.CITY, "420000"),
    (ZENGDU, "曾都区卫生健康局", UnitLevel.COUNTY, SUIZHOU),
    (WUHAN, "武汉市卫生健康委员会", UnitLevel.CITY, "420000"),
)


def a_province_at_work(platform: Platform) -> Iterator[Platform]:
    """Four units of 湖北 and the businesses; the worker works on the same database."""
    with transaction(platform.sessions) as session:
        for code, name, level, parent in UNITS_THERE:
            unit = Unit(code=code, name=name, level=level, parent_code=parent)
            session.add(unit)
            session.flush()
            admit_unit(session, unit, platform.clock())
        seed_businesses(session, platform.clock())
    use_platform(Composed(platform.settings, platform.engine, platform.sessions))
    yield platform
    use_platform(None)


def clerk_of(platform, name: str, unit: str):
    person = platform.staff(name, "nothing.else")
    with transaction(platform.sessions) as session:
        session.scalars(select(Account).where(Account.username == name)).one().unit_code = unit
    return person


def a_workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """Sheets by title, each with the columns' titles above its rows."""
    book = Workbook()
    book.remove(book.active)
    for known in (UNITS, INSTITUTIONS, MANAGERS):
        if known.title in sheets:
            sheet = book.create_sheet(known.title)
            for row in [[column.header for column in known.columns], *sheets[known.title]]:
                sheet.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def an_institution(name: str = "随州仁爱医院", **cells: str) -> list[object]:
    values = {"name": name, "category": "医院", "unit": ZENGDU} | cells
    return [values.get(column.key, "") for column in INSTITUTIONS.columns]


def send(person, content: bytes, *, dry: bool = False):
    file = (io.BytesIO(content), "机构.xlsx")
    return person.post("/api/v1/imports", data={"file": file, "is_dry_run": "true" if dry else "false"})


def imported(person, content: bytes, *, dry: bool = False) -> dict:
    answer = send(person, content, dry=dry)
    assert answer.status_code == 202, answer.text
    imports.run_imports()
    return person.get(f"/api/v1/imports/{answer.json['id']}").json


def refused_rows(person, done: dict) -> dict[str, list[list[object]]]:
    """Sheet → rows of the error file, the header left out."""
    answer = person.get(f"/api/v1/imports/{done['id']}/refused-rows")
    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.data))
    return {sheet.title: [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}


def count(platform, table) -> int:
    with platform.sessions() as session:
        return session.scalar(select(func.count()).select_from(table))
