"""Accounts of the console from the command line: create-account, reset-password, disable-demo-accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session, sessionmaker

from api.edge.auth import close_all_sessions
from domain.accounts.account import create_console_account, reset_password
from domain.accounts.demo_account import disable_demo_accounts
from domain.refused import Refused
from storage.transactions import transaction

_REFUSALS = {
    "account.username_taken": "用户名已被使用",
    "account.weak_password": "口令太弱：至少 10 个字符，不含用户名",
    "account.unknown": "没有这个账号",
    "unit.unknown": "没有这个行政单位：请先运行 flask seed-units，或核对 6 位区划代码",
}
PASSWORD = click.option("--password", prompt="口令", hide_input=True, confirmation_prompt=True, help="不给出时提示输入")


def account_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _create_account(sessions), _reset_password(sessions), _disable_demo_accounts(sessions)


def _create_account(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("create-account")
    @click.argument("username")
    @click.option("--group", "groups", multiple=True, help="岗位，可多次给出，如 real_name.reviewer")
    @click.option("--unit", "unit_code", help="所在行政单位的 6 位区划代码，如 420106")
    @click.option("--name", "display_name", default="", help="显示的姓名")
    @PASSWORD
    def create(username: str, groups: tuple[str, ...], unit_code: str | None, display_name: str, password: str) -> None:
        """新建工作台账号。"""
        with _said_in_chinese(), transaction(sessions) as session:
            account = create_console_account(
                session,
                username,
                password,
                datetime.now(UTC),
                display_name=display_name or username,
                groups=frozenset(groups),
                unit_code=unit_code,
            )
            click.echo(f"已建立账号 {account.username}（{account.id}）")

    return create


def _reset_password(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("reset-password")
    @click.argument("username")
    @PASSWORD
    def reset(username: str, password: str) -> None:
        """为工作台账号设置新口令、解除锁定，并使已有登录失效。"""
        with _said_in_chinese(), transaction(sessions) as session:
            account = reset_password(session, username, password)
            close_all_sessions(session, account.id)
            click.echo(f"已更新 {username} 的口令")

    return reset


def _disable_demo_accounts(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("disable-demo-accounts")
    def disable() -> None:
        """停用演示账号：演示用过的数据库转为正式使用之前。"""
        with transaction(sessions) as session:
            click.echo(f"已停用 {disable_demo_accounts(session, datetime.now(UTC))} 个演示账号")

    return disable


@contextmanager
def _said_in_chinese() -> Iterator[None]:
    """Rules of accounts, as an operator reads them."""
    try:
        yield
    except Refused as refused:
        raise click.ClickException(_REFUSALS.get(refused.code, refused.code)) from refused
