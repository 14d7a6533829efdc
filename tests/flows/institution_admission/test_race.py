"""机构补增 against PostgreSQL: two units admit one name at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from composition import declare_service_tasks
from config import ROOT
from domain.imports.unit_seed import seed_units
from engine.actors import Actor
from engine.attachments import store as attachments
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.failures import retry_deadlocks
from storage.transactions import session_factory, transaction
from tests.flows.conftest import MONDAY
from tests.flows.institution_admission.cases import (
    FLOW,
    JIANGAN,
    JIANGHAN,
    a_credit_code,
    applies,
    clerk_of,
    institutions,
    remarks,
    somebody_with_phone,
)
from tests.flows.story import Story, Town
from tests.servers import start_postgres

NAMES = ("武汉市同济康复医院", "武汉市梨园骨科诊所", "武汉市普仁眼科门诊部", "武汉市楚天口腔医院", "武汉市东湖疗养院")

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    vault.use(vault.Vault(bytes(range(32))))
    attachments.use_directory(tmp_path_factory.mktemp("files"))
    every_table()
    declare_service_tasks(ROOT / "bpmn")
    with start_postgres() as url:
        engine = make_engine(url)
        Base.metadata.create_all(engine)
        with transaction(session_factory(engine)) as session:
            seed_units(session, MONDAY)
            deploy_flow(session, load_flow(Path(FLOW)), by=Actor("analyst"), reason="tests", now=MONDAY)
        yield Town(session_factory(engine), MONDAY)
        engine.dispose()


@pytest.mark.parametrize("round_number", range(len(NAMES)))
def test_one_is_admitted_and_the_other_goes_back_to_its_reviewer(province: Town, round_number: int) -> None:
    numbers = (2 * round_number + 1, 2 * round_number + 2)
    name = NAMES[round_number]
    before = institutions(province)
    stories = {
        unit: applies(
            province,
            somebody_with_phone(province, f"1390000{number:04}"),
            institution_name=name,
            supervising_unit=unit,
            applicant_phone=f"1390000{number:04}",
            credit_code=a_credit_code(number),
            licence_number=None,
            category="other",
        )
        for unit, number in zip((JIANGHAN, JIANGAN), numbers, strict=True)
    }

    failures = _all_at_once(stories)

    assert failures == []
    (winner,) = (story for story in stories.values() if story.outcome == "admitted")
    (loser,) = (story for story in stories.values() if story is not winner)
    assert loser.waits_for("review")
    assert remarks(loser)[0].startswith(f"机构名称与机构库中的“{name}”")
    assert institutions(province) == before + 1
    assert winner.is_sound()
    assert loser.is_sound()


def _all_at_once(stories: dict[str, Story]) -> list[BaseException]:
    """Every unit's reviewer admits; what went wrong, if anything."""
    start = threading.Barrier(len(stories))
    failures: list[BaseException] = []

    def decide(unit: str, story: Story) -> None:
        start.wait()
        try:
            retry_deadlocks(lambda: story.completes("review", by=clerk_of(unit), review_decision="admit"))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=decide, args=each) for each in stories.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return failures
