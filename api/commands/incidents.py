"""`flask incidents`, `flask retry-incident`, `flask retry-incidents`: failing elements; of many the first one first."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import local_time
from api.commands.operators import one_act, operator, said
from engine.errors import Conflict
from engine.operators.incidents import (
    IncidentFilter,
    IncidentView,
    case_of_incident,
    incident_ids,
    list_incidents,
    rest_of,
)
from engine.operators.operations import OperatorAct, OperatorVerb, operate

MOST_LISTED = 200
MOST_RETRIED = 10_000
POLL_S = 0.5
REASON = click.option("--reason", default="由命令行重试", help="原因，记入流水")


def incident_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _incidents(sessions), _retry(sessions), _retry_many(sessions)


def _incidents(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("incidents")
    def incidents() -> None:
        """列出等待人工处理的异常。"""
        with sessions() as session:
            found = list_incidents(session, limit=MOST_LISTED)
        for one in found.items:
            since = local_time(one.since)
            tried = f"  重试过 {one.retries} 次{'，正在执行' if one.state == 'RETRYING' else ''}" if one.retries else ""
            click.echo(
                f"{one.id}  案件 {one.case_id}  {one.title}（{one.element}）  {one.code}  {one.note}  {since}{tried}"
            )
        click.echo(f"共 {len(found.items)} 个异常" if found.next is None else f"以上是最早的 {MOST_LISTED} 个异常")

    return incidents


def _retry(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("retry-incident")
    @click.argument("incident_id")
    @REASON
    def retry(incident_id: str, reason: str) -> None:
        """让出现异常的环节再执行一次；再次失败仍是同一个异常。"""
        with one_act(sessions) as session:
            proposal = _retried(session, incident_id, reason)
        click.echo(said("已重试", proposal))

    return retry


def _retry_many(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("retry-incidents")
    @click.option("--flow", help="业务")
    @click.option("--element", help="环节")
    @click.option("--code", help="异常代码")
    @click.option("--wait", "wait_s", type=click.IntRange(min=0), default=60, show_default=True, help="等第一个多少秒")
    @REASON
    def retry_many(flow: str | None, element: str | None, code: str | None, wait_s: int, reason: str) -> None:
        """先重试最早的一个，确已解决后再重试同一环节的其余。"""
        wanted = IncidentFilter(flow=flow, element=element, code=code)
        first = _first_of(sessions, wanted)
        if first.state == "OPEN":
            with one_act(sessions) as session:
                proposal = _retried(session, first.id, reason)
            if proposal is not None:
                raise click.ClickException(f"{said('', proposal)}；执行之后再重试其余")
        click.echo(f"先重试 {first.id}（案件 {first.case_id}），等待结果…")
        rest = _once_helped(sessions, first.id, code, wait_s)
        with sessions() as session:
            ids = incident_ids(session, rest, limit=MOST_RETRIED)
        with click.progressbar(ids, label="其余", hidden=len(ids) < 2) as each_of:
            told = Counter(_one_of_rest(sessions, each, reason) for each in each_of)
        click.echo(
            f"第一个已解决；其余重试 {told['retried']} 个，须复核 {told['proposed']} 个，已不再异常 {told['left']} 个"
        )

    return retry_many


def _first_of(sessions: sessionmaker[Session], wanted: IncidentFilter) -> IncidentView:
    """One that is being tried already, else the oldest. Raises ClickException without one, or with more than one kind."""
    with sessions() as session:
        found = list_incidents(session, wanted, limit=MOST_LISTED).items
    if not found:
        raise click.ClickException("没有这样的异常")
    kinds = Counter((one.flow_key, one.element) for one in found)
    if len(kinds) > 1:
        told = "；".join(
            f"--flow {flow} --element {element}（{count} 个）" for (flow, element), count in kinds.most_common()
        )
        raise click.ClickException(f"异常不止一种，请指明一种：{told}")
    return next((one for one in found if one.state == "RETRYING"), found[0])


def _once_helped(sessions: sessionmaker[Session], first: str, code: str | None, wait_s: int) -> IncidentFilter:
    """What the rest is, as soon as the first has gone on. Raises ClickException when it failed again or takes too long."""
    until = time.monotonic() + wait_s
    while True:
        with sessions() as session:
            try:
                return rest_of(session, first, code)
            except Conflict as conflict:
                if conflict.code != "incident.first_running":
                    raise click.ClickException("第一个再次失败，其余没有重试；见 flask incidents") from conflict
        if time.monotonic() >= until:
            raise click.ClickException(f"第一个在 {wait_s} 秒内没有结果，其余没有重试；作业进程是否在运行？")
        time.sleep(POLL_S)


def _one_of_rest(sessions: sessionmaker[Session], incident_id: str, reason: str) -> str:
    """In a transaction of its own: one case is locked at a time."""
    try:
        with one_act(sessions) as session:
            return "retried" if _retried(session, incident_id, reason) is None else "proposed"
    except click.ClickException:
        return "left"


def _retried(session: Session, incident_id: str, reason: str) -> str | None:
    """The proposal's id where a second person has to agree."""
    case_id = case_of_incident(session, incident_id)
    act = OperatorAct(verb=OperatorVerb.RETRY, case_id=case_id, why=reason, wait=incident_id)
    return operate(session, act, by=operator(), now=datetime.now(UTC))
