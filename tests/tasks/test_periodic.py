"""What the clock starts, on a real database: each task does its part and is on beat's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from composition import compose
from config import load_settings
from domain.accounts import account
from domain.credentials import credential, issuing
from domain.credentials.attempts import local_day
from domain.persons.person import identity
from engine.actors import SYSTEM
from engine.deployment.deploy import DEFINITION, FILE, deploy_flow
from engine.flow.flow import flow_of_files
from engine.model.tables import CASE
from migrations.tables import every_table
from storage.columns import Base, new_id
from storage.transactions import transaction
from tasks import periodic
from tasks.app import app
from tasks.process import use_platform
from tests.engine.periodic.test_clock_starts import a_report_flow


@pytest.fixture
def platform(tmp_path):
    every_table()
    made = compose(load_settings({"VAR_DIR": str(tmp_path), "FLOWS_DIR": str(tmp_path / "flows")}))
    Base.metadata.create_all(made.engine)
    use_platform(made)
    yield made
    use_platform(None)
    made.engine.dispose()


def _issued(session, number: str, valid_until) -> str:
    now = datetime.now(UTC)
    return issuing.issue_credential(
        session,
        issuing.Verification(
            account_id=account.find_or_create_wechat_account(session, number, now).id,
            case_id=new_id(),
            who=identity("张三", "resident_id", number),
            verified_by=credential.VerifiedBy.READING,
            valid_until=valid_until,
        ),
        now,
    ).id


def test_a_credential_expires_the_day_after_its_documents_last(platform) -> None:
    today = local_day(datetime.now(UTC))
    with transaction(platform.sessions) as session:
        past = _issued(session, "11010519491231002x", today - timedelta(days=2))
        for_good = _issued(session, "440524188001010014", None)
        coming = _issued(session, "110105194912310038", today + timedelta(days=2))

    periodic.expire_credentials()

    with platform.sessions() as session:
        states = dict(session.execute(select(credential.Credential.id, credential.Credential.state)).all())
    assert states == {past: "EXPIRED", for_good: "VALID", coming: "VALID"}


def test_every_periodic_task_is_known_to_the_workers() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    app.loader.import_default_modules()

    assert scheduled <= set(app.tasks)
    assert "expire_credentials" in scheduled


def test_the_clock_begins_cases_and_a_flow_that_fails_holds_up_no_other(platform) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    with transaction(platform.sessions) as session:
        deploy_flow(session, a_report_flow(), by=SYSTEM, reason="test", now=long_ago)
        deploy_flow(session, _another(a_report_flow(result="of")), by=SYSTEM, reason="test", now=long_ago)
        definition_id = session.execute(select(DEFINITION.c.id).where(DEFINITION.c.flow_key == "another")).scalar()
        broken = FILE.c.definition_id == definition_id, FILE.c.path == "process.bpmn"
        session.execute(update(FILE).where(*broken).values(content=b"no longer a diagram"))

    periodic.start_due_cases()
    periodic.start_due_cases()

    with platform.sessions() as session:
        begun = session.execute(select(CASE.c.flow_key, CASE.c.started_by)).all()
    assert [tuple(row) for row in begun] == [("report", "system")]
    assert "start_due_cases" in app.conf.beat_schedule


def _another(flow):
    toml = flow.files["flow.toml"].replace(b'key = "report"', b'key = "another"')
    return flow_of_files({**flow.files, "flow.toml": toml})
