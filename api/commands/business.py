"""Businesses from the command line: what there is, and under what terms each is granted."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session, sessionmaker

from api.edge.problem_texts import KNOWN
from domain.credentials.attempts import LOCAL_TIME
from domain.grants.business import SUPERVISOR, Business, BusinessTerms, businesses, set_business
from domain.grants.overview import enrol
from domain.institutions import labels
from domain.refused import Refused
from storage.transactions import transaction

_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


def business_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _businesses(sessions), _set_business(sessions)


def _businesses(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("businesses")
    def every() -> None:
        """列出全部业务及其授权规则。"""
        with sessions() as session:
            for business in businesses(session):
                click.echo(_told(business))

    return every


def _set_business(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("set-business")
    @click.argument("key")
    @click.option("--name", help="业务名称；新业务必填")
    @click.option("--granted-by", help="由谁授权：SUPERVISOR（各机构的主管单位）或一个单位的 6 位代码")
    @click.option("--opens", type=_TIMES, help="开放时间（北京时间），如 2026-12-01")
    @click.option("--closes", type=_TIMES, help="截止时间（北京时间），到此刻为止")
    @click.option("--always", is_flag=True, help="不限开放时间")
    @click.option("--code-days", type=int, help="授权码有效天数")
    @click.option("--notice-days", type=int, help="到期前几天提醒")
    @click.option("--auxiliaries", type=int, help="至多几名辅助管理员")
    def change(
        key: str,
        name: str | None,
        granted_by: str | None,
        opens: datetime | None,
        closes: datetime | None,
        always: bool,
        code_days: int | None,
        notice_days: int | None,
        auxiliaries: int | None,
    ) -> None:
        """新建业务，或修改给出的各项；已发出的授权码有效期不变。"""
        terms = BusinessTerms(
            name=name,
            granted_by=granted_by,
            opens_at=_local(opens),
            closes_at=_local(closes),
            is_unlimited=always,
            code_lifetime_days=code_days,
            code_notice_days=notice_days,
            max_auxiliaries=auxiliaries,
        )
        click.echo(_told(_changed(sessions, key, terms)))

    return change


def _changed(sessions: sessionmaker[Session], key: str, terms: BusinessTerms) -> Business:
    """Every institution has its row for a new business at once. A refusal is said in words."""
    try:
        with transaction(sessions) as session:
            business = set_business(session, key, terms, datetime.now(UTC))
            enrol(session, datetime.now(UTC))
    except Refused as refused:
        text = KNOWN[refused.code]
        raise click.ClickException(f"{text.title}：{text.detail}") from refused
    return business


def _local(typed: datetime | None) -> datetime | None:
    return typed.replace(tzinfo=LOCAL_TIME) if typed is not None else None


def _told(business: Business) -> str:
    by = labels.SUPERVISING_UNIT if business.granted_by == SUPERVISOR else business.granted_by
    opens, closes = (_day(business.opens_at) or "即日"), (_day(business.closes_at) or "长期")
    return (
        f"{business.key}  {business.name}  授权：{by}  开放：{opens} 至 {closes}  授权码 {business.code_lifetime_days} 天"
        f"（提前 {business.code_notice_days} 天提醒）  辅助管理员至多 {business.max_auxiliaries} 人"
    )


def _day(moment: datetime | None) -> str | None:
    return moment.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M") if moment else None
