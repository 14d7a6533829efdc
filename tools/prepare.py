"""Before the first request: schema, flows, units and businesses, demo accounts. Idempotent; every start calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import OperationalError

from composition import Platform
from domain.accounts.demo_account import DemoAccount, create_demo_accounts, enabled_demo_accounts
from domain.grants.business import seed_businesses
from domain.grants.overview import enrol
from domain.imports.unit_seed import seed_units
from engine.deployment.deploy import deploy_folder
from migrations import upgrade
from storage.transactions import transaction

Say = Callable[[str], None]


class Unprepared(Exception):
    """The database cannot be used as it is; the message says what to do."""


def prepare(platform: Platform, say: Say) -> list[DemoAccount]:
    """Bring database and deployments up to date; the demo accounts with their passwords (none outside the sandbox).

    Raises Unprepared when the database does not answer, or lets demo accounts in outside the sandbox.
    """
    say("数据库：检查结构")
    try:
        upgrade(platform.engine)
    except OperationalError as error:
        # Never the driver's whole message: it may repeat the URL with its password.
        raise Unprepared(
            f"数据库连接不上（{type(error.orig).__name__}）：请检查 DATABASE_URL 和数据库服务。"
        ) from error
    now = datetime.now(UTC)
    with transaction(platform.sessions) as session:
        deployed = deploy_folder(session, platform.settings.flows_dir, now)
    say(f"业务流程：部署了 {len(deployed)} 个新版本" if deployed else "业务流程：没有变化")
    with transaction(platform.sessions) as session:
        new_units = seed_units(session, now)
        new_businesses = seed_businesses(session, now)
        enrol(session, now)
    if new_units or new_businesses:
        say(f"登记簿：新建 {new_units} 个行政单位、{len(new_businesses)} 项业务")
    if not platform.settings.sandbox:
        _refuse_demo_accounts(platform)
        return []
    with transaction(platform.sessions) as session:
        accounts = create_demo_accounts(session, now)
    return _with_kept_passwords(accounts, platform.settings.var_dir / "demo-accounts.json")


def _refuse_demo_accounts(platform: Platform) -> None:
    """Their passwords were shown on somebody's screen: a database that served a demo must not go live with them."""
    with platform.sessions() as session:
        names = "、".join(str(account.username) for account in enabled_demo_accounts(session))
    if names:
        raise Unprepared(
            f"数据库中有可登录的演示账号（{names}）：拒绝启动。停用：FLASK_APP=wsgi flask disable-demo-accounts；"
            "仅供演示时设置 DEMO=1。"
        )


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
