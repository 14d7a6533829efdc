"""What the clock starts, on a real database: each task does its part and is on beat's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from composition import compose
from config import load_settings
from database import Base, new_id, transaction
from domain import account, credential
from domain.attempts import local_day
from domain.person import identity
from migrations.tables import every_table
from tasks import periodic
from tasks.app import app, use_platform


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
    return credential.issue_credential(
        session,
        credential.Verification(
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
