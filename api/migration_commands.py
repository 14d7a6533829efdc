"""`flask migrate-cases`, `flask revert-migration`: running cases to another version, looked at before it is done."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.journal_commands import as_json
from api.migrations import WHY, plan_json
from api.operator_commands import operator
from api.what_if_commands import elements_option
from database import transaction
from engine.errors import Conflict, EngineError
from engine.hindsight.migrate import cases_to_migrate, find_version, migrate_case, plan_migration, revert_migration
from engine.hindsight.migration_plan import MigrationPlan

REFUSALS = {
    "case.unknown": "没有这个案件",
    "case.does_not_fit": "案件不适合这个版本",
    "definition.unknown": "没有这个版本",
    "migration.other_flow": "目标版本属于另一业务",
    "migration.same_version": "案件已在这个版本上",
    "migration.unknown_element": "元素对照中有不存在或重复的元素",
    "migration.none": "没有可撤回的迁移",
}
HOW = {"kept": "保留", "changed": "保留并更新", "closed": "关闭", "opened": "新开"}


def migration_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    return _migrate_cases(sessions), _revert_migration(sessions)


def _migrate_cases(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("migrate-cases")
    @click.argument("flow")
    @click.option("--to", "to_version", type=int, required=True, help="目标版本号")
    @click.option("--case", "cases", multiple=True, help="只迁移这个案件，可多次给出")
    @click.option("--list", "listed", type=click.File(), help="案件编号的清单，每行一个")
    @click.option("--from", "from_version", type=int, help="只迁移在这个版本上的案件")
    @click.option("--standing-at", help="只迁移停在这个元素上的案件")
    @elements_option
    @click.option("--apply", "is_applied", is_flag=True, help="真正迁移；不给出时只预览")
    @click.option("--reason", default="", help="原因，记入流水")
    @as_json
    def command(
        flow: str,
        to_version: int,
        cases: tuple[str, ...],
        listed: Any,
        from_version: int | None,
        standing_at: str | None,
        elements: dict[str, str],
        is_applied: bool,
        reason: str,
        json_lines: bool,
    ) -> None:
        """预览并迁移办理中的案件。逐案一个事务：不适合的留在原版本，列出原因。"""
        if is_applied and not reason:
            raise click.BadParameter("迁移须说明原因", param_hint="--reason")
        chosen = [*cases, *(line.strip() for line in listed or () if line.strip())]
        try:
            with sessions() as session:
                to = find_version(session, flow, to_version)
                if not chosen:
                    chosen = cases_to_migrate(session, flow, to, from_version=from_version, standing_at=standing_at)
        except EngineError as error:
            raise click.ClickException(REFUSALS.get(error.code, error.code)) from error
        plans, moved, refused = [], 0, 0
        for case_id in chosen:
            try:
                plan, was_moved = _one(sessions, case_id, to, elements, reason if is_applied else None)
            except EngineError as error:  # the others' turn comes all the same
                refused += 1
                _tell_refusal(case_id, error, json_lines=json_lines)
                continue
            plans.append(plan)
            moved += was_moved
            _tell(plan, was_moved=was_moved, json_lines=json_lines)
        if not json_lines:
            done = f"已迁移 {moved} 个" if is_applied else f"可以迁移 {sum(plan.fits for plan in plans)} 个"
            click.echo(f"共 {len(chosen)} 个案件，{done}" + (f"，{refused} 个无法处理" if refused else ""))
            for code, count in Counter(misfit.code for plan in plans for misfit in plan.misfits).most_common():
                click.echo(f"  不适合：{WHY.get(code, code)}  {count}")
        if refused:
            sys.exit(1)

    return command


def _one(
    sessions: sessionmaker[Session], case_id: str, to: Any, elements: dict[str, str], reason: str | None
) -> tuple[MigrationPlan, bool]:
    """The plan, and whether it was carried out: where a reason is given and the case fits. Raises EngineError."""
    now = datetime.now(UTC)
    try:
        with sessions() as session:
            plan = plan_migration(session, case_id, to, by=operator(), now=now, elements=elements)
        if reason is None or not plan.fits:
            return plan, False
        with transaction(sessions) as session:
            return migrate_case(session, case_id, to, by=operator(), reason=reason, now=now, elements=elements), True
    except Conflict as conflict:
        if conflict.code != "case.does_not_fit":
            raise
        return plan, False  # it moved on since it was looked at


def _revert_migration(sessions: sessionmaker[Session]) -> click.Command:
    @click.command("revert-migration")
    @click.argument("case_id")
    @click.option("--reason", required=True, help="原因，记入流水")
    def command(case_id: str, reason: str) -> None:
        """撤回案件的最近一次迁移；此后没有新输入时，案件与迁移前完全相同。"""
        try:
            with transaction(sessions) as session:
                plan = revert_migration(session, case_id, by=operator(), reason=reason, now=datetime.now(UTC))
        except EngineError as error:
            raise click.ClickException(REFUSALS.get(error.code, error.code)) from error
        click.echo(f"已回到第 {plan.to_version} 版")

    return command


def _tell_refusal(case_id: str, error: EngineError, *, json_lines: bool) -> None:
    if json_lines:
        sys.stdout.write(json.dumps({"case": case_id, "refused": error.code}, ensure_ascii=False) + "\n")
    else:
        click.echo(f"{case_id}  {REFUSALS.get(error.code, error.code)}", err=True)


def _tell(plan: MigrationPlan, *, was_moved: bool, json_lines: bool) -> None:
    if json_lines:
        sys.stdout.write(json.dumps(plan_json(plan) | {"migrated": was_moved}, ensure_ascii=False) + "\n")
        return
    verdict = "已迁移" if was_moved else "可以迁移" if plan.fits else "不适合"
    click.echo(f"{plan.case_id}  第 {plan.from_version} 版 → 第 {plan.to_version} 版  {verdict}")
    for misfit in plan.misfits:
        place = f"第 {misfit.seq} 条 {misfit.kind}" if misfit.seq else misfit.kind
        click.echo(f"    {WHY.get(misfit.code, misfit.code)}  {misfit.element}  {place}")
    for move in plan.moves:
        named = move.element_before or move.element_after
        renamed = f" → {move.element_after}" if move.element_after not in {"", named} else ""
        click.echo(f"    {HOW[move.how]}  {move.kind:9}  {named}{renamed}  {'、'.join(move.changes)}")
