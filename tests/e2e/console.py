"""People who sit at the console, each in a browser profile of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect
from sqlalchemy import select

from api.edge.auth import COOKIE, open_session
from domain.accounts.account import Account
from storage.transactions import transaction
from tools.demo.site import PASSWORD, Site

PATIENCE_MS = 8_000
TIME_TO_UNDO_MS = 5_000
WAITS_FOR_SENDING = 150  # of a tenth of a second: a decision is sent five seconds after it was made


@dataclass
class Console:
    """One tab. complaints: what the browser wrote in red. sent: decisions the server has taken.

    owns_time: the page's clock can be put forward.
    """

    site: Site
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    sent: int = 0
    owns_time: bool = False

    def goes_to(self, path: str) -> None:
        self.page.goto(self.site.page_of(path))

    def is_signed_in_as(self, username: str) -> None:
        """Without the form: checking a password takes longer than most stories here."""
        with transaction(self.site.sessions) as session:
            account = session.scalars(select(Account).where(Account.username == username)).one()
            token = open_session(session, account, datetime.now(UTC))
        self.context.add_cookies([{"name": COOKIE, "value": token, "url": self.site.address, "sameSite": "Strict"}])

    def signs_in(self, username: str, password: str = PASSWORD) -> None:
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(password)
        self.page.get_by_role("button", name="登录", exact=True).click()

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def picks(self, *options: str) -> None:
        """Each by the key that the form shows beside it."""
        for option in options:
            label = self.page.locator("label", has=self.page.get_by_text(option, exact=True))
            self.page.keyboard.press(label.locator("kbd").inner_text())

    def writes_opinion(self, text: str) -> None:
        self.opinion.fill(text)

    def sends(self) -> None:
        self.page.keyboard.press("Control+Enter")

    def opens_item(self, item_id: str) -> None:
        self.goes_to(f"/work-items/{item_id}")

    def sees_a_list(self) -> None:
        expect(self.page.get_by_role("row").nth(1)).to_be_visible()

    def claims(self, item_id: str) -> None:
        """Open the item and claim it; its form is ready afterwards."""
        self.opens_item(item_id)
        self.page.get_by_role("button", name="领取").first.click()
        expect(self.page.get_by_role("radio").first).to_be_enabled()

    def waits_for_another_item(self, known: list[str]) -> str:
        """The id of the item whose form is open now, once it is none of `known`."""
        others = "|".join(known)
        expect(self.page).to_have_url(re.compile(rf"/work-items/(?!{others or '-'})\w+"))
        # enabled and empty: not the form that has just been sent
        expect(self.page.get_by_role("radio").first).to_be_enabled()
        expect(self.page.locator("input[type=radio]:checked")).to_have_count(0)
        return self.item_id

    def waits_until_sent(self, count: int) -> None:
        """Until the server has taken so many decisions of this tab. Time for undoing them passes at once where it is ours."""
        if self.owns_time:
            self.page.clock.fast_forward(TIME_TO_UNDO_MS)
        for _ in range(WAITS_FOR_SENDING):
            if self.sent >= count:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{self.sent} of {count} decisions were sent")

    def takes_time_in_hand(self) -> None:
        """Before a page is opened: its timers then fire when a story says so."""
        self.page.clock.install()
        self.owns_time = True

    @property
    def opinion(self) -> Locator:
        return self.page.get_by_role("textbox", name="审核意见")

    @property
    def item_id(self) -> str:
        """Of the item this tab is at; "" where it is at none."""
        _, _, rest = self.page.url.partition("/work-items/")
        return rest.partition("?")[0]

    def opens_a_second_tab(self) -> Console:
        return at_a_tab(self.site, self.context, self.complaints)


def sit_down(site: Site, browser: Browser, *, width: int = 1440, height: int = 900) -> Console:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    return at_a_tab(site, context, [])


def at_a_tab(site: Site, context: BrowserContext, complaints: list[str]) -> Console:
    console = Console(site, context, context.new_page(), complaints)
    console.page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    console.page.on("console", lambda line: _note(complaints, line.type, line.text))
    console.page.on("response", lambda answer: _count(console, answer))
    return console


def _count(console: Console, answer: Response) -> None:
    console.sent += answer.url.endswith("/complete") and answer.ok


def _note(complaints: list[str], kind: str, text: str) -> None:
    # A refusal (4xx) is an answer; the browser writes it in red all the same.
    if kind == "error" and "Failed to load resource" not in text:
        complaints.append(text)
