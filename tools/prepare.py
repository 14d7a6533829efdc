"""Before the first request: schema, flows, demo accounts. Idempotent; `make run`, `make demo` and tests call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from composition import Platform
from database import transaction
from domain.account import DemoAccount, create_demo_accounts
from engine.deploy import deploy_folder
from migrations import upgrade

Say = Callable[[str], None]


def prepare(platform: Platform, say: Say) -> list[DemoAccount]:
    """Bring database and deployments up to date; the demo accounts with their passwords (none outside the sandbox)."""
    say("数据库：检查结构")
    upgrade(platform.engine)
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deployed = deploy_folder(session, platform.settings.flows_dir, now)
    say(f"业务流程：部署了 {len(deployed)} 个新版本" if deployed else "业务流程：没有变化")
    if not platform.settings.sandbox:
        return []
    with transaction(platform.sessions) as session:
        accounts = create_demo_accounts(session, now)
    return _with_kept_passwords(accounts, platform.settings.var_dir / "demo-accounts.json")


def _with_kept_passwords(accounts: list[DemoAccount], kept: Path) -> list[DemoAccount]:
    """Passwords are known only when an account is made; the sandbox keeps them, so that every start can print them."""
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    known |= {one.username: one.password for one in accounts if one.password}
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(known))
    return [
        DemoAccount(one.username, one.password or known.get(one.username), one.display_name, one.groups)
        for one in accounts
    ]
