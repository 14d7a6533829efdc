"""`flask record-scenario`, `flask run-scenarios`: tests made of real cases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json
from config import Settings
from engine.deployment.deploy import find_definition
from engine.errors import EngineError, InvalidDiagram, NotFound
from engine.flow.flow import Flow, load_flow
from engine.machine import compile_process
from engine.model.definition import DefinitionId
from engine.replay.rebuild import case_row
from engine.replay.scenarios.playing import (
    FOLDER,
    Coverage,
    ScenarioResult,
    coverage_of,
    read_scenarios,
    run_scenario,
    write_scenario,
)
from engine.replay.scenarios.recording import record_scenario

REFUSALS = {
    "case.unknown": "没有这个案件",
    "case.erased": "案件已销毁，内容不可读",
    "scenario.other_flow": "案件属于另一业务",
    "scenario.migrated": "案件迁移过版本，不能录制为情景",
    "scenario.path_differs": "按现在的文件重演，案件走的路不同，不能录制",
}


def scenario_commands(sessions: sessionmaker[Session], settings: Settings) -> tuple[click.Command, ...]:
    return _record(sessions, settings), _run(settings)


def _record(sessions: sessionmaker[Session], settings: Settings) -> click.Command:
    @click.command("record-scenario")
    @click.argument("case_id")
    @click.option("--title", required=True, help="一句话说明这个情景")
    @click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="默认写入业务的 scenarios/")
    def command(case_id: str, title: str, output: Path | None) -> None:
        """把一个案件录制成匿名的情景文件；写出前已重演核对。"""
        try:
            with sessions() as session:
                key = find_definition(session, DefinitionId(case_row(session, case_id).definition_id)).flow_key
                folder = settings.flows_dir / key
                scenario = record_scenario(session, case_id, load_flow(folder), title)
        except EngineError as error:
            detail = error.facts.get("problem", "")
            raise click.ClickException(f"{REFUSALS.get(error.code, error.code)} {detail}".strip()) from error
        target = output or folder / FOLDER / f"{(scenario.outcome or 'running')}-{case_id[-6:]}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(write_scenario(scenario))
        click.echo(f"{target}：{len(scenario.inputs)} 条输入，{len(scenario.path)} 个元素")

    return command


def _run(settings: Settings) -> click.Command:
    @click.command("run-scenarios")
    @click.argument("flow")
    @as_json
    def command(flow: str, json_lines: bool) -> None:
        """按现在的文件重演一个业务的情景，核对路径和结果，报告元素和连线的覆盖。有不符时退出码为 1。"""
        folder = Path(flow) if Path(flow).is_dir() else settings.flows_dir / flow
        try:
            loaded = load_flow(folder)
            results, coverage = run_all(loaded, folder)
        except (InvalidDiagram, NotFound) as error:
            raise click.ClickException(f"{folder} 不是可以运行的业务文件夹") from error
        except ValueError as error:
            raise click.ClickException(f"{folder / FOLDER} 中有无法读取的情景文件：{error}") from error
        _tell(results, coverage, json_lines=json_lines)
        if any(result.problem for result in results.values()):
            sys.exit(1)

    return command


def run_all(flow: Flow, folder: Path) -> tuple[dict[str, ScenarioResult], Coverage]:
    """Every scenario of the folder, by file name, and what they cover together."""
    process = compile_process(flow.bpmn, flow.decisions, flow.called)
    results = {name: run_scenario(flow, process, one) for name, one in read_scenarios(folder).items()}
    return results, coverage_of(flow, process, results.values())


def _tell(results: dict[str, ScenarioResult], coverage: Coverage, *, json_lines: bool) -> None:
    if json_lines:
        report: dict[str, Any] = {  # Any: a JSON object
            "scenarios": [
                {"file": name, "title": result.title, "passes": not result.problem, "problem": result.problem}
                for name, result in results.items()
            ],
            "elements": {"all": coverage.elements, "not_reached": list(coverage.not_reached)},
            "lines": {"all": coverage.lines, "not_used": list(coverage.not_used)},
        }
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return
    for name, result in results.items():
        click.echo(f"{'✗' if result.problem else '✓'} {name}  {result.title}  {result.problem}".rstrip())
    for word, total, missing in (
        ("元素", coverage.elements, coverage.not_reached),
        ("连线", coverage.lines, coverage.not_used),
    ):
        click.echo(f"{word}覆盖 {total - len(missing)}/{total}  {'、'.join(missing)}".rstrip())
