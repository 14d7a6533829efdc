"""The three ways a job can end, and the fourth: what is nobody's fault is tried again. Real case, no broker."""

from __future__ import annotations

import errno
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from composition import compose
from config import load_settings
from engine.actors import Actor
from engine.cases import dispatching
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.errors import BusinessError, RetryLater
from engine.flow.flow import flow_of_files
from engine.jobs.leases import ready_jobs
from engine.model.instance import Case
from engine.model.waiting_row import Waiting
from engine.operators.incidents import list_incidents
from engine.services import registry as service_tasks
from migrations.tables import every_table
from storage.columns import Base
from storage.transactions import transaction
from tasks.process import use_platform
from tasks.run_job import run_job
from tests.engine.diagrams import Diagram

FLOW = """
key = "errand"
title = "跑腿"
[start]
who = ["*"]
[lanes]
system = "-"
[outcomes.done]
label = "完成"
[outcomes.closed]
label = "关门"
"""


class Errand(BaseModel):
    """weight: kilograms, 1 to 10."""

    weight: int


class Door(BaseModel):
    open: bool


answers: list[object] = []


@service_tasks.service_task(
    "errand.run", title="跑腿", parameters=Errand, result=Door, errors=("shop.closed",), queue="default", max_attempts=2
)
def run_errand(parameters: Errand, context: service_tasks.JobContext) -> Door:
    answer = answers.pop(0)
    if isinstance(answer, Exception):
        raise answer
    return Door(open=bool(answer))


@pytest.fixture
def platform(tmp_path):
    """The worker's own composition, on a folder of this test; nothing is announced to a broker."""
    every_table()
    made = compose(load_settings({"VAR_DIR": str(tmp_path), "FLOWS_DIR": str(tmp_path / "flows")}))
    Base.metadata.create_all(made.engine)
    use_platform(made)
    dispatching.set_dispatcher(None)
    answers.clear()
    yield made
    use_platform(None)
    made.engine.dispose()


def _an_errand(platform, weight: str = "3") -> str:
    d = Diagram("errand", lanes={"system": ["begin", "run", "shut", "done", "closed"]})
    d.start("begin")
    d.service("run", "errand.run", result="door", weight=weight)
    d.boundary("shut", "run", d.error("shop.closed"))
    d.end("done", outcome="done")
    d.end("closed", outcome="closed")
    d.flow("begin", "run", "done")
    d.flow("shut", "closed")
    flow = flow_of_files({"flow.toml": FLOW.encode(), "process.bpmn": d.xml()})
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deploy_flow(session, flow, by=Actor("analyst"), reason="test", now=now)
        return start_case(session, "errand", by=Actor("somebody"), values={}, now=now)


def _run_the_job(platform) -> None:
    with platform.sessions() as session:
        [job] = ready_jobs(session, datetime.now(UTC), 10)
    run_job(job.id)


def _let_time_pass(platform) -> None:
    """Until whatever was put off is due."""
    with transaction(platform.sessions) as session:
        session.execute(update(Waiting).where(Waiting.state == "READY").values(next_at=datetime.now(UTC)))


def _case(platform, case_id) -> Case:
    with platform.sessions() as session:
        return session.get(Case, case_id)


def _incidents(platform):
    with platform.sessions() as session:
        return list_incidents(session).items


def test_a_result_moves_the_case_on(platform):
    case_id = _an_errand(platform)
    answers.append(True)

    _run_the_job(platform)

    assert _case(platform, case_id).outcome == "done"


def test_a_business_error_takes_the_boundary_path(platform):
    case_id = _an_errand(platform)
    answers.append(BusinessError("shop.closed"))

    _run_the_job(platform)

    assert _case(platform, case_id).outcome == "closed"


@pytest.mark.parametrize("trouble", [RetryLater("busy"), RuntimeError("the model fell over")])
def test_the_machines_fault_is_tried_again_later(platform, trouble):
    case_id = _an_errand(platform)
    answers.append(trouble)

    _run_the_job(platform)

    assert _case(platform, case_id).state == "RUNNING"
    assert _incidents(platform) == ()
    with platform.sessions() as session:
        assert ready_jobs(session, datetime.now(UTC), 10) == []
        assert len(ready_jobs(session, datetime(2100, 1, 1, tzinfo=UTC), 10)) == 1


def test_a_full_disk_is_no_attempt(platform):
    """Twice as many times as the task has attempts, then there is room again."""
    case_id = _an_errand(platform)
    full = OSError(errno.ENOSPC, "no space")

    for _ in range(4):
        answers.append(full)
        _run_the_job(platform)
        _let_time_pass(platform)
    answers.append(True)
    _run_the_job(platform)

    assert _incidents(platform) == ()
    assert _case(platform, case_id).outcome == "done"


def test_parameters_that_do_not_fit_go_to_a_person_at_once(platform):
    case_id = _an_errand(platform, weight='"heavy"')

    _run_the_job(platform)

    [incident] = _incidents(platform)
    assert incident.case_id == case_id
    assert incident.code == "job.given_up"
    assert "heavy" not in (incident.note or "")


def test_a_message_for_a_job_that_is_done_does_nothing(platform):
    case_id = _an_errand(platform)
    answers.append(True)
    with platform.sessions() as session:
        [job] = ready_jobs(session, datetime.now(UTC), 10)
    run_job(job.id)

    run_job(job.id)

    assert _case(platform, case_id).outcome == "done"
    assert answers == []
