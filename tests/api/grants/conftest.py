"""One province for all stories of grants over HTTP: built once in a run, copied for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Person
from tests.api.granting import Province, a_province_built_before
from tests.flows.business_grant.cases import Someone


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grants") / "province"


@pytest.fixture
def province(template: Path, tmp_path: Path) -> Iterator[Province]:
    yield from a_province_built_before(template, tmp_path)


@pytest.fixture
def clerk(province: Province) -> Person:
    return province.clerk()


@pytest.fixture
def wang(province: Province) -> tuple[Someone, Person]:
    return province.person("王强")
