"""What people and the world do to a page: nothing breaks, nothing leaks, the message helps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.console import TIME_TO_UNDO_MS, Console
from tests.e2e.ledger import loses_its_images, outcome_of, stands_at, variables_of, withdraws
from tools.demo.desk import insisting_on_a_name
from tools.demo.site import Site

HOUR = timedelta(hours=1)


def test_script_in_a_name_stays_text(site: Site, reviewer: Console) -> None:
    dialogs: list[str] = []
    reviewer.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    application = insisting_on_a_name(site.desk, HOUR, typed="张<img src=x onerror=alert(1)>")
    typed = str(variables_of(site, application)["name"])

    reviewer.claims(application.open_item())

    reviewer.sees(typed)
    assert reviewer.page.locator("img[src='x']").count() == 0
    assert dialogs == []


def test_rare_characters_are_whole_characters(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR, typed="𠮷野𠀋", printed="𠮷野𠀀")

    reviewer.claims(application.open_item())

    expect(reviewer.page.locator("mark", has_text="𠀋")).to_have_text("𠀋")
    expect(reviewer.page.locator("mark", has_text="𠀀")).to_have_text("𠀀")


def test_an_opinion_of_ten_thousand_characters_is_refused_with_the_limit(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())

    reviewer.picks("不通过", "姓名不一致")
    reviewer.writes_opinion("长" * 10_000)
    reviewer.sends()

    expect(reviewer.page.locator('[data-field="opinion"]').get_by_role("alert")).to_contain_text("500")
    assert stands_at(site, application) == ["review"]


def test_images_that_are_gone_are_told_and_the_case_can_be_decided(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    loses_its_images(site, application)

    reviewer.claims(application.open_item())
    reviewer.sees("影像已删除或无法打开")
    reviewer.picks("通过")
    reviewer.sends()
    reviewer.waits_until_sent(1)

    assert outcome_of(site, application) == "verified"


def test_a_case_that_ends_while_it_is_open_says_so(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())
    withdraws(site, application)

    reviewer.picks("通过")
    reviewer.sends()
    reviewer.page.clock.fast_forward(TIME_TO_UNDO_MS)

    expect(reviewer.page.get_by_text("已结束").or_(reviewer.page.get_by_text("没有提交成功")).first).to_be_visible(
        timeout=12_000
    )
    assert outcome_of(site, application) == "withdrawn"


@pytest.mark.parametrize("kind", ["work-items", "cases"])
def test_the_address_of_a_foreign_case_gives_nothing_away(
    site: Site, sits_down: Callable[..., Console], kind: str
) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    known = variables_of(site, application)
    address = application.open_item() if kind == "work-items" else application.case_id
    stranger = sits_down()
    stranger.is_signed_in_as(site.staff("elsewhere", "parking.guard", display_name="外岗"))

    stranger.goes_to(f"/{kind}/{address}")

    stranger.sees("外岗")
    expect(stranger.page.get_by_role("alert").or_(stranger.page.get_by_text("没有")).first).to_be_visible()
    shown = stranger.page.content()
    assert str(known["name"]) not in shown
    assert str(known["document_number"]) not in shown


def test_back_and_forward_keep_filter_and_draft(site: Site, reviewer: Console) -> None:
    item = insisting_on_a_name(site.desk, HOUR).open_item()
    reviewer.claims(item)
    reviewer.goes_to("/inbox?view=mine")
    reviewer.page.locator(f'tr[data-id="{item}"]').get_by_role("link").first.click()
    reviewer.picks("不通过")
    reviewer.writes_opinion("写到一半")

    reviewer.page.go_back()
    expect(reviewer.page).to_have_url(site.page_of("/inbox?view=mine"))
    reviewer.page.go_forward()

    expect(reviewer.opinion).to_have_value("写到一半")
    expect(reviewer.page.get_by_role("radio", name="不通过", exact=True)).to_be_checked()


def test_a_page_reloaded_in_the_middle_of_a_word_keeps_it(site: Site, reviewer: Console) -> None:
    reviewer.claims(insisting_on_a_name(site.desk, HOUR).open_item())
    reviewer.picks("不通过")
    reviewer.writes_opinion("写到一")

    reviewer.page.reload()

    expect(reviewer.opinion).to_have_value("写到一")


def test_a_draft_written_in_another_tab_is_not_overwritten_silently(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    item = application.open_item()
    reviewer.claims(item)
    second = reviewer.opens_a_second_tab()
    second.opens_item(item)
    expect(second.page.get_by_role("radio").first).to_be_enabled()

    second.picks("不通过")
    second.writes_opinion("第二个页面写的")

    reviewer.sees("另一个页面修改了这份草稿")
    reviewer.page.get_by_role("button", name="用那一份").click()
    expect(reviewer.opinion).to_have_value("第二个页面写的")


def test_a_lost_connection_says_so_and_keeps_what_was_typed(site: Site, reviewer: Console) -> None:
    application = insisting_on_a_name(site.desk, HOUR)
    reviewer.claims(application.open_item())
    reviewer.picks("不通过", "姓名不一致")
    reviewer.context.set_offline(True)

    reviewer.writes_opinion("请按证件填写。")
    reviewer.sends()
    reviewer.page.clock.fast_forward(TIME_TO_UNDO_MS)
    reviewer.sees("网络已断开")
    reviewer.context.set_offline(False)
    reviewer.waits_until_sent(1)

    assert outcome_of(site, application) == "rejected"
    assert variables_of(site, application)["opinion"] == "请按证件填写。"
