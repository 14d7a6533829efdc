"""`flask find-cases`: whose case it is that somebody asks about, by a value that flow.toml lets be searched."""

from __future__ import annotations

import json

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json, local_time
from engine.queries.pages import find_cases


def find_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return (_find(sessions),)


def _find(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("find-cases")
    @click.argument("variable")
    @click.option("--value", prompt="值", hide_input=True, help="不写在命令行上则会询问，不留在历史记录里")
    @as_json
    def command(variable: str, value: str, json_lines: bool) -> None:
        """按可检索的变量（如 document_number）查找案件，最新的在前。只比对密钥哈希，找不到时不说明原因。"""
        with sessions() as session:
            found = find_cases(session, variable, value)
        if json_lines:
            for case in found:
                told = {"case_id": case.id, "flow_key": case.flow_key, "state": case.state, "outcome": case.outcome}
                click.echo(json.dumps(told, ensure_ascii=False))
            return
        for case in found:
            shown = case.outcome_label or "、".join(case.progress) or case.state
            click.echo(f"{case.id}  {case.flow_title}  第 {case.version} 版  {local_time(case.created_at)}  {shown}")
        if not found:
            click.echo("没有找到案件", err=True)

    return command
