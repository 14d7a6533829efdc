"""The console's files, as a browser asks for them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import Platform

SCRIPT = b"export const console = 'x'\n" * 100
PAGE = b'<!doctype html><script type="module" src="/console/assets/index-abc.js"></script>'


@pytest.fixture
def browser(platform: Platform, tmp_path: Path) -> FlaskClient:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_bytes(PAGE)
    (dist / "built-from").write_text("digest")
    (dist / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (dist / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.js").write_text("outside")
    platform.app.extensions["platform.console"] = dist
    return platform.app.test_client()


@pytest.mark.parametrize(
    "path", ["/console/", "/console/inbox", "/console/cases/018f?tab=diagram", "/console/nowhere/x"]
)
def test_every_address_is_a_page_of_the_same_application(browser: FlaskClient, path: str) -> None:
    answer = browser.get(path)

    assert answer.status_code == 200
    assert answer.data == PAGE
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_page_is_not_sent_again_while_it_is_the_same(browser: FlaskClient) -> None:
    first = browser.get("/console/")

    second = browser.get("/console/", headers={"If-None-Match": first.headers["ETag"]})

    assert second.status_code == 304
    assert second.headers["Cache-Control"] == "no-cache"


def test_no_inline_script_or_style_may_run_in_the_console(browser: FlaskClient) -> None:
    policy = browser.get("/console/inbox").headers["Content-Security-Policy"]

    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_hashed_file_is_kept_for_a_year_and_comes_packed(browser: FlaskClient) -> None:
    answer = browser.get("/console/assets/index-abc.js", headers={"Accept-Encoding": "br, gzip"})

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.mimetype == "text/javascript"
    assert gzip.decompress(answer.data) == SCRIPT


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0"])
def test_who_takes_no_gzip_gets_the_plain_file(browser: FlaskClient, accepted: str) -> None:
    answer = browser.get("/console/assets/index-abc.js", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    assert answer.data == SCRIPT


@pytest.mark.parametrize(
    "path",
    [
        "assets/index-old.js",
        "assets/../built-from",
        "assets/%2e%2e/%2e%2e/secret.js",
        "assets/..%2f..%2fsecret.js",
        "assets/",
        "assets/index-abc.js.gz",
    ],
)
def test_nothing_but_built_files_is_an_asset(browser: FlaskClient, path: str) -> None:
    answer = browser.get(f"/console/{path}")

    assert answer.status_code in {200, 404}
    assert b"outside" not in answer.data
    assert b"digest" not in answer.data
    if answer.status_code == 404:
        assert "immutable" not in answer.headers.get("Cache-Control", "")


def test_a_console_that_was_not_built_says_how(platform: Platform, tmp_path: Path) -> None:
    platform.app.extensions["platform.console"] = tmp_path / "nothing"

    answer = platform.app.test_client().get("/console/inbox")

    assert answer.status_code == 503
    assert "make web" in answer.text
