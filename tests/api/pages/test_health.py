from __future__ import annotations

import dataclasses
import shutil

import pytest

from api.app import create_app
from tests.api.conftest import Platform
from tests.servers import ServerMissing, start_redis


def test_a_living_process_says_so(platform: Platform) -> None:
    assert platform.app.test_client().get("/healthz").json == {"status": "ok"}


def test_ready_means_that_each_dependency_was_used(platform: Platform) -> None:
    answer = platform.app.test_client().get("/readyz")

    assert answer.status_code == 200
    assert {name: check["ok"] for name, check in answer.json["checks"].items()} == {
        "database": True,
        "files": True,
        "broker": True,
    }


@pytest.mark.parametrize(("folder", "name"), [("files_dir", "files"), ("broker_dir", "broker")])
def test_a_dependency_that_fails_is_named(platform: Platform, folder: str, name: str) -> None:
    shutil.rmtree(getattr(platform.settings, folder))

    answer = platform.app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["status"] == "not_ready"
    assert [each for each, check in answer.json["checks"].items() if not check["ok"]] == [name]


def test_a_missing_table_means_not_ready(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE process_definition RENAME TO elsewhere")

    answer = platform.app.test_client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["database"]["error"] == "OperationalError"


@pytest.mark.server
def test_the_broker_is_the_redis_that_is_set_and_its_end_is_noticed(platform: Platform) -> None:
    try:
        with start_redis() as url:
            settings = dataclasses.replace(platform.settings, redis_url=url)
            client = create_app(settings, platform.sessions, clock=platform.clock).test_client()
            running = client.get("/readyz")
    except ServerMissing as missing:
        pytest.skip(str(missing))

    stopped = client.get("/readyz")

    assert running.json["checks"]["broker"]["ok"] is True
    assert (stopped.status_code, stopped.json["checks"]["broker"]["ok"]) == (503, False)
