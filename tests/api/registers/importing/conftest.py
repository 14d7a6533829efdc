"""A province whose registers are imported and exported, and the clerk who does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.conftest import Person, Platform
from tests.api.registers.importing.register_workbooks import SUIZHOU, a_province_at_work, clerk_of


@pytest.fixture
def province(platform: Platform) -> Iterator[Platform]:
    yield from a_province_at_work(platform)


@pytest.fixture
def clerk(province: Platform) -> Person:
    return clerk_of(province, "suizhou", SUIZHOU)
