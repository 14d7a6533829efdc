"""Signing in, the menu, the way around."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from tests.e2e.console import Console
from tools.browser import violations
from tools.demo.desk import with_a_doubtful_card
from tools.demo.site import PASSWORD, Site


def test_a_wrong_password_is_told_and_the_right_one_leads_to_the_page_asked_for(site: Site, console: Console) -> None:
    name = site.staff("shell-one", display_name="李审核")
    console.goes_to("/persons")
    expect(console.page).to_have_url(site.page_of("/sign-in?back=/persons"))

    console.signs_in(name, "not-the-password")
    expect(console.page.get_by_role("alert")).to_be_visible()
    console.signs_in(name, PASSWORD)

    expect(console.page).to_have_url(site.page_of("/persons"))
    console.sees("李审核")


def test_who_signs_out_is_out(reviewer: Console) -> None:
    reviewer.page.get_by_role("button", name="退出").click()
    expect(reviewer.page.get_by_label("用户名")).to_be_visible()

    reviewer.page.go_back()

    expect(reviewer.page.get_by_label("用户名")).to_be_visible()


def test_an_address_that_leads_elsewhere_is_not_followed(site: Site, console: Console) -> None:
    name = site.staff("shell-two")
    console.goes_to("/sign-in?back=//example.com/")

    console.signs_in(name)

    expect(console.page).to_have_url(site.page_of("/inbox"))


def test_a_page_that_does_not_exist_says_so(site: Site, reviewer: Console) -> None:
    reviewer.goes_to("/nowhere")

    reviewer.sees("没有这个页面")


def test_the_start_page_and_the_sign_in_page_have_no_serious_barrier(
    site: Site, sits_down: Callable[..., Console]
) -> None:
    console = sits_down()

    for address in (site.address + "/", site.page_of("/sign-in")):
        console.page.goto(address)
        console.page.wait_for_load_state("networkidle")
        assert violations(console.page) == [], address


def test_on_a_phone_no_page_is_wider_than_the_screen(site: Site, sits_down: Callable[..., Console]) -> None:
    phone = sits_down(width=390, height=844)
    phone.is_signed_in_as(site.staff("shell-phone", "real_name.reviewer", "registers.reader", display_name="陈主管"))
    item = with_a_doubtful_card(site.desk, timedelta(hours=1)).open_item()

    for path, button in (
        ("/inbox", "领取下一件"),
        (f"/work-items/{item}", "下一件"),
        ("/persons", "查找"),
        ("/credentials", "查找"),
    ):
        phone.goes_to(path)
        expect(phone.page.get_by_role("button", name=button).first).to_be_visible()
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, path
        expect(phone.page.get_by_role("button", name="退出")).to_be_in_viewport()
