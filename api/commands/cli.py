"""Commands of an operator: `FLASK_APP=wsgi flask …`. With --json one object a line; exit 0 unless a command could not run

or, of verify-…, what it verified does not hold."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask
from sqlalchemy.orm import Session, sessionmaker

from api.commands.accounts import account_commands
from api.commands.business import business_commands
from api.commands.cases import find_commands
from api.commands.evidence import evidence_commands
from api.commands.incidents import incident_commands
from api.commands.interventions import intervention_commands
from api.commands.journal import as_json, journal_commands
from api.commands.migrations import migration_commands
from api.commands.operators import operator_commands
from api.commands.scenarios import scenario_commands
from api.commands.start_timers import start_timer_commands
from api.commands.what_if import what_if_command
from config import Settings
from domain.imports.unit_seed import seed_units
from engine.checks.check import check_flow
from engine.deployment.deploy import deploy_folder
from engine.errors import InvalidDiagram, Problem
from storage.transactions import transaction


def register_commands(app: Flask, sessions: sessionmaker[Session], settings: Settings) -> None:
    for command in (
        _check_flow(),
        *journal_commands(sessions),
        what_if_command(sessions),
        *migration_commands(sessions),
        *evidence_commands(sessions),
        *find_commands(sessions),
        *scenario_commands(sessions, settings),
        _deploy_flows(sessions, settings),
        *account_commands(sessions),
        _seed_units(sessions),
        *business_commands(sessions),
        *operator_commands(sessions),
        *incident_commands(sessions),
        *intervention_commands(sessions),
        *start_timer_commands(sessions),
    ):
        app.cli.add_command(command)


def _check_flow() -> click.Command:
    @click.command("check-flow")
    @click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
    @as_json
    def command(paths: tuple[Path, ...], json_lines: bool) -> None:
        """检查流程文件夹或单个 BPMN 文件能否部署。"""
        for check in map(check_flow, paths):
            if json_lines:
                _line(
                    {
                        "path": check.path,
                        "deployable": check.deployable,
                        "problems": [asdict(p) for p in check.problems],
                    }
                )
                continue
            verdict = "可以部署" if check.deployable else "不能部署"
            click.echo(f"{check.path}：{verdict}，{len(check.problems)} 个问题")
            for problem in check.problems:
                click.echo(_told(problem))

    return command


def _told(problem: Problem) -> str:
    return f"  {problem.severity:7} {problem.element or '(整个文件)'}  {problem.code}  {problem.message}"


def _deploy_flows(sessions: sessionmaker[Session], settings: Settings) -> click.Command:
    @click.command("deploy-flows")
    @click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
    def command(folder: Path | None) -> None:
        """部署文件夹中从未部署过的流程版本（默认：程序自带的 bpmn）。"""
        try:
            with transaction(sessions) as session:
                deployed = deploy_folder(session, folder or settings.flows_dir, datetime.now(UTC))
        except InvalidDiagram as error:
            for problem in error.problems:
                click.echo(_told(problem), err=True)
            raise click.ClickException("流程不能部署，上面列出了原因") from error
        click.echo(f"部署了 {len(deployed)} 个新版本" if deployed else "没有变化：各流程均已部署过")

    return command


def _seed_units(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("seed-units")
    def command() -> None:
        """建立缺少的行政单位（湖北省 117 个）及其机构；已有的不变。"""
        with transaction(sessions) as session:
            made = seed_units(session, datetime.now(UTC))
        click.echo(f"新建了 {made} 个行政单位" if made else "行政单位齐全，没有变化")

    return command


def _line(fact: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(fact, ensure_ascii=False) + "\n")
