"""Words of 机构补增 that its stories share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from composition import declare_service_tasks
from config import ROOT
from domain.accounts.phone_account import find_or_create_phone_account
from domain.admissions.record import ApplicationRecord, read_opinion
from domain.imports.unit_seed import seed_units
from domain.institutions.category import Category
from domain.institutions.credit_code import check_character, organisation_check_character
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.institutions.name import name_key
from domain.notice import Notice, read_notice
from domain.units.unit import unit_group
from engine.actors import Actor
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from migrations.tables import every_table
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.flows.story import Story, Town

FLOW = ROOT / "bpmn" / "institution_admission"
VERSION = "admit_institution/2026-01"
PROVINCE, WUHAN, JIANGAN, JIANGHAN = "420000", "420100", "420102", "420103"
PHONE = "13812345678"


def clerk_of(*units: str) -> Actor:
    """Somebody of a unit's staff. units: the unit and those below it that matter to the story."""
    return Actor(f"clerk-{units[0]}", frozenset(unit_group(unit) for unit in units))


CLERK = clerk_of(JIANGHAN)


def a_town(folder: Path, now: datetime) -> Path:
    """An SQLite file with every table, the units of the province and the flow."""
    every_table()
    declare_service_tasks(ROOT / "bpmn")
    engine = make_engine(f"sqlite:///{folder / 'admissions.db'}")
    Base.metadata.create_all(engine)
    with transaction(session_factory(engine)) as session:
        seed_units(session, now)
        deploy_flow(session, load_flow(FLOW), by=Actor("analyst"), reason="tests", now=now)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return folder / "admissions.db"


def a_credit_code(number: int = 1, division: str = JIANGHAN, kind: str = "12") -> str:
    """A valid code with a valid organisation code inside."""
    first = f"{number:08d}"
    body = f"{kind}{division}{first}{organisation_check_character(first)}"
    return body + check_character(body)


def a_licence(credit_code: str, division: str = JIANGHAN) -> str:
    return f"{credit_code[8:17]}{division}11A1001"


def a_registration(**values: Any) -> dict[str, Any]:
    """江汉区仁爱医院, as its applicant fills in the form. None leaves a field empty."""
    code = a_credit_code()
    typed = {
        "institution_name": "武汉市江汉区仁爱医院",
        "category": "hospital",
        "supervising_unit": JIANGHAN,
        "address": "武汉市江汉区解放大道 100 号",
        "credit_code": code,
        "licence_number": a_licence(code),
        "applicant_name": "王小明",
        "applicant_phone": PHONE,
        **values,
    }
    return {name: value for name, value in typed.items() if value is not None}


def a_stamp(**found: Any) -> dict[str, Any]:
    """What `document.read_stamped_form` gives for a good form, made by hand."""
    return {
        "text_lines": ["单位用户注册申请表", "机构名称 武汉市江汉区仁爱医院"],
        "has_red_seal": True,
        "seal_text": "武汉市江汉区仁爱医院",
        "seal_agreement": "same",
        "text_agreement": "same",
        "findings": [],
        **found,
    }


def somebody_with_phone(town: Town, phone: str = PHONE) -> Actor:
    """Somebody who proved a phone on the portal."""
    with town.writing() as session:
        account = find_or_create_phone_account(session, phone, town.now)
        return Actor(account.id, frozenset({"phone_applicant"}))


def registers(town: Town, by: Actor | None = None, **values: Any) -> Story:
    """A case whose applicant has agreed and filled in the form."""
    by = by or somebody_with_phone(town, values.get("applicant_phone", PHONE))
    return at_the_form(town, by).completes("information", **a_registration(**values))


def uploads(story: Story, **found: Any) -> Story:
    """The stamped form is uploaded and read."""
    story.completes("stamped_form", stamped_form=story.photo())
    story.job("document.read_stamped_form").returns(a_stamp(**found))
    return story


def applies(town: Town, by: Actor | None = None, **values: Any) -> Story:
    """An application that waits for its reviewer."""
    story = uploads(registers(town, by, **values))
    assert story.waits_for("review")
    return story


def in_the_library(town: Town, name: str, *, unit: str = JIANGHAN, credit_code: str | None = None) -> str:
    """Id of an institution that was admitted earlier."""
    new = NewInstitution(name=name, supervising_unit=unit, category=Category.HOSPITAL, credit_code=credit_code)
    with town.writing() as session:
        return admit_institution(session, new, case_id=None, by=None, now=town.now).id


def institution_named(town: Town, name: str) -> Institution | None:
    with town.sessions() as session:
        return session.scalar(select(Institution).where(Institution.name_key == name_key(name)))


def institutions(town: Town) -> int:
    """How many are in the library besides the units' own."""
    with town.sessions() as session:
        others = select(func.count()).where(Institution.unit_code.is_(None)).select_from(Institution)
        return session.scalar(others) or 0


def listed(story: Story) -> tuple[str, str | None] | None:
    """State and opinion as the portal's search has them; None before the application was handed in."""
    with story.town.sessions() as session:
        record = session.get(ApplicationRecord, story.case_id)
        return (record.state, read_opinion(session, record)) if record else None


def remarks(story: Story) -> list[str]:
    """What the reviewer is told to look at."""
    return list(story.variables["brief"]["remarks"])


def notices(story: Story) -> list[str]:
    """`what → whom`, in order; the starter is not named."""
    with story.town.sessions() as session:
        rows = session.scalars(select(Notice).where(Notice.case_id == story.case_id).order_by(Notice.id))
        return [
            row.template.removeprefix("institution_admission.") + (f" → {row.group_key}" if row.group_key else "")
            for row in rows
        ]


def notice_text(story: Story, template: str) -> str:
    with story.town.sessions() as session:
        wanted = Notice.case_id == story.case_id, Notice.template == f"institution_admission.{template}"
        return read_notice(session, session.scalars(select(Notice).where(*wanted)).one()).text


def at_the_form(town: Town, by: Actor | None = None) -> Story:
    """A case whose applicant has agreed."""
    story = town.start("institution_admission", by or somebody_with_phone(town))
    return story.completes("agreement", agreement=VERSION)


def standing_at(town: Town, stage: str) -> Story:
    """A case that stands at this element."""
    if stage == "agreement":
        story = town.start("institution_admission", somebody_with_phone(town))
    elif stage == "information":
        story = at_the_form(town)
    elif stage in {"stamped_form", "read_form"}:
        story = registers(town)
        if stage == "read_form":
            story.completes("stamped_form", stamped_form=story.photo())
    else:
        story = applies(town)
        if stage == "amend":
            story.completes(
                "review", by=CLERK, review_decision="return", defects=["form_incomplete"], opinion="请填写完整"
            )
    assert story.waits_for(stage)
    return story
