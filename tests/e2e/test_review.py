"""A reviewer's day: cases decided by keyboard, new photographs, a slip taken back, a colleague who is faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from tests.e2e.console import Console
from tests.e2e.ledger import ends_session_of, holder_of, looks_at, outcome_of, stands_at, state_of_item, variables_of
from tools.demo.desk import fill, insisting_on_a_name, with_a_doubtful_card
from tools.demo.site import PASSWORD, Site

HOUR = timedelta(hours=1)


def test_ten_cases_are_decided_by_keyboard(
    site: Site, console: Console, record_property: Callable[[str, object], None]
) -> None:
    fill(site.desk, 10)
    console.is_signed_in_as(site.staff("reviewer-of-ten"))
    console.goes_to("/inbox")
    console.sees_a_list()
    started = time.monotonic()

    console.presses("n")
    decided: list[str] = []
    for _ in range(10):
        decided.append(console.waits_for_another_item(decided))
        console.picks("通过")
        console.sends()
    took_s = time.monotonic() - started
    console.waits_until_sent(10)

    assert [state_of_item(site, item) for item in decided] == [("COMPLETED", "reviewer-of-ten")] * 10
    record_property("seconds for ten cases by keyboard, decided as fast as the page allows", round(took_s, 1))


def test_new_photos_are_asked_for_item_by_item(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())

    reviewer.picks("要求补拍", "证件反面")
    reviewer.writes_opinion("反面有反光，请避开灯光重拍。")
    reviewer.sends()
    reviewer.waits_until_sent(1)

    assert stands_at(site, application) == ["retake"]
    assert variables_of(site, application)["new_photos"] == ["back"]


def test_a_rejection_without_reasons_is_refused_by_the_form(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())

    reviewer.picks("不通过")
    reviewer.sends()

    expect(reviewer.page.locator('[data-field="reject_reasons"]').get_by_role("alert")).to_be_visible()
    assert stands_at(site, application) == ["review"]


def test_a_decision_taken_back_was_never_sent(site: Site, reviewer: Console) -> None:
    application = with_a_doubtful_card(site.desk, HOUR)
    reviewer.claims(application.open_item())

    reviewer.picks("通过")
    reviewer.sends()
    reviewer.page.get_by_role("button", name="撤销").click()
    reviewer.page.clock.fast_forward(60_000)

    expect(reviewer.page.get_by_role("radio", name="通过", exact=True)).to_be_checked()
    assert reviewer.item_id == application.open_item()
    assert outcome_of(site, application) is None
    assert holder_of(site, application) == "reviewer-one"


def test_the_second_of_two_reviewers_is_told_who_was_first(
    site: Site, reviewer: Console, sits_down: Callable[..., Console]
) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    item = application.open_item()
    colleague = sits_down()
    colleague.is_signed_in_as(site.staff("reviewer-two", display_name="陈审核"))
    colleague.goes_to(f"/work-items/{item}")
    claim = colleague.page.get_by_role("button", name="领取", exact=False).first
    claim.wait_for()

    reviewer.claims(item)
    claim.click()

    colleague.sees("王审核")
    assert holder_of(site, application) == "reviewer-one"
    assert looks_at(site, application, "reviewer-two") == 0


def test_a_session_that_expires_comes_back_to_the_same_page_and_draft(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())
    reviewer.picks("不通过", "姓名不一致")
    reviewer.writes_opinion("姓名与证件不符，请按证件填写。")
    ends_session_of(site, "reviewer-one")

    reviewer.sends()
    dialog = reviewer.page.get_by_role("dialog", name="登录已过期")
    dialog.get_by_label("用户名").fill("reviewer-one")
    dialog.get_by_label("密码").fill(PASSWORD)
    dialog.get_by_role("button", name="登录", exact=True).click()
    reviewer.waits_until_sent(1)

    assert outcome_of(site, application) == "rejected"
    assert variables_of(site, application)["opinion"] == "姓名与证件不符，请按证件填写。"


def test_a_case_is_masked_until_it_is_claimed_and_every_look_is_recorded(site: Site, reviewer: Console) -> None:
    application = with_a_doubtful_card(site.desk, HOUR)
    number = str(variables_of(site, application)["document_number"])
    reviewer.opens_item(application.open_item())
    claim = reviewer.page.get_by_role("button", name="领取", exact=False).first
    claim.wait_for()
    assert number not in reviewer.page.content()
    assert looks_at(site, application, "reviewer-one") == 0

    claim.click()

    reviewer.sees(number)
    assert looks_at(site, application, "reviewer-one") > 0
