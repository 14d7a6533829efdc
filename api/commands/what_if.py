"""`flask what-if`: what would have become of the last cases under a changed diagram, decision table or form."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json
from engine.errors import InvalidDiagram, NotFound
from engine.flow.flow import CONFIG_FILE, Flow, load_flow
from engine.replay.what_if.comparison import WhatIf
from engine.replay.what_if.pool import outcomes_in_parallel
from engine.replay.what_if.recorded_cases import cases_of
from engine.replay.what_if.report import paces, report_of
from engine.replay.what_if.runs import candidate_flow

Json = dict[str, Any]  # Any: a JSON object

TOLD = {
    "same_end": "结果相同",
    "other_end": "结果不同",
    "lacks": "缺少所需的输入",
    "does_not_fit": "原来的输入不再适用",
    "erased": "已删除",
    "unreadable": "流水无法读取",
}


def renamed_elements(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """`old=new`, several times."""
    pairs = [text.partition("=") for text in given]
    if any(not (old and new) for old, _, new in pairs):
        raise click.BadParameter("应写作 旧元素=新元素")
    return {old: new for old, _, new in pairs}


elements_option = click.option(
    "--element", "elements", multiple=True, callback=renamed_elements, help="改了名的元素：旧=新，可多次给出"
)


def what_if_command(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("what-if")
    @click.argument("flow")
    @click.option(
        "--with",
        "folder",
        required=True,
        type=click.Path(exists=True, path_type=Path),
        help="候选版本的文件夹；没有 flow.toml 时，其中的文件（或单个文件）替换当前版本的同名文件",
    )
    @click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="只看这一天（UTC）起开始的案件")
    @click.option("--limit", type=click.IntRange(min=1), help="只看最新的这么多案件")
    @click.option("--processes", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True)
    @elements_option
    @as_json
    def command(
        flow: str,
        folder: Path,
        since: datetime | None,
        limit: int | None,
        processes: int,
        elements: dict[str, str],
        json_lines: bool,
    ) -> None:
        """用候选版本重演某业务的已有案件：不写入、不调用、不发送。"""
        what_if = _what_if(sessions, flow, folder, elements)
        now = datetime.now(UTC)
        with sessions() as session:
            ids = cases_of(session, flow, since.replace(tzinfo=UTC) if since else None, limit)
            pace = paces(session, flow)
        with click.progressbar(length=len(ids), label="重演", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            outcomes = outcomes_in_parallel(
                what_if, sessions, ids, now=now, processes=processes, progress=lambda done: bar.update(done - bar.pos)
            )
        report = {"flow": flow, "candidate": what_if.process.digest} | report_of(outcomes, pace, elements)
        _tell(report, json_lines=json_lines)

    return command


def _what_if(sessions: sessionmaker[Session], flow_key: str, path: Path, elements: dict[str, str]) -> WhatIf:
    """Raises ClickException where this flow cannot become what is at `path`, after every problem of its diagrams."""
    try:
        with sessions() as session:
            what_if = WhatIf(_candidate(session, flow_key, path), elements)
    except NotFound as error:
        raise click.ClickException(f"没有业务 {flow_key}") from error
    except InvalidDiagram as error:
        for problem in error.problems:
            click.echo(f"  {problem.severity:7} {problem.element}  {problem.code}  {problem.message}", err=True)
        raise click.ClickException("候选版本不能部署，上面列出了原因") from error
    if what_if.flow.key != flow_key:
        raise click.ClickException(f"{path} 是 {what_if.flow.key} 的文件夹，不是 {flow_key} 的")
    return what_if


def _candidate(session: Session, flow_key: str, path: Path) -> Flow:
    """A whole folder as it is; without a flow.toml, or a file alone, the current version with these files changed."""
    if (path / CONFIG_FILE).exists():
        return load_flow(path)
    files = [path] if path.is_file() else [*path.glob("*.bpmn"), *path.glob("*.dmn"), *path.glob("forms/*.json")]
    if not files:
        raise click.ClickException(f"{path} 中没有 flow.toml，也没有流程图、决策表或表单")
    home = path.parent if path.is_file() else path
    return candidate_flow(session, flow_key, {file.relative_to(home).as_posix(): file.read_bytes() for file in files})


def _tell(report: Json, *, json_lines: bool) -> None:
    if json_lines:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return
    click.echo(f"{report['flow']}：{report['cases']} 个案件")
    for kind, count in report["totals"].items():
        click.echo(f"  {TOLD[kind]}  {count}")
    changed = [line for line in report["matrix"] if line["old"] != line["new"]]
    for line in changed:
        click.echo(f"  {line['old']} → {line['new']}  {line['cases']}")
    for line in report["lacking"]:
        click.echo(f"  在“{line['element']}”等待流水里没有的结果  {line['cases']}")
    for line in report["misfits"]:
        click.echo(f"  “{line['element']}”的输入不再适用（{line['detail'] or line['why']}）  {line['cases']}")
    hours = report["reviewer_hours"]
    click.echo(f"  审核工时变化 {hours['hours']:+.2f} 小时")
    for line in hours["elements"]:
        pace = f"中位 {line['median_minutes']} 分钟，n={line['n']}" if line["n"] else "没有可参照的用时"
        click.echo(f"    {line['element']}  {line['items_before']} → {line['items_after']} 件（{pace}）")
    if hours["open_ended_cases"]:
        click.echo(f"    {hours['open_ended_cases']} 个案件停在缺少结果的环节，其后的工时没有计入")
