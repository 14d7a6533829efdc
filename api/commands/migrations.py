"""`flask migrate-cases`, `flask revert-migration`: running cases to another version, looked at before it is done."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session, sessionmaker

from api.commands.journal import as_json
from api.commands.operators import operator
from api.commands.what_if import elements_option
from api.operators.migrations import WHY, plan_json
from engine.errors import Conflict, EngineError
from engine.model.definition import DefinitionId
from engine.replay.migration.migrate import (
    cases_to_migrate,
    find_version,
    migrate_case,
    plan_migration,
    revert_migration,
)
from engine.replay.migration.plan import MigrationPlan
from storage.transactions import transaction

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
        with sessions() as session, _refused_in_words():
            to = find_version(session, flow, to_version)
            if not chosen:
                chosen = cases_to_migrate(session, flow, to, from_version=from_version, standing_at=standing_at)
        tally = _gone_through(sessions, chosen, _Order(to, elements, reason if is_applied else None), json_lines)
        if not json_lines:
            _tell_tally(tally, is_applied=is_applied)
        if tally.refused:
            sys.exit(1)

    return command


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to become of each case. elements: old id → new id. reason: None to look only."""

    to: DefinitionId
    elements: dict[str, str]
    reason: str | None


@dataclass(slots=True)
class _Tally:
    plans: list[MigrationPlan] = field(default_factory=list)
    moved: int = 0
    refused: int = 0


def _gone_through(sessions: sessionmaker[Session], cases: list[str], order: _Order, json_lines: bool) -> _Tally:
    """One case after the other, each told at once; a refused one does not keep the others from their turn."""
    tally = _Tally()
    for case_id in cases:
        try:
            plan, was_moved = _one(sessions, case_id, order)
        except EngineError as error:
            tally.refused += 1
            _tell_refusal(case_id, error, json_lines=json_lines)
            continue
        tally.plans.append(plan)
        tally.moved += was_moved
        _tell(plan, was_moved=was_moved, json_lines=json_lines)
    return tally


def _one(sessions: sessionmaker[Session], case_id: str, order: _Order) -> tuple[MigrationPlan, bool]:
    """The plan, and whether it was carried out: where a reason is given and the case fits. Raises EngineError."""
    to, elements, by, now = order.to, order.elements, operator(), datetime.now(UTC)
    try:
        with sessions() as session:
            plan = plan_migration(session, case_id, to, by=by, now=now, elements=elements)
        if order.reason is None or not plan.fits:
            return plan, False
        with transaction(sessions) as session:
            migrated = migrate_case(session, case_id, to, by=by, reason=order.reason, now=now, elements=elements)
        return migrated, True
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
        with _refused_in_words(), transaction(sessions) as session:
            plan = revert_migration(session, case_id, by=operator(), reason=reason, now=datetime.now(UTC))
        click.echo(f"已回到第 {plan.to_version} 版")

    return command


@contextmanager
def _refused_in_words() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise click.ClickException(REFUSALS.get(error.code, error.code)) from error


def _tell_tally(tally: _Tally, *, is_applied: bool) -> None:
    fitting = sum(plan.fits for plan in tally.plans)
    done = f"已迁移 {tally.moved} 个" if is_applied else f"可以迁移 {fitting} 个"
    refused = f"，{tally.refused} 个无法处理" if tally.refused else ""
    click.echo(f"共 {len(tally.plans) + tally.refused} 个案件，{done}{refused}")
    for code, count in Counter(misfit.code for plan in tally.plans for misfit in plan.misfits).most_common():
        click.echo(f"  不适合：{WHY.get(code, code)}  {count}")


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
