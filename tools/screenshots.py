"""`make screenshots`: every page as people meet it (with data, empty, failing) into docs/screenshots/, at 1440 and 390 wide.

Afterwards look at them: what looks unfinished is unfinished.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Route
from sqlalchemy import select

from config import ROOT
from domain.credentials.credential import Credential
from tools import supervisor
from tools.browser import ChromiumMissing, chromium
from tools.demo.desk import KINDS, fill
from tools.demo.site import PASSWORD, Site, a_site

FOLDER = ROOT / "docs" / "screenshots"
DESK, PHONE = (1440, 900), (390, 844)
CASES = 12
SPREAD = timedelta(hours=100)  # some are overdue, some soon

Arrange = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Shot:
    """path: below the site's address. who: a user name, None for a stranger. arrange: what is done before looking."""

    name: str
    path: str
    who: str | None = None
    arrange: Arrange = lambda page: None
    sizes: tuple[tuple[int, int], ...] = (DESK,)
    whole: bool = False


SETTLE_MS = 500  # photographs are decoded after they have come
BOTH = (DESK, PHONE)
BUSY, IDLE, READER = (
    "busy-reviewer",
    "idle-reviewer",
    "register-reader",
)  # one with a full inbox, one whose groups have none


def main() -> int:
    started = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="screenshots-") as folder,
            chromium() as browser,
            a_site(Path(folder)) as site,
        ):
            count = take_all(site, browser)
    except (ChromiumMissing, supervisor.NotReady) as failure:
        print(f"[截图] {failure}", file=sys.stderr)
        return 1
    print(f"[截图] {count} 张，用时 {time.monotonic() - started:.0f} 秒：docs/screenshots/")
    return 0


