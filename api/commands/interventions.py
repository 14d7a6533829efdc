"""Further verbs of operators from the command line: suspend, resume, edit, skip, move; proposals; what stands still."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json, local_time
from api.commands.operators import one_act, operator, said
from engine.messages.undelivered import dismiss_message, send_again, undelivered_messages
from engine.operators.operations import (
    OperatorAct,
    OperatorVerb,
    confirm_proposal,
    lift_second_person,
    open_proposals,
    operate,
    reject_proposal,
    require_second_person,
)
from engine.queries.pages import case_page
from engine.queries.why import watchdog_finds, why

REASON = click.option("--reason", required=True, help="原因，记入流水")
SET = click.option("--set", "values", multiple=True, metavar="NAME=JSON", help="要写入的变量，可多次")


def intervention_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return (
        *_cases(sessions),
        *_elements(sessions),
        *_proposals(sessions),
        _why(sessions),
        _waits(sessions),
        _watchdog(sessions),
        _undelivered(sessions),
    )


def _cases(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    @click.command("suspend-case")
    @click.argument("case_id")
    @REASON
    def suspend(case_id: str, reason: str) -> None:
        """暂停一个案件：不接受办理，结果和消息等待，定时在恢复时触发。"""
        _act(sessions, OperatorAct(verb=OperatorVerb.SUSPEND, case_id=case_id, why=reason), "已暂停")

    @click.command("resume-case")
    @click.argument("case_id")
    @REASON
    def resume(case_id: str, reason: str) -> None:
        """恢复一个暂停的案件。"""
        _act(sessions, OperatorAct(verb=OperatorVerb.RESUME, case_id=case_id, why=reason), "已恢复")

    @click.command("edit-variables")
    @click.argument("case_id")
    @SET
    @REASON
    def edit(case_id: str, values: tuple[str, ...], reason: str) -> None:
        """修改案件的变量。"""
        act = OperatorAct(verb=OperatorVerb.EDIT, case_id=case_id, why=reason, values=_variables(values))
        _act(sessions, act, "已修改")

    return suspend, resume, edit


def _elements(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    @click.command("skip-element")
    @click.argument("case_id")
    @click.argument("wait_id")
    @SET
    @REASON
    def skip(case_id: str, wait_id: str, values: tuple[str, ...], reason: str) -> None:
        """跳过案件正在等待的一个环节，视同已办。"""
        given = _variables(values)
        act = OperatorAct(verb=OperatorVerb.SKIP, case_id=case_id, why=reason, wait=wait_id, values=given)
        _act(sessions, act, "已跳过")

    @click.command("move-token")
    @click.argument("case_id")
    @click.argument("wait_id")
    @click.argument("to")
    @REASON
    def move(case_id: str, wait_id: str, to: str, reason: str) -> None:
        """把案件从正在等待的环节移到另一环节。"""
        act = OperatorAct(verb=OperatorVerb.MOVE, case_id=case_id, why=reason, wait=wait_id, to=to)
        _act(sessions, act, "已移动")

    return skip, move


def _proposals(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    @click.command("proposals")
    def proposals() -> None:
        """列出等待另一名管理员复核的操作。"""
        with sessions() as session:
            for each in open_proposals(session):
                reason = each.act.why if each.act else "（内容已删除）"
                click.echo(f"{each.id}  案件 {each.case_id}  {each.verb}  {each.proposed_by}  {reason}")

    @click.command("confirm-proposal")
    @click.argument("proposal_id")
    def confirm(proposal_id: str) -> None:
        """复核并执行他人提议的操作。"""
        with one_act(sessions) as session:
            confirm_proposal(session, proposal_id, by=operator(), now=datetime.now(UTC))
        click.echo("已执行")

    @click.command("reject-proposal")
    @click.argument("proposal_id")
    def reject(proposal_id: str) -> None:
        """否决一个提议。"""
        with one_act(sessions) as session:
            reject_proposal(session, proposal_id, by=operator(), now=datetime.now(UTC))
        click.echo("已否决")

    @click.command("second-person")
    @click.argument("flow")
    @click.argument("verb", type=click.Choice(["*", *(each.value for each in OperatorVerb)]))
    @click.option("--lift", is_flag=True, help="不再要求")
    def second_person(flow: str, verb: str, lift: bool) -> None:
        """要求某业务（* 为所有业务）的某种操作须双人复核。"""
        with one_act(sessions) as session:
            if lift:
                lift_second_person(session, flow, verb)
            else:
                require_second_person(session, flow, verb, by=operator(), now=datetime.now(UTC))
        click.echo("已取消" if lift else "已设置")

    return proposals, confirm, reject, second_person


def _why(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("why")
    @click.argument("case_id")
    def say_why(case_id: str) -> None:
        """一句话说明案件在等什么。"""
        with one_act(sessions) as session:
            found = why(session, case_id, datetime.now(UTC))
        click.echo(found.sentence.replace("{holder}", f"账号 {found.holder} "))

    return say_why


def _waits(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("waits")
    @click.argument("case_id")
    def waits(case_id: str) -> None:
        """案件正在等待什么，一行一项：编号（skip-element、move-token 用）、种类、环节。"""
        with one_act(sessions) as session:
            found = [wait for wait in case_page(session, case_id).waits if wait.closed_at is None]
        for wait in found:
            due = f"  {local_time(wait.due_at)}" if wait.due_at else ""
            click.echo(f"{wait.id}  {wait.kind:<9}  {wait.title}（{wait.element}）{due}")
        click.echo(f"共 {len(found)} 项")

    return waits


def _watchdog(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("watchdog")
    @as_json
    def watchdog(json_lines: bool) -> None:
        """列出没有在等待任何事情的案件、无人可办的待办、迟迟未触发的定时和作业。"""
        with sessions() as session:
            found = watchdog_finds(session, datetime.now(UTC))
        for each in found:
            facts = {"code": each.code, "case": each.case_id, "flow": each.flow_key, "element": each.element}
            told = {**facts, "since": each.since.isoformat(timespec="seconds")}
            click.echo(json.dumps(told, ensure_ascii=False) if json_lines else "  ".join(map(str, told.values())))
        if not json_lines:
            click.echo(f"共 {len(found)} 处")

    return watchdog


def _undelivered(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("undelivered")
    @click.option("--send-again", "again", metavar="ID", help="再次发送这一条")
    @click.option("--dismiss", metavar="ID", help="不再需要这一条")
    def undelivered(again: str | None, dismiss: str | None) -> None:
        """列出没有案件接收的消息；可再次发送或不再需要。"""
        with one_act(sessions) as session:
            if again:
                send_again(session, again, now=datetime.now(UTC))
            if dismiss:
                dismiss_message(session, dismiss, now=datetime.now(UTC))
            found = undelivered_messages(session, limit=200).items
        for each in found:
            to = each.receiver or each.flow_key or ""
            click.echo(f"{each.id}  {each.message or each.kind}  {to}  {each.note}  {local_time(each.closed_at)}")
        click.echo(f"共 {len(found)} 条")

    return undelivered


def _act(sessions: sessionmaker[Session], act: OperatorAct, done: str) -> None:
    with one_act(sessions) as session:
        proposal = operate(session, act, by=operator(), now=datetime.now(UTC))
    click.echo(said(done, proposal))


def _variables(given: tuple[str, ...]) -> dict[str, Any]:  # Any: JSON
    """`name=value` each; a value that is no JSON is a text."""
    values: dict[str, Any] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"应为 变量名=值：{one[:60]}", param_hint="--set")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values
