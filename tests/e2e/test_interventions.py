"""What operators did to a case stands on its diagram: numbered where it was done, with who and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from domain.accounts.account import Account
from engine.actors import Actor
from engine.model.tables import WAITING
from engine.operators.operations import OperatorAct, OperatorVerb, operate
from storage.transactions import transaction
from tests.e2e.console import Console
from tools.browser import violations
from tools.demo.desk import with_a_doubtful_card
from tools.demo.site import Site

OPERATOR = "operator-one"


def operated(site: Site, case_id: str, verb: OperatorVerb, why: str, **about: object) -> None:
    with transaction(site.sessions) as session:
        account = session.scalars(select(Account.id).where(Account.username == OPERATOR)).one()
        act = OperatorAct(verb=verb, case_id=case_id, why=why, **about)  # type: ignore[arg-type]
        operate(session, act, by=Actor(account), now=datetime.now(UTC))


def open_wait(site: Site, case_id: str, element: str) -> str:
    with site.sessions() as session:
        open_here = (WAITING.c.case_id == case_id, WAITING.c.element == element, WAITING.c.closed_at.is_(None))
        found: str = session.execute(select(WAITING.c.id).where(*open_here)).scalar_one()
        return found


@pytest.fixture
def case_id(site: Site) -> str:
    """A case at its review that was suspended, changed, moved to the correction and skipped on from there."""
    site.staff(OPERATOR, "admin", display_name="钱管理")
    application = with_a_doubtful_card(site.desk, timedelta(hours=1))
    case_id = application.case_id
    operated(site, case_id, OperatorVerb.SUSPEND, "核对证件真伪")
    operated(site, case_id, OperatorVerb.RESUME, "核对无误")
    operated(
        site, case_id, OperatorVerb.MOVE, "请申请人再看一遍", wait=open_wait(site, case_id, "review"), to="correct"
    )
    skipped = {"next_step": "review"}
    operated(
        site, case_id, OperatorVerb.SKIP, "申请人来电确认", wait=open_wait(site, case_id, "correct"), values=skipped
    )
    return case_id


def test_each_intervention_is_drawn_and_told(site: Site, console: Console, case_id: str) -> None:
    console.is_signed_in_as(site.staff("reviewer-of-interventions", display_name="孙审核"))
    console.goes_to(f"/cases/{case_id}")
    console.page.get_by_role("button", name="流程图").click()

    drawn = console.page.locator(".djs-overlay .by-hand")
    expect(drawn).to_have_count(2)
    told = console.page.get_by_role("region", name="人工干预").get_by_role("listitem")

    expect(told).to_have_count(4)
    expect(told.nth(0)).to_contain_text("钱管理 暂停案件：核对证件真伪")
    expect(told.nth(2)).to_contain_text("从“人工审核”移到“更正或转人工”：请申请人再看一遍")
    expect(console.page.locator(".way-moved")).to_have_count(1)
    expect(console.page.locator(".way-skipped")).to_have_count(1)
    assert violations(console.page) == []