def take_all(site: Site, browser: Browser) -> int:
    """The number of pictures taken."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    site.staff(BUSY, display_name="王审核")
    site.staff(IDLE, "none.at_all", display_name="赵审核")
    fill(site.desk, CASES, spread=SPREAD)
    taken = 0
    for shot in (*SHOTS, *_case_shots(site), *_register_shots(site)):
        for size in shot.sizes:
            _take(site, browser, shot, size)
            taken += 1
    return taken


def _take(site: Site, browser: Browser, shot: Shot, size: tuple[int, int]) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    context.set_default_timeout(8_000)
    try:
        if shot.who:
            _sign_in(context, site, shot.who)
        page = context.new_page()
        page.goto(site.address + shot.path)
        page.wait_for_load_state("networkidle")
        shot.arrange(page)
        page.screenshot(path=FOLDER / f"{shot.name}-{size[0]}.png", full_page=shot.whole)
        print(f"[截图] {shot.name}-{size[0]}.png", flush=True)
    finally:
        context.close()


def _sign_in(context: BrowserContext, site: Site, who: str) -> None:
    answer = context.request.post(
        f"{site.address}/api/v1/session/password",
        data={"username": who, "password": PASSWORD},
        headers={"X-Requested-With": "screenshots"},
    )
    assert answer.ok, answer.text()


def _wrong_password(page: Page) -> None:
    page.get_by_label("用户名").fill("reviewer")
    page.get_by_label("密码").fill("guess")
    page.get_by_role("button", name="登录", exact=True).click()
    page.get_by_role("alert").wait_for()


def _failing(pattern: str) -> Arrange:
    """The server refuses what the page asks for, and the page is loaded again."""
    told = {
        "status": 503,
        "code": "server.busy",
        "title": "服务繁忙",
        "detail": "请稍后重试。",
        "request_id": "01J0000000",
    }

    def refuse(route: Route) -> None:
        route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(told))

    def arrange(page: Page) -> None:
        page.route(pattern, refuse)
        page.reload()
        page.wait_for_load_state("networkidle")

    return arrange


def _case_shots(site: Site) -> list[Shot]:
    """A case of every kind, claimed by the busy reviewer; one that is not claimed; a foreign one; one that cannot be had."""
    hour = timedelta(hours=1)
    shots = []
    for kind in KINDS:
        item = kind(site.desk, hour).open_item()
        name = f"case-{kind.__name__.replace('_', '-')}"
        shots.append(Shot(name, f"/console/work-items/{item}", BUSY, _claim, sizes=BOTH, whole=True))
    item = KINDS[0](site.desk, hour).open_item()
    address = f"/console/work-items/{item}"
    shots.append(Shot("case-masked", address, BUSY, whole=True))
    shots.append(Shot("case-foreign", address, IDLE))
    shots.append(Shot("case-failing", address, BUSY, _failing("**/api/v1/work-items/*")))
    shots.append(Shot("case-wide", address, BUSY, _claim, sizes=((1920, 1080), (1280, 800))))
    shots.append(Shot("case-rejecting", address, BUSY, _reject))
    shots.append(Shot("case-diagram", address, BUSY, _show_diagram, sizes=BOTH, whole=True))
    shots.append(Shot("case-decided", address, BUSY, _decide))
    return shots


def _register_shots(site: Site) -> list[Shot]:
    """After the cases: two of their stories end with a credential."""
    site.staff(READER, "real_name.reviewer", "registers.reader", display_name="刘主管")
    with site.sessions() as session:
        credential = session.scalars(select(Credential).order_by(Credential.issued_at)).first()
    assert credential is not None, "no story has issued a credential"
    return [
        Shot("persons", "/console/persons", READER, sizes=BOTH),
        Shot("persons-not-found", "/console/persons", READER, _search_for("没有这个人")),
        Shot("persons-forbidden", "/console/persons", BUSY),
        Shot("person", f"/console/persons/{credential.person_id}", READER, sizes=BOTH),
        Shot("person-revealed", f"/console/persons/{credential.person_id}", READER, _reveal),
        Shot("person-gone", "/console/persons/00000000000000000000000000", READER),
        Shot("credentials", "/console/credentials", READER, sizes=BOTH),
        Shot("credentials-failing", "/console/credentials", READER, _failing("**/api/v1/credentials*")),
        Shot("credential", f"/console/credentials/{credential.id}", READER),
    ]


def _search_for(text: str) -> Arrange:
    def arrange(page: Page) -> None:
        page.get_by_role("searchbox").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_load_state("networkidle")

    return arrange


def _reveal(page: Page) -> None:
    page.get_by_role("button", name="显示完整信息").click()
    page.wait_for_load_state("networkidle")


def _claim(page: Page) -> None:
    page.get_by_role("button", name="领取").or_(page.get_by_role("radio")).first.wait_for()
    if page.get_by_role("radio").count() == 0:
        page.get_by_role("button", name="领取").first.click()
    page.get_by_role("radio").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)


def _reject(page: Page) -> None:
    _claim(page)
    page.get_by_role("radio", name="不通过").check()
    page.keyboard.press("Control+Enter")


def _show_diagram(page: Page) -> None:
    _claim(page)
    page.get_by_role("button", name="流程图").click()
    page.locator(".djs-container").wait_for()
    page.wait_for_timeout(SETTLE_MS)


def _decide(page: Page) -> None:
    _claim(page)
    page.get_by_role("radio", name="通过", exact=True).check()
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="撤销").wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE_MS)


SHOTS = (
    Shot("start", "/", sizes=BOTH),
    Shot("docs", "/docs", sizes=BOTH),
    Shot("sign-in", "/console/sign-in", sizes=BOTH),
    Shot("sign-in-refused", "/console/sign-in", arrange=_wrong_password),
    Shot("not-found", "/console/nowhere", BUSY),
    Shot("inbox", "/console/inbox", BUSY, sizes=BOTH),
    Shot("inbox-wide", "/console/inbox", BUSY, sizes=((1920, 1080),)),
    Shot("inbox-filtered-empty", "/console/inbox?facet=taiwan_permit", BUSY),
    Shot("inbox-empty", "/console/inbox", IDLE, sizes=BOTH),
    Shot("inbox-failing", "/console/inbox", BUSY, _failing("**/api/v1/inbox?*")),
    Shot("keys", "/console/inbox", BUSY, lambda page: page.keyboard.press("?")),
)

if __name__ == "__main__":
    sys.exit(main())
