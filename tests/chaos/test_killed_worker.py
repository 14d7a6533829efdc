"""A worker killed with -9 in the middle of a job: the job runs again, the case ends once. One that is asked to end finishes."""

from __future__ import annotations

import base64
import os
import signal
from datetime import UTC, datetime

import pytest

from composition import compose
from config import load_settings
from engine.actors import Actor
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_folder
from engine.inputs import JobSucceeded
from engine.model.instance import Case
from engine.replay.rebuild import read_inputs, verify_case
from migrations import upgrade
from storage.transactions import transaction
from tests.chaos.platforms import BEAT, WORKER, environment, kill_group, process, until, write_slow_flow
from tests.servers import start_postgres, start_redis


@pytest.mark.server
def test_a_killed_workers_job_runs_again_with_nothing_but_files(tmp_path):
    _a_killed_workers_job_runs_again(tmp_path, environment(tmp_path))


@pytest.mark.server
def test_a_killed_workers_job_runs_again_on_postgres_and_redis(tmp_path):
    key = base64.b64encode(bytes(range(32))).decode()
    with start_postgres() as database, start_redis() as redis:
        environ = environment(tmp_path, DATABASE_URL=database, REDIS_URL=redis, MASTER_KEY=key, DEMO="1")
        _a_killed_workers_job_runs_again(tmp_path, environ)


@pytest.mark.server
def test_a_worker_that_is_told_to_end_finishes_its_job_first(tmp_path):
    environ, log = environment(tmp_path), tmp_path / "log"
    platform, case_id = _a_slow_case(tmp_path, environ)
    first_attempt = platform.settings.var_dir / "first-attempt"

    with process(environ, log, *BEAT), process(environ, log, *WORKER) as worker:
        until(first_attempt.exists, within_s=60, log=log)
        os.killpg(worker.pid, signal.SIGTERM)
        until(lambda: "Warm shutdown" in log.read_text(), within_s=30, log=log)
        first_attempt.with_name("go-on").touch()
        worker.wait(60)

    assert _state(platform, case_id) == "COMPLETED"
    platform.engine.dispose()


def _a_slow_case(tmp_path, environ):
    write_slow_flow(tmp_path / "flows")
    platform = compose(load_settings(environ))
    upgrade(platform.engine)
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deploy_folder(session, platform.settings.flows_dir, now)
        case_id = start_case(session, "slow", by=Actor("applicant"), values={}, now=now)
    return platform, case_id


def _a_killed_workers_job_runs_again(tmp_path, environ):
    platform, case_id = _a_slow_case(tmp_path, environ)
    log = tmp_path / "log"
    first_attempt = platform.settings.var_dir / "first-attempt"

    with process(environ, log, *BEAT):
        with process(environ, log, *WORKER) as worker:
            until(first_attempt.exists, within_s=60, log=log)
            kill_group(worker)
        with process(environ, log, *WORKER):
            until(lambda: _state(platform, case_id) == "COMPLETED", within_s=90, log=log)

    with platform.sessions() as session:
        inputs = read_inputs(session, case_id)
        verdict = verify_case(session, case_id)
    assert sum(isinstance(given, JobSucceeded) for given in inputs) == 1
    assert verdict.is_sound, verdict
    platform.engine.dispose()


def _state(platform, case_id):
    with platform.sessions() as session:
        return session.get(Case, case_id).state
