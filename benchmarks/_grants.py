"""A province of institutions and their grants, written as rows: what a table reads is what matters, not how it came about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

from sqlalchemy import Integer, Table, func, insert, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session, sessionmaker

import vault
from database import new_id, transaction
from domain.business import SEEDED, seed_businesses
from domain.divisions import PROVINCE, divisions, superior_division
from domain.grant import BusinessGrant
from domain.grant_code import ALPHABET, GrantCode, data_owner
from domain.institution import Institution, InstitutionNumber
from domain.institution_clues import clue_rows
from domain.institution_name import name_key
from domain.unit import Unit, UnitLevel

INSTITUTION, GRANT, CODE = (cast(Table, each.__table__) for each in (Institution, BusinessGrant, GrantCode))
BATCH = 5_000

Row = dict[str, Any]  # Any: column values

_KINDS = (
    ("村卫生室", "village_clinic", 32),
    ("诊所", "clinic", 24),
    ("口腔门诊部", "outpatient", 9),
    ("卫生院", "township_health", 8),
    ("社区卫生服务站", "community_health", 8),
    ("医院", "hospital", 8),
    ("中医诊所", "filed_clinic", 5),
    ("妇幼保健院", "maternal_child", 3),
    ("疾病预防控制中心", "cdc", 3),
)
_STATES = (("NONE", 40), ("ACTIVE", 35), ("ISSUED", 15), ("STOPPED", 7), ("SUSPENDED", 3))
_OWN = "安康宁和仁爱济民同德华春明阳光瑞祥福泽惠恒益健美佳诚信东西南北新荣庆云龙凤山江湖桥河溪林石金银玉兰梅竹松柏"


def fill_units(sessions: sessionmaker[Session], now: datetime) -> list[str]:
    """The province's own divisions, and three more counties, as units: 120 of them. Returns their codes."""
    codes = {**divisions(), "429101": "东湖新区", "429102": "临空新区", "429103": "光谷新区"}
    with transaction(sessions) as session:
        for code, name in codes.items():
            above = superior_division(code) if not code.startswith("4291") else PROVINCE
            level = UnitLevel.PROVINCE if above is None else UnitLevel.CITY if code.endswith("00") else UnitLevel.COUNTY
            session.add(Unit(code=code, name=name, level=level, parent_code=above))
            session.flush()
        seed_businesses(session, now)
    return list(codes)


def fill_grants(sessions: sessionmaker[Session], institutions: int, person_id: str, now: datetime) -> None:
    """Institutions spread over the units, each with a grant of every business: ACTIVE ones have the person as manager,
    ISSUED ones a code. PostgreSQL only: clues of names are copied in.
    """
    chance = random.Random(20261123)
    units = fill_units(sessions, now)
    rows = _institutions(chance, units, institutions, now)
    while batch := list(islice(rows, BATCH)):
        grants = [grant for institution in batch for grant in _grants(chance, institution, person_id, now)]
        with transaction(sessions) as session:
            session.execute(insert(INSTITUTION), batch)
            session.execute(insert(GRANT), grants)
            session.execute(insert(CODE), _codes(session, chance, grants, now))
            _copy_clues(session, batch)
    _number_on(sessions, units)


def _number_on(sessions: sessionmaker[Session], units: list[str]) -> None:
    """Institutions admitted from now on get numbers that are free."""
    last = as_type(func.substr(Institution.code, 7), Integer)
    counted = select(Institution.supervising_unit, func.max(last)).group_by(Institution.supervising_unit)
    with transaction(sessions) as session:
        numbers = dict(session.execute(counted).all())
        rows = [{"division": unit, "last": numbers[unit]} for unit in units]
        session.execute(insert(InstitutionNumber), rows)


def _institutions(chance: random.Random, units: list[str], wanted: int, now: datetime) -> Iterator[Row]:
    names = divisions()
    taken: set[str] = set()
    numbers = dict.fromkeys(units, 0)
    kinds, weights = [kind[:2] for kind in _KINDS], [kind[2] for kind in _KINDS]
    while len(taken) < wanted:
        unit = chance.choice(units)
        kind, category = chance.choices(kinds, weights)[0]
        name = names.get(unit, "湖北") + "".join(chance.sample(_OWN, chance.randint(2, 4))) + kind
        key = name_key(name)
        if key in taken:
            continue
        taken.add(key)
        numbers[unit] += 1
        row: Row = dict.fromkeys(column.name for column in INSTITUTION.columns)
        yield row | {
            "id": new_id(),
            "name": name,
            "name_key": key,
            "address": "",
            "supervising_unit": unit,
            "category": category,
            "code": f"{unit}{numbers[unit]:06d}",
            "state": "ADMITTED",
            "revision": 1,
            "admitted_at": now,
            "changed_at": now,
        }


def _codes(session: Session, chance: random.Random, grants: list[Row], now: datetime) -> list[Row]:
    issued = [grant["id"] for grant in grants if grant["state"] == "ISSUED"]
    ciphers = vault.current().create_data_keys(session, [data_owner(grant_id) for grant_id in issued], now)
    rows = []
    for grant_id in issued:
        code_id, code = new_id(), "".join(chance.choices(ALPHABET, k=8))
        row: Row = dict.fromkeys(column.name for column in CODE.columns)
        rows.append(
            row
            | {
                "id": code_id,
                "grant_id": grant_id,
                "tenure": 1,
                "code_hash": vault.current().keyed_hash("grant_code", f"{code}{code_id}"),
                "sealed": ciphers[data_owner(grant_id)].encrypt(code.encode(), f"grant_code:{code_id}".encode()),
                "state": "OPEN",
                "issued_at": now,
                "issued_by": "unit",
                "expires_at": now + timedelta(days=30),
            }
        )
    return rows


def _copy_clues(session: Session, institutions: list[Row]) -> None:
    cursor = session.connection().connection.cursor()
    with cursor.copy("COPY name_clue (clue, institution_id) FROM STDIN") as copy:
        for institution in institutions:
            for row in clue_rows(institution["id"], institution["name"]):
                copy.write_row((row["clue"], row["institution_id"]))


def _grants(chance: random.Random, institution: Row, person_id: str, now: datetime) -> Iterator[Row]:
    states, weights = [state for state, _ in _STATES], [weight for _, weight in _STATES]
    for business in SEEDED:
        state = chance.choices(states, weights)[0]
        yield {
            "id": new_id(),
            "institution_id": institution["id"],
            "business_key": business.key,
            "state": state,
            "manager_person_id": person_id if state in ("ACTIVE", "SUSPENDED") else None,
            "tenure": 1,
            "case_id": None,
            "institution_code": institution["code"],
            "name_key": institution["name_key"],
            "supervising_unit": institution["supervising_unit"],
            "category": institution["category"],
            "created_at": now,
            "changed_at": now,
        }
