"""How long a reviewer waits for a case, in Debian's Chromium on a whole platform with photographs of full size.

Ready: the form of that case takes a decision, and the first photograph is drawn.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.console import Console, sit_down
from tools.browser import chromium
from tools.demo.desk import fill
from tools.demo.site import a_site

CASES = 16
REPEATS = 8
OPEN_MS, NEXT_MS = 1000, 300
STEP_MS, PATIENCE_MS = 4, 30_000

READY = """([item, source]) => {
  const picture = document.querySelector('main img');
  const choices = [...document.querySelectorAll('main input[type=radio]')];
  return location.pathname.endsWith('/work-items/' + item) === (source === null)
    && choices.length > 0 && choices.every((choice) => !choice.disabled && !choice.checked)
    && picture !== null && picture.complete && picture.naturalWidth > 0 && picture.src !== source;
}"""


def page_rows() -> list[dict[str, Any]]:
    """Rows of the README's table."""
    with tempfile.TemporaryDirectory() as name, a_site(Path(name)) as site, chromium() as browser:
        fill(site.desk, CASES)
        username = site.staff("reviewer-timed")
        console = sit_down(site, browser)
        console.goes_to("/inbox")
        console.signs_in(username)
        console.sees_a_list()
        inbox = [timed(lambda: opens_inbox(console)) for _ in range(REPEATS)]
        console.presses("n")
        item = console.waits_for_another_item([])
        opened = [timed(lambda: opens_case(console, item)) for _ in range(REPEATS)]
        following = decide_one_after_the_other(console)
    return [
        _row("inbox ready, loaded anew", inbox, OPEN_MS),
        _row("case page ready, loaded anew", opened, OPEN_MS),
        _row("next case ready after a decision, preloaded", following, NEXT_MS),
    ]


def opens_inbox(console: Console) -> None:
    console.goes_to("/inbox")
    wait_until(console.page, "() => document.querySelectorAll('main tbody tr').length > 1")


def opens_case(console: Console, item: str) -> None:
    console.opens_item(item)
    wait_until(console.page, READY, [item, None])


def decide_one_after_the_other(console: Console) -> list[float]:
    """From the key that sends to the next case being ready; each is given the time to load that a person would take."""
    page, ms = console.page, []
    console.goes_to("/inbox")
    console.sees_a_list()
    console.presses("n")
    wait_until(page, READY, ["", ""])
    for _ in range(REPEATS):
        page.wait_for_load_state("networkidle")
        shown = [console.item_id, source_of(page)]
        console.picks("通过")
        ms.append(timed(lambda seen=shown: sends(console, seen)))  # type: ignore[misc]
    return ms


def sends(console: Console, shown: list[str]) -> None:
    console.sends()
    wait_until(console.page, READY, shown)


def wait_until(page: Page, condition: str, argument: list[str] | list[str | None] | None = None) -> None:
    """Asked from outside every few milliseconds: the page's content policy forbids code that asks from within."""
    for _ in range(PATIENCE_MS // STEP_MS):
        if page.evaluate(condition, argument):
            return
        page.wait_for_timeout(STEP_MS)
    raise TimeoutError(f"not ready after {PATIENCE_MS} ms: {page.url}")


def source_of(page: Page) -> str:
    return page.locator("main img").first.get_attribute("src") or ""


def timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _row(figure: str, ms: list[float], must_ms: int) -> dict[str, Any]:
    middle = statistics.median(ms)
    return {
        "figure": f"{figure}, median of {len(ms)}",
        "ours": f"{middle:.0f} ms",
        "baseline": f"slowest {max(ms):.0f} ms",
        "must": f"≤ {must_ms} ms",
        "holds": middle <= must_ms,
    }
