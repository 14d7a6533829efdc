"""The inbox: keys, filters kept in the address, claiming several, and nobody without work looks at a blank page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from tests.e2e.console import Console
from tests.e2e.ledger import holder_of_item
from tools.browser import violations
from tools.demo.desk import insisting_on_a_name, with_a_passport
from tools.demo.site import Site

HOUR = timedelta(hours=1)


def test_j_and_enter_open_an_item(site: Site, reviewer: Console) -> None:
    insisting_on_a_name(site.desk, HOUR)
    reviewer.goes_to("/inbox")
    reviewer.sees_a_list()

    reviewer.presses("j", "k", "Enter")

    reviewer.page.wait_for_url("**/work-items/*")


def test_c_claims_the_item_under_the_cursor(site: Site, reviewer: Console) -> None:
    with_a_passport(site.desk, HOUR)
    reviewer.goes_to("/inbox?view=groups")
    reviewer.sees_a_list()
    item = str(reviewer.page.locator("tr.current").get_attribute("data-id"))

    with reviewer.page.expect_response(lambda answer: answer.url.endswith("/claim")):
        reviewer.presses("c")

    expect(reviewer.page.locator(f'tr[data-id="{item}"]')).to_have_count(0)
    assert holder_of_item(site, item) == "reviewer-one"


def test_x_and_s_claim_several_at_once(site: Site, reviewer: Console) -> None:
    for _ in range(2):
        insisting_on_a_name(site.desk, HOUR)
    reviewer.goes_to("/inbox?view=groups")
    reviewer.sees_a_list()
    rows = reviewer.page.locator("tbody tr")
    items = [str(rows.nth(n).get_attribute("data-id")) for n in (0, 1)]

    reviewer.presses("x", "j", "x")
    with reviewer.page.expect_response(lambda answer: answer.url.endswith("/inbox/claim")):
        reviewer.presses("s")

    assert [holder_of_item(site, item) for item in items] == ["reviewer-one", "reviewer-one"]


def test_a_double_click_claims_once(site: Site, reviewer: Console) -> None:
    insisting_on_a_name(site.desk, HOUR)
    asked: list[str] = []
    reviewer.page.on(
        "request", lambda request: asked.append(request.url) if request.url.endswith("claim-next") else None
    )
    reviewer.goes_to("/inbox")
    reviewer.sees_a_list()

    reviewer.page.get_by_role("button", name="领取下一件").dblclick()
    reviewer.waits_for_another_item([])

    assert len(asked) == 1, "claimed for one click and again for the other"


def test_the_question_mark_shows_the_keys(reviewer: Console) -> None:
    reviewer.goes_to("/inbox")
    reviewer.page.wait_for_load_state("networkidle")

    reviewer.presses("?")

    expect(reviewer.page.get_by_role("dialog", name="键盘操作")).to_be_visible()


def test_nobody_without_work_looks_at_a_blank_page(site: Site, sits_down: Callable[..., Console]) -> None:
    idle = sits_down()
    idle.is_signed_in_as(site.staff("idle", "nobody.at_all", display_name="闲人"))

    idle.goes_to("/inbox")

    idle.sees("没有")


def test_inbox_and_case_have_no_serious_barrier(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.goes_to("/inbox")
    reviewer.sees_a_list()
    assert violations(reviewer.page) == []

    reviewer.claims(application.open_item())
    reviewer.page.wait_for_load_state("networkidle")

    assert violations(reviewer.page) == []
