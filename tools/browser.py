"""Debian's Chromium under Playwright, for browser tests, screenshots and benchmarks. Needs requirements-dev.txt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tools.web import WEB

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"


class ChromiumMissing(Exception):
    """There is no Chromium; the message is one line and names the Debian package."""


def find_chromium() -> str:
    """Path of the program. Raises ChromiumMissing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise ChromiumMissing("chromium is missing: apt-get install chromium fonts-noto-cjk")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, closed with the block. Raises ChromiumMissing."""
    program = find_chromium()
    with sync_playwright() as playwright:
        # Date fields speak the language of the browser itself, which it takes from its environment.
        environ: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "zh_CN"}
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS), env=environ)
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it stands: a line per rule and place. Needs `make web`."""
    page.evaluate(_axe())  # as the debugger's own code: the page's content policy forbids foreign scripts
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{each['impact']} {each['id']}: {node['target']} {node.get('failureSummary', '')}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


@cache
def _axe() -> str:
    return AXE.read_text()
