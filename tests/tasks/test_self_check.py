"""The nightly tasks: one root a day, and what a sample finds is kept for operators."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select

from composition import compose
from config import load_settings
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.model.tables import WAITING
from engine.replay.evidence.journal_root import ROOT
from engine.replay.evidence.self_check import open_findings
from migrations.tables import every_table
from storage.columns import Base
from storage.transactions import transaction
from tasks.app import app
from tasks.process import use_platform
from tasks.self_check import sign_journal_heads, verify_journal_sample
from tests.engine.conftest import ANALYST, APPLICANT
from tests.engine.flows import a_flow


@pytest.fixture
def platform(tmp_path):
    every_table()
    made = compose(load_settings({"VAR_DIR": str(tmp_path), "FLOWS_DIR": str(tmp_path / "flows")}))
    Base.metadata.create_all(made.engine)
    use_platform(made)
    yield made
    use_platform(None)
    made.engine.dispose()


@pytest.fixture
def case_id(platform) -> str:
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deploy_flow(session, a_flow(), by=ANALYST, reason="test", now=now)
        return start_case(session, "leave", by=APPLICANT, values={}, now=now)


def test_a_second_run_of_the_day_makes_no_second_root(platform, case_id) -> None:
    sign_journal_heads()
    sign_journal_heads()

    with platform.sessions() as session:
        assert session.execute(select(func.count()).select_from(ROOT)).scalar_one() == 1


def test_what_the_sample_finds_is_kept_until_it_is_in_order(platform, case_id) -> None:
    verify_journal_sample()
    with platform.sessions() as session:
        assert open_findings(session) == []

    with transaction(platform.sessions) as session:
        session.execute(delete(WAITING).where(WAITING.c.element == "fill"))
    verify_journal_sample()

    with platform.sessions() as session:
        assert [(one.case_id, one.kind, one.seq) for one in open_findings(session)] == [(case_id, "waits", 1)]


def test_they_and_what_if_are_on_beats_list() -> None:
    app.loader.import_default_modules()  # as beat does

    assert {"sign_journal_heads", "verify_journal_sample", "run_what_ifs"} <= {
        entry["task"] for entry in app.conf.beat_schedule.values()
    }
