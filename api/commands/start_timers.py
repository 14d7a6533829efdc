"""Timers that begin cases, from the command line: start-timers, pause-start-timer, resume-start-timer."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json
from api.commands.operators import one_act, operator
from engine.deployment.start_timers import StartTimerView, pause_start_timer, resume_start_timer, start_timers

FLOW = click.argument("flow_key", metavar="FLOW")
ELEMENT = click.argument("element")


def start_timer_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    @click.command("start-timers")
    @as_json
    def listed(json_lines: bool) -> None:
        """列出由定时启动的业务：下一次何时启动，最近一次结果如何。"""
        with sessions() as session:
            found = start_timers(session)
        if json_lines:
            for each in found:
                click.echo(json.dumps(asdict(each), ensure_ascii=False, default=str))
            return
        for each in found:
            click.echo(_line(each))
        click.echo(f"共 {len(found)} 个定时启动")

    @click.command("pause-start-timer")
    @FLOW
    @ELEMENT
    @click.option("--reason", required=True, help="原因")
    def pause(flow_key: str, element: str, reason: str) -> None:
        """暂停一个定时启动；暂停期间到时的不再补启动。"""
        with one_act(sessions) as session:
            pause_start_timer(session, flow_key, element, by=operator(), reason=reason, now=datetime.now(UTC))
        click.echo("已暂停")

    @click.command("resume-start-timer")
    @FLOW
    @ELEMENT
    def resume(flow_key: str, element: str) -> None:
        """恢复一个暂停的定时启动，从下一次到时起继续。"""
        with one_act(sessions) as session:
            resume_start_timer(session, flow_key, element, now=datetime.now(UTC))
        click.echo("已恢复")

    return listed, pause, resume


def _line(timer: StartTimerView) -> str:
    said = f"{timer.flow_key}/{timer.element}  {timer.title}（版本 {timer.version}）  {timer.says}"
    if timer.paused_at is not None:
        return f"{said}  已暂停（{timer.paused_by}：{timer.pause_reason}）"
    when = timer.next_at.isoformat(timespec="seconds") if timer.next_at else "不再启动"
    last = f"  上次 {timer.last_due_at.isoformat(timespec='seconds')}" if timer.last_due_at else ""
    refused = f"未启动（{timer.last_note}）" if timer.last_state == "REFUSED" else ""
    return f"{said}  下次 {when}{last}{refused}"
