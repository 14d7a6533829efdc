"""A fresh database for every story, copied from one that has the tables and the flows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from composition import declare_service_tasks
from config import ROOT
from domain.accounts.account import bind_phone
from engine.actors import Actor
from engine.attachments import store as attachments
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import flow_folders, load_flow
from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.flows.institution_admission.cases import a_town
from tests.flows.real_name.cases import ZHANG, scans
from tests.flows.story import Story, Town

# A Monday, 09:00 in Wuhan.
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FLOWS = ROOT / "bpmn"


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table and every flow."""
    folder = tmp_path_factory.mktemp("deployed")
    vault.use(vault.Vault(bytes(range(32))))
    every_table()
    declare_service_tasks(FLOWS)
    engine = make_engine(f"sqlite:///{folder / 'platform.db'}")
    Base.metadata.create_all(engine)
    with transaction(session_factory(engine)) as session:
        for flow_folder in flow_folders(FLOWS):
            deploy_flow(session, load_flow(flow_folder), by=Actor("analyst"), reason="tests", now=MONDAY)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return folder / "platform.db"


@pytest.fixture
def town(deployed: Path, tmp_path: Path) -> Iterator[Town]:
    vault.use(vault.Vault(bytes(range(32))))
    shutil.copy(deployed, tmp_path / "platform.db")
    attachments.use_directory(tmp_path / "files")
    engine = make_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    yield Town(session_factory(engine), MONDAY)
    engine.dispose()


@pytest.fixture(scope="session")
def units_deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the units of the province and the flow institution_admission."""
    vault.use(vault.Vault(bytes(range(32))))
    return a_town(tmp_path_factory.mktemp("units"), MONDAY)


@pytest.fixture
def province(units_deployed: Path, tmp_path: Path) -> Iterator[Town]:
    """A town with all units of 湖北省, where institutions apply."""
    vault.use(vault.Vault(bytes(range(32))))
    shutil.copy(units_deployed, tmp_path / "province.db")
    attachments.use_directory(tmp_path / "files")
    engine = make_engine(f"sqlite:///{tmp_path / 'province.db'}")
    yield Town(session_factory(engine), MONDAY)
    engine.dispose()


@pytest.fixture
def applicant(town: Town) -> Actor:
    return town.somebody("openid-zhang")


@pytest.fixture
def begins(town: Town) -> Callable[..., Story]:
    """A case whose applicant has agreed and filled in who they are."""

    def begin(by: Actor, method: str = "automatic", *, keep_portrait: bool = False, **values: Any) -> Story:
        story = town.start("real_name", by)
        agreed = {"portrait_consent": "keep_portrait/2026-01"} if keep_portrait else {}
        story.completes("consent", read_consent="read_document/2026-01", **agreed)
        return story.completes("information", **{"document_type": "resident_id", "method": method, **ZHANG, **values})

    return begin


@pytest.fixture
def flow(begins: Callable[..., Story], applicant: Actor) -> Story:
    return begins(applicant)


@pytest.fixture
def newcomer(town: Town, flow: Story, begins: Callable[..., Story]) -> Story:
    """张三 was verified with a phone, and comes with another WeChat account."""
    with town.writing() as session:
        bind_phone(session, flow.starter.id, "13812345678")
    scans(flow)
    story = scans(begins(town.somebody("openid-new")))
    assert story.waits_for("choose_proof")
    return story
