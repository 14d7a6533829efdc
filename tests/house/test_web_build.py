"""`make web`: built once, and again only when something it is made of has changed."""

from __future__ import annotations

import gzip
import json

import pytest

from tools.web import DIST, build_console, sources_digest

ENTRY_AT_MOST = 120_000  # gzipped bytes of the first load


@pytest.fixture(scope="module")
def built() -> None:
    build_console(print)


def test_a_second_run_builds_nothing(built):
    before = (DIST / "index.html").stat().st_mtime_ns

    is_built_again = build_console(print)

    assert not is_built_again
    assert (DIST / "index.html").stat().st_mtime_ns == before


def test_the_bundle_says_what_it_was_built_from(built):
    assert (DIST / "built-from").read_text() == sources_digest()


def test_the_first_load_stays_small(built):
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    entry = manifest["index.html"]

    files = {entry["file"], *entry.get("css", [])} | {manifest[name]["file"] for name in entry.get("imports", [])}
    size = sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in files)

    assert size <= ENTRY_AT_MOST, f"{size} bytes in {sorted(files)}"


def test_every_text_file_has_its_packed_twin(built):
    scripts = sorted((DIST / "assets").glob("*.js"))

    assert scripts
    for script in scripts:
        assert gzip.decompress(script.with_name(script.name + ".gz").read_bytes()) == script.read_bytes()


def test_the_page_needs_nothing_from_elsewhere_and_nothing_inline(built):
    page = (DIST / "index.html").read_text()

    assert "http" not in page
    assert "style=" not in page
    assert "<script>" not in page
