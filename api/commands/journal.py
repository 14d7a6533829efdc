"""`flask verify-journal`, `flask journal-root`: does everything that is kept agree with the journals?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.cases.past import past_json
from engine.errors import EngineError, NotFound
from engine.language.dates import LOCAL_TIME
from engine.replay.evidence.journal_root import make_root, newest_root
from engine.replay.evidence.self_check import (
    CaseCheck,
    Finding,
    check_case,
    check_cases,
    check_roots,
    count_cases,
    record_findings,
)
from engine.replay.time_travel import case_at
from storage.transactions import transaction

Json = dict[str, Any]  # Any: a JSON object


def local_time(moment: datetime | str | None) -> str:
    """Of the people here (Shanghai), to the minute; "" for None. A text is ISO 8601."""
    if moment is None:
        return ""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone(LOCAL_TIME).strftime("%Y-%m-%d %H:%M")


as_json = click.option("--json", "json_lines", is_flag=True, help="每行一个 JSON 对象")


def journal_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _verify_journal(sessions), _journal_root(sessions), _case_at(sessions)


def _verify_journal(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("verify-journal")
    @click.option("--case", "case_id", help="只核对这一个案件")
    @click.option("--sample", type=click.IntRange(min=1), help="只核对随机抽取的这么多案件")
    @click.option("--root", help="另行保存的一个根（十六进制）：它须仍在其中")
    @as_json
    def command(case_id: str | None, sample: int | None, root: str | None, json_lines: bool) -> None:
        """逐案核对流水的哈希链和每日的根，并由流水重建状态，与快照和等待行比较。有不符时退出码为 1。"""
        try:
            expected = bytes.fromhex(root) if root else None
        except ValueError as error:
            raise click.BadParameter("应为十六进制", param_hint="--root") from error
        with sessions() as session:
            try:
                checks = [check_case(session, case_id)] if case_id else _checked(session, sample)
            except NotFound as error:
                raise click.ClickException(f"没有案件 {case_id}") from error
            of_roots = check_roots(session, case_id, expected)
        found = [*of_roots, *(finding for check in checks for finding in check.findings)]
        with transaction(sessions) as session:
            record_findings(session, (check.verdict.case_id for check in checks), found, datetime.now(UTC))
        _tell(checks, found, json_lines=json_lines)
        if found:
            sys.exit(1)

    return command


def _checked(session: Session, sample: int | None) -> list[CaseCheck]:
    """With a line of progress where somebody looks on."""
    cases = count_cases(session) if sample is None else sample
    with click.progressbar(
        check_cases(session, sample), length=cases, label="核对", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as checks:
        return list(checks)


def _journal_root(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("journal-root")
    def command() -> None:
        """今日的根（没有时现在生成）。抄存到别处，日后可用 verify-journal --root 核对。"""
        with transaction(sessions) as session:
            make_root(session, datetime.now(UTC))
            newest = newest_root(session)
        assert newest is not None, "one was just made"
        click.echo(f"{newest[0].isoformat()} {newest[1].hex()}")

    return command


def _case_at(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("case-at")
    @click.argument("case_id")
    @click.argument("seq", type=int)
    @click.option("--full", is_flag=True, help="不打码")
    @as_json
    def command(case_id: str, seq: int, full: bool, json_lines: bool) -> None:
        """案件在第 SEQ 条流水之后的状态、等待和变量。"""
        with sessions() as session:
            try:
                past = case_at(session, case_id, seq)
            except EngineError as error:
                raise click.ClickException(_REFUSALS.get(error.code, error.code)) from error
        shown = {name: value for name, value in past_json(past, is_masked=not full).items() if name != "xml"}
        if json_lines:
            sys.stdout.write(json.dumps(shown, ensure_ascii=False, default=str) + "\n")
            return
        state = f"已结束：{past.outcome}" if past.is_ended else "办理中"
        click.echo(f"第 {past.seq}/{past.of} 条  {local_time(past.at)}  {past.kind} {past.element}  {state}")
        for wait in shown["waits"]:
            click.echo(
                f"  等待  {wait['kind']:9}  {wait['title']}（{wait['address']}）  {local_time(wait['due_at'])}".rstrip()
            )
        for name, value in shown["variables"].items():
            click.echo(f"  {name} = {json.dumps(value, ensure_ascii=False)}")

    return command


_REFUSALS = {"case.unknown": "没有这个案件", "case.erased": "案件已销毁", "journal.no_entry": "没有这条流水"}


def _tell(checks: list[CaseCheck], found: list[Finding], *, json_lines: bool) -> None:
    report = _report(checks, found)
    if json_lines:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return
    click.echo(
        f"核对 {report['cases_checked']} 个案件（其中 {report['erased']} 个已删除，只核对哈希链）："
        f"哈希链断裂 {len(report['chain_breaks'])}，快照不符 {len(report['snapshot_differences'])}，"
        f"等待不符 {len(report['wait_differences'])}，与根不符 {len(report['root_differences'])}"
    )
    for each in report["findings"]:
        place = f"第 {each['seq']} 条" if each["seq"] else ""
        click.echo(f"  {each['case_id'] or ''}  {place}  {each['element']}  {each['note']}")


def _report(checks: Iterable[CaseCheck], found: Iterable[Finding]) -> Json:
    verdicts = [check.verdict for check in checks]
    return {
        "cases_checked": len(verdicts),
        "entries": sum(verdict.entries for verdict in verdicts),
        "erased": sum(verdict.is_erased for verdict in verdicts),
        "chain_breaks": [{"case": v.case_id, "seq": v.chain_break} for v in verdicts if v.chain_break is not None],
        "snapshot_differences": [v.case_id for v in verdicts if v.snapshot_differs],
        "wait_differences": [
            {"case": v.case_id, "addresses": list(v.waits_differ)} for v in verdicts if v.waits_differ
        ],
        "root_differences": [asdict(one) for one in found if one.kind in {"root", "head"}],
        "findings": [asdict(one) for one in found],
    }
