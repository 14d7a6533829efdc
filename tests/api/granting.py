"""A province with two counties, their hospitals, clerks and verified people, over HTTP."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2
from sqlalchemy import Engine, select

from api.app import create_app
from api.edge.auth import open_session
from api.edge.model import EvidenceLook
from composition import declare_service_tasks
from config import ROOT, load_settings
from domain.accounts.account import find_account
from domain.grants.business import UNIT_ADMINISTRATION, find_business
from domain.grants.grant import BusinessGrant, GrantState, begin_tenure, ensure_grant, suspend
from domain.grants.tenure import activate
from domain.institutions.category import Category
from domain.institutions.institution import NewInstitution, admit_institution
from domain.units.unit import Unit, UnitLevel, unit_group
from engine.actors import Actor
from engine.attachments import store as attachments
from storage import vault
from storage.columns import new_id
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.api.conftest import FLOWS, Clock, Person, Platform, a_platform
from tests.flows.business_grant.cases import (
    CITY,
    COUNTY,
    NUMBERS,
    NURSES,
    Hospital,
    Someone,
    Tenure,
    a_clerk,
    a_hospital,
    a_person,
    a_visitor,
    delivered,
)
from tests.flows.story import Town

OTHER_COUNTY = "420102"


@dataclass
class Province:
    """hospital: of county 420106, with the grant most tests are about. elsewhere: a clinic's grant in the other county."""

    platform: Platform
    town: Town
    hospital: Hospital
    elsewhere: str

    def clerk(self, unit: str = "420106") -> Person:
        """Somebody at the console of this unit's office."""
        with transaction(self.platform.sessions) as session:
            account = a_clerk(session, self.town, unit)
            token = open_session(session, find_account(session, account.id), self.platform.clock())
        client = self.platform.app.test_client()
        client.set_cookie("console_session", token)
        return Person(client, {"X-Requested-With": "console"}, unit)

    def person(self, name: str, **verified: Any) -> tuple[Someone, Person]:
        """A verified person and their mini-program."""
        self.town.now = self.platform.clock()
        someone = a_person(self.town, name, **verified)
        return someone, self.app_of(someone.account)

    def app_of(self, account_id: str) -> Person:
        with transaction(self.platform.sessions) as session:
            token = open_session(session, find_account(session, account_id), self.platform.clock())
        return Person(self.platform.app.test_client(), {"Authorization": f"Bearer {token}"})

    def stranger(self) -> Person:
        """Signed in with WeChat, not verified."""
        return self.app_of(self.town.somebody("openid-stranger").id)

    def visitor(self) -> tuple[Someone, Person]:
        """Verified by a permit of Hong Kong."""
        self.town.now = self.platform.clock()
        someone = a_visitor(self.town)
        return someone, self.app_of(someone.account)

    def delivers(self) -> None:
        """Messages between cases arrive."""
        self.town.now = self.platform.clock()
        delivered(self.town)

    def looks(self) -> set[str | None]:
        """Persons somebody was shown unmasked."""
        with self.platform.sessions() as session:
            return set(session.scalars(select(EvidenceLook.person_id).where(EvidenceLook.what == "person")))

    def granted_by(self, unit: str) -> None:
        """The business is granted by one unit for everybody."""
        with transaction(self.platform.sessions) as session:
            find_business(session, NURSES).granted_by = unit

    def makes_clerk_of_county(self, someone: Someone) -> None:
        """By the grant of 机构管理 to the county's own institution."""
        now = self.platform.clock()
        with transaction(self.platform.sessions) as session:
            new = NewInstitution(
                name="武昌区卫生健康局", supervising_unit=CITY, category=Category.HEALTH_COMMISSION, unit_code=COUNTY
            )
            office = admit_institution(session, new, case_id=None, by=None, now=now)
            grant = ensure_grant(session, office.id, UNIT_ADMINISTRATION, now)
            begin_tenure(session, grant.id, new_id(), now)
            activate(session, grant.id, someone.person, by="system", why="direct", now=now)

    def suspends_clerks_of_county(self) -> None:
        with transaction(self.platform.sessions) as session:
            for grant in session.scalars(
                select(BusinessGrant).where(BusinessGrant.business_key == UNIT_ADMINISTRATION)
            ):
                if grant.state == GrantState.ACTIVE:
                    suspend(session, grant.id, by="system", why="unit", now=self.platform.clock())

    @staticmethod
    def text_of(pdf: bytes) -> str:
        document = pypdfium2.PdfDocument(pdf)
        return "".join(page.get_textpage().get_text_range() for page in document)

    def tenure(self) -> Tenure:
        self.town.now = self.platform.clock()
        return self.hospital.running()

    @property
    def path(self) -> str:
        return f"/api/v1/grants/{self.hospital.grant}"


def a_province(folder: Path, engine: Engine) -> Province:
    declare_service_tasks(ROOT / "bpmn")
    platform = a_platform(folder, engine, ROOT / "bpmn" / "business_grant", ROOT / "bpmn" / "candidate_review")
    town = Town(platform.sessions, platform.clock())
    hospital = a_hospital(town)
    with transaction(platform.sessions) as session:
        other = Unit(code=OTHER_COUNTY, name="江岸区卫生健康局", level=UnitLevel.COUNTY, parent_code=CITY)
        session.add(other)
        session.flush()
        new = NewInstitution(name="江岸区口腔门诊部", supervising_unit=OTHER_COUNTY, category=Category.OUTPATIENT)
        clinic = admit_institution(session, new, case_id=None, by=None, now=town.now)
        elsewhere = ensure_grant(session, clinic.id, NURSES, town.now).id
    return Province(platform, town, hospital, elsewhere)


def a_province_built_before(template: Path, folder: Path) -> Iterator[Province]:
    """A copy of the one in `template`, which is built where it is missing: deploying takes longer than most tests."""
    if not template.exists():
        engine = make_engine(f"sqlite:///{template / 'platform.db'}", hide_parameters=True)
        template.mkdir()
        built = a_province(template, engine)
        facts = (built.hospital.institution, built.hospital.grant, built.hospital.clerk.id, built.elsewhere)
        (template / "facts").write_text("\n".join(facts))
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
    shutil.copytree(template, folder, dirs_exist_ok=True)
    institution, grant, clerk, elsewhere = (folder / "facts").read_text().splitlines()
    engine = make_engine(f"sqlite:///{folder / 'platform.db'}", hide_parameters=True)
    settings = load_settings({"VAR_DIR": str(folder), "FLOWS_DIR": str(FLOWS)})
    vault.use(vault.Vault(settings.master_key))
    attachments.use_directory(settings.files_dir)
    sessions, clock = session_factory(engine), Clock()
    platform = Platform(settings, engine, sessions, clock, create_app(settings, sessions, clock=clock))
    town = Town(sessions, clock())
    groups = frozenset({unit_group(COUNTY)})
    yield Province(platform, town, Hospital(town, institution, grant, Actor(clerk, groups)), elsewhere)
    engine.dispose()


def number_of(someone: Someone) -> str:
    return NUMBERS[someone.name]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]
