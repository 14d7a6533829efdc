"""`flask export-evidence`, `flask verify-evidence`, `flask evidence-key`: what proves a case's course outside the platform."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session, sessionmaker

from api.cases.evidence_export import consents_json, redacted
from api.commands.journal import as_json, local_time
from api.commands.operators import operator
from engine.cases.journal import BrokenChain
from engine.errors import EngineError
from engine.replay.evidence.check import check_evidence
from engine.replay.evidence.file import Export, evidence_file
from storage import vault

REFUSALS = {"case.unknown": "没有这个案件", "case.erased": "案件已销毁，内容不可读"}


def evidence_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _export(sessions), _verify(), _key()


def _export(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("export-evidence")
    @click.argument("case_id")
    @click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--full", is_flag=True, help="不打码：含个人信息，请妥善保管")
    def command(case_id: str, output: Path, full: bool) -> None:
        """导出一个案件的证据包：经过、输入、决策、模型、同意和哈希链，已签名。"""
        with sessions() as session:
            added = {"consents.json": consents_json(session, case_id)}
            export = Export(operator().id, datetime.now(UTC), None if full else redacted, added)
            try:
                content = evidence_file(session, case_id, export)
            except EngineError as error:
                raise click.ClickException(REFUSALS.get(error.code, error.code)) from error
            except BrokenChain as broken:
                raise click.ClickException(f"流水在第 {broken.seq} 条断开，不能出具证据包") from broken
        try:
            output.write_bytes(content)
        except OSError as error:
            raise click.ClickException(f"无法写入 {output}（{error.strerror}）") from error
        click.echo(f"{output}  {len(content)} 字节  公钥 {vault.current().master_key.public_key.hex()}")

    return command


def _verify() -> click.Command:
    @click.command("verify-evidence")
    @click.argument("file", type=click.Path(exists=True, path_type=Path, dir_okay=False))
    @click.option("--key", help="平台的公钥（十六进制），见 evidence-key；不给出时用文件自带的")
    @as_json
    def command(file: Path, key: str | None, json_lines: bool) -> None:
        """核对证据包，不需要数据库。被改动时指出第一处，退出码为 1。"""
        try:
            public_key = bytes.fromhex(key) if key else None
        except ValueError as error:
            raise click.BadParameter("应为十六进制", param_hint="--key") from error
        verdict = check_evidence(file.read_bytes(), public_key)
        altered = verdict.altered
        if json_lines:
            found = {"holds": verdict.holds, "altered": asdict(altered) if altered else None}
            sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        elif altered is not None:
            click.echo(f"不符：{altered.what}")
        else:
            told = verdict.manifest
            signer = "与所给公钥相符" if key else f"公钥 {told['public_key']}（请与平台公布的核对）"
            click.echo(
                f"相符：案件 {told['case']}，{told['entries']} 条流水，导出于 {local_time(told['exported_at'])}，{signer}"
            )
        if altered is not None:
            sys.exit(1)

    return command


def _key() -> click.Command:
    @click.command("evidence-key")
    def command() -> None:
        """平台签署证据包的公钥。公布它，别人就能核对证据包。"""
        click.echo(vault.current().master_key.public_key.hex())

    return command
