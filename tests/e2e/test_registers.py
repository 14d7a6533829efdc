"""Persons and credentials: found by what lists show, masked unless somebody who may asks for more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.e2e.console import Console
from tools.browser import violations
from tools.demo.desk import with_two_faces
from tools.demo.site import Site

READER = ("real_name.reviewer", "registers.reader")


@pytest.fixture(scope="module")
def somebody_verified(site: Site) -> None:
    """The first half of that story issues a credential."""
    with_two_faces(site.desk, timedelta(hours=1))


@pytest.fixture
def reader(site: Site, somebody_verified: None, console: Console) -> Console:
    console.is_signed_in_as(site.staff("registers-reader", *READER, display_name="刘管理"))
    console.goes_to("/persons")
    console.sees_a_list()
    return console


def test_a_person_is_found_by_the_masked_number_and_a_look_is_recorded(reader: Console) -> None:
    masked = reader.page.locator("tbody td.mono").first.inner_text()
    assert "**" in masked

    reader.presses("/")
    reader.page.keyboard.type(masked)
    reader.presses("Enter")
    reader.sees("共 1 条")
    assert "*" not in reader.page.url
    reader.page.get_by_role("heading", name="人员").click()
    reader.presses("j", "Enter")
    reader.sees("个人信息已打码。")
    assert violations(reader.page) == []

    reader.presses("u")
    reader.sees("正在显示完整信息，本次查看已记录。")
    expect(reader.page.locator("dd.mono").first).not_to_contain_text("*")
    reader.presses("u")

    expect(reader.page.locator("section", has_text="谁看过完整信息")).to_contain_text("刘管理")
    expect(reader.page.locator("dd.mono").first).to_contain_text("*")


def test_going_back_finds_the_search_again(reader: Console) -> None:
    masked = reader.page.locator("tbody td.mono").first.inner_text()
    reader.page.get_by_role("searchbox").fill(masked)
    reader.presses("Enter")
    reader.sees("共 1 条")
    reader.page.locator("[data-row]").first.click()
    reader.sees("经过")

    reader.page.go_back()

    reader.sees("共 1 条")
    expect(reader.page.get_by_role("searchbox")).to_have_value(masked)


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "𠮷𡈽" * 20, "' OR 1=1 --", "%"])
def test_what_nobody_is_called_finds_nobody_and_breaks_nothing(reader: Console, typed: str) -> None:
    reader.page.get_by_role("searchbox").fill(typed)
    reader.presses("Enter")

    reader.sees("没有找到")
    assert violations(reader.page) == []


def test_a_credential_leads_to_its_person(reader: Console) -> None:
    reader.page.get_by_role("link", name="实名凭证").click()
    reader.page.get_by_role("link", name="有效", exact=True).click()
    reader.sees_a_list()
    reader.page.locator("[data-row]").first.click()
    reader.sees("核验方式")
    assert violations(reader.page) == []

    reader.page.locator("dl").get_by_role("link", name="查看").first.click()

    reader.sees("微信账号")


def test_a_reviewer_who_types_the_address_is_told_that_it_is_not_theirs(site: Site, reviewer: Console) -> None:
    expect(reviewer.page.get_by_role("link", name="人员")).to_have_count(0)

    reviewer.goes_to("/persons")

    expect(reviewer.page.get_by_role("alert")).to_contain_text("您的账号不能查看登记簿")


def test_who_runs_the_platform_sees_masked_entries_only(site: Site, somebody_verified: None, console: Console) -> None:
    console.is_signed_in_as(site.staff("registers-admin", "admin"))
    console.goes_to("/")
    console.sees_a_list()
    expect(console.page).to_have_url(site.page_of("/persons"))

    console.page.locator("[data-row]").first.click()

    console.sees("个人信息已打码。")
    expect(console.page.get_by_role("button", name="显示完整信息")).to_have_count(0)


def test_a_person_that_does_not_exist_says_so(reader: Console) -> None:
    reader.goes_to("/persons/0193b0c0000000000000000000000000")

    reader.sees("该人员不存在，请回到列表重新查找。")
