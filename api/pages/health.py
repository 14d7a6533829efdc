"""Whether the process lives, and whether everything it leans on answers right now."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.edge.auth import platform_settings
from api.edge.request_session import request_session
from config import Settings

health = APIBlueprint("health", __name__, tag="运行状态")

REDIS_TIMEOUT_S = 2


class Alive(BaseModel):
    status: str


class Check(BaseModel):
    ok: bool
    ms: float
    error: str | None = None


class Readiness(BaseModel):
    status: str
    checks: dict[str, Check]


@health.get("/healthz")
@health.output(Alive)
@health.doc(summary="进程存活")
def alive() -> dict[str, str]:
    """不访问任何依赖。"""
    return {"status": "ok"}


@health.get("/readyz")
@health.output(Readiness)
@health.doc(summary="依赖就绪")
def ready() -> Response:
    """逐一实际访问数据库、文件目录和消息队列；有不可用的，状态为 503，内容同样逐项列出。"""
    checks = check_dependencies()
    is_ready = all(check.ok for check in checks.values())
    answer = Readiness(status="ready" if is_ready else "not_ready", checks=checks)
    return current_app.make_response((answer.model_dump(), 200 if is_ready else 503))


def check_dependencies() -> dict[str, Check]:
    """Every dependency by name, each really used."""
    settings = platform_settings()
    return {
        "database": _timed(_ask_database),
        "files": _timed(lambda: _write_and_remove(settings.files_dir)),
        "broker": _timed(lambda: _reach_broker(settings)),
    }


def _timed(attempt: Callable[[], Any]) -> Check:
    began = time.perf_counter()
    error = None
    try:
        attempt()
    except (SQLAlchemyError, OSError, redis.RedisError) as failure:
        error = type(failure).__name__  # its message may name hosts and users
    return Check(ok=error is None, ms=round((time.perf_counter() - began) * 1000, 2), error=error)


def _ask_database() -> None:
    session = request_session()
    session.execute(text("SELECT count(*) FROM process_definition")).scalar_one()
    session.rollback()


def _write_and_remove(folder: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".ready-") as file:
        file.write(b"ready")
        file.flush()
        os.fsync(file.fileno())


def _reach_broker(settings: Settings) -> None:
    if settings.redis_url is None:
        _write_and_remove(settings.broker_dir)
        return
    with redis.Redis.from_url(
        settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
    ) as client:
        client.ping()
