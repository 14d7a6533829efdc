"""The console in a real browser against a real platform. One worker runs all of it, so that one platform is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.console import Console, sit_down
from tools.browser import ChromiumMissing, chromium, find_chromium
from tools.demo.site import Site, a_site

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))
            # A real browser beside a busy machine loses a race now and then; reruns are printed, never silent.
            item.add_marker(pytest.mark.flaky(reruns=2))
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        find_chromium()
    except ChromiumMissing as missing:
        pytest.skip(str(missing))
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("site"), is_quick=True) as running:
        yield running


@pytest.fixture
def sits_down(site: Site, browser: Browser) -> Iterator[Callable[..., Console]]:
    """Somebody new at the console. Whatever the browser wrote in red fails the test."""
    seated: list[Console] = []

    def sit(**window: int) -> Console:
        seated.append(sit_down(site, browser, **window))
        return seated[-1]

    yield sit
    for one in seated:
        one.context.close()
    assert [line for one in seated for line in one.complaints] == []


@pytest.fixture
def console(sits_down: Callable[..., Console]) -> Console:
    return sits_down()


@pytest.fixture
def reviewer(site: Site, console: Console) -> Console:
    """A reviewer who is signed in and looks at the inbox; the time of the page is in the story's hand."""
    console.is_signed_in_as(site.staff("reviewer-one", display_name="王审核"))
    console.takes_time_in_hand()
    console.goes_to("/inbox")
    console.sees("王审核")
    return console
