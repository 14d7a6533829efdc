"""Before the first request: schema, flows, demo accounts. Idempotent; `make run`, `make demo` and tests call it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from composition import Platform
from database import transaction
from domain.account import DemoAccount, create_demo_accounts
from engine.deploy import deploy_folder
from migrations import upgrade

Say = Callable[[str], None]


def prepare(platform: Platform, say: Say) -> list[DemoAccount]:
    """Bring database and deployments up to date; the demo accounts (empty outside the sandbox)."""
    say("数据库：检查结构")
    upgrade(platform.engine)
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deployed = deploy_folder(session, platform.settings.flows_dir, now)
    say(f"业务流程：{'、'.join(deployed) or '没有变化'}")
    if not platform.settings.sandbox:
        return []
    with transaction(platform.sessions) as session:
        return create_demo_accounts(session, now)
