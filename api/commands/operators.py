"""What an operator does to one case or credential from the command line, until the operations pages do it.

Every act is an input of the case's journal, or a state with its reason; the operator's name stands in it.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session, sessionmaker

from api.edge.problem_texts import KNOWN
from domain.credentials.credential import revoke_credential
from domain.refused import Refused
from engine.actors import Actor
from engine.errors import EngineError
from engine.operators.interventions import erase_case
from engine.operators.operations import OperatorAct, OperatorVerb, operate
from storage.transactions import transaction

_CASE_WORDS = {
    "case.unknown": "没有这个案件",
    "case.ended": "案件已经结束",
    "case.running": "案件仍在办理，结束后才能销毁",
}
_OTHER_WORDS = {
    "incident.unknown": "没有这个异常",
    "credential.none": "没有这个凭证",
    "credential.not_valid": "凭证已失效",
}


def operator_commands(sessions: sessionmaker[Session]) -> tuple[click.Command, ...]:
    """cancel-case, erase-case, revoke-credential."""

    @click.command("cancel-case")
    @click.argument("case_id")
    @click.option("--reason", required=True, help="原因，记入流水")
    def cancel(case_id: str, reason: str) -> None:
        """结束一个案件，无论办到哪一步。"""
        act = OperatorAct(verb=OperatorVerb.CANCEL, case_id=case_id, why=reason)
        with one_act(sessions) as session:
            proposal = operate(session, act, by=operator(), now=datetime.now(UTC))
        click.echo(said("已结束", proposal))

    @click.command("erase-case")
    @click.argument("case_id")
    @click.confirmation_option(prompt="销毁后任何人都无法再读出这个案件的内容，继续吗？")
    def erase(case_id: str) -> None:
        """销毁已结束案件的数据密钥：内容和影像从此不可读，流水的哈希链仍可核对。"""
        with one_act(sessions) as session:
            erase_case(session, case_id, now=datetime.now(UTC))
        click.echo("已销毁")

    @click.command("revoke-credential")
    @click.argument("credential_id")
    @click.option("--reason", required=True, help="原因代码，如 forged_document")
    def revoke(credential_id: str, reason: str) -> None:
        """吊销一个有效的实名凭证。"""
        with one_act(sessions) as session:
            revoke_credential(session, credential_id, reason, datetime.now(UTC))
        click.echo("已吊销")

    return cancel, erase, revoke


def said(done: str, proposal: str | None) -> str:
    """What to tell after an act that was done, or proposed."""
    return done if proposal is None else f"须另一名管理员复核，提议 {proposal}"


def operator() -> Actor:
    """Whoever is at the machine; the console's accounts come with the operations pages."""
    return Actor(f"operator:{getpass.getuser()}")


def _words(code: str) -> str:
    text = KNOWN.get(code)
    return {**_CASE_WORDS, **_OTHER_WORDS}.get(code) or (f"{text.title}：{text.detail}" if text else code)


@contextmanager
def one_act(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One transaction; a refusal is said in words."""
    try:
        with transaction(sessions) as session:
            yield session
    except (EngineError, Refused) as refused:
        raise click.ClickException(_words(refused.code)) from refused
