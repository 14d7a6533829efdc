"""Words of 业务授权 that its stories share: a province with a county hospital, its clerk and verified people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from domain.accounts.account import Account, AccountKind
from domain.acting import acting_groups, unit_group
from domain.credentials.consent import Purpose, give_consent, standing_consent
from domain.credentials.credential import (
    VerifiedBy,
    expire_credentials,
    revoke_credential,
    valid_credential_of,
    withdraw_credential,
)
from domain.credentials.issuing import Verification, issue_credential
from domain.grants.attempts import refuse_locked
from domain.grants.business import seed_businesses
from domain.grants.code import find_redeemable
from domain.grants.grant import BusinessGrant, GrantState, enable, ensure_grant, find_grant
from domain.grants.holder import HolderRole, auxiliaries_of, holders_of
from domain.grants.tenure import reserved_person
from domain.institutions.category import Category
from domain.institutions.institution import NewInstitution, admit_institution
from domain.notice import Notice, read_notice
from domain.persons.person import identity, keep_portrait
from domain.units.unit import Unit, UnitLevel
from engine.actors import Actor
from engine.cases.start import start_case
from engine.inputs import JobFailed
from engine.messages.delivery import deliver_outbox
from engine.messages.send import send_message
from engine.model.tables import CASE, WAITING
from engine.replay.rebuild import read_inputs
from engine.work_items.acts import complete_work_item
from storage.columns import new_id
from tests.domain.granting import shown_code
from tests.flows.readings import a_reading, a_selfie_match, a_small_photo
from tests.flows.story import Story, Town

COUNTY, CITY, PROVINCE = "420106", "420100", "420000"
NURSES = "nurse_exam_review"
DESK = "business_grant.desk"
AGREED = {"face_choice": "agree", "face_consent_version": "compare_face/2026-11"}
# Valid numbers of people who do not exist (GB 11643 check digit).
NUMBERS = {
    "王强": "420106198001011237",
    "李梅": "420106198502022348",
    "赵云": "420106199003033450",
    "孙静": "42010619920404456X",
}


@dataclass(frozen=True, slots=True)
class Someone:
    """A verified person with a WeChat account."""

    name: str
    account: str
    person: str


@dataclass
class Hospital:
    """A county hospital, and the grant of 护士执业资格考试报名审核 to it."""

    town: Town
    institution: str
    grant: str
    clerk: Actor

    def actor(self, account: str) -> Actor:
        """With the groups the account carries now."""
        with self.town.sessions() as session:
            return Actor(account, acting_groups(session, account))

    def register(self) -> BusinessGrant:
        with self.town.sessions() as session:
            return find_grant(session, self.grant)

    @property
    def state(self) -> str:
        return str(self.register().state)

    @property
    def code(self) -> str | None:
        with self.town.sessions() as session:
            return shown_code(session, self.grant)

    def reserved_by(self) -> str | None:
        with self.town.sessions() as session:
            return reserved_person(session, self.grant)

    def looks_code_up(self, by: Someone) -> str:
        """What entering the live code first asks the register; the grant's id."""
        assert self.code is not None
        with self.town.sessions() as session:
            refuse_locked(session, by.person, self.institution, self.town.now)
            return find_redeemable(session, self.code, self.town.now, person_id=by.person).id

    def holders(self) -> list[tuple[str, str, str, str]]:
        """Role, person, why and by whom, newest first."""
        with self.town.sessions() as session:
            rows = holders_of(session, self.grant)
            return [(str(row.role), row.person_id, row.given_why, row.given_by) for row in rows]

    def auxiliaries(self) -> list[str]:
        with self.town.sessions() as session:
            return list(auxiliaries_of(session, self.grant))

    def ended_why(self, someone: Someone, role: HolderRole) -> str | None:
        with self.town.sessions() as session:
            rows = holders_of(session, self.grant)
            return next(row.ended_why for row in rows if (row.person_id, row.role) == (someone.person, role))

    def enables(self) -> None:
        with self.town.writing() as session:
            enable(session, self.grant, by=self.clerk.id, why="unit", now=self.town.now)

    def another_county(self, session: Session) -> str:
        session.add(Unit(code="420102", name="江岸区卫生健康局", level=UnitLevel.COUNTY, parent_code=CITY))
        session.flush()
        return "420102"

    def begins(self, how: str = "code", **values: Any) -> Tenure:
        """The unit's clerk starts a tenure."""
        facts = {"grant": self.grant, "institution": self.institution, "business": NURSES, "unit": COUNTY, "how": how}
        by = Actor(self.clerk.id, frozenset({DESK}))
        with self.town.writing() as session:
            case_id = start_case(session, "business_grant", by=by, values={**facts, **values}, now=self.town.now)
        return Tenure(self.town, case_id, self.clerk, self)

    def last_case(self) -> Tenure:
        """The case begun last."""
        with self.town.sessions() as session:
            newest = select(CASE.c.id).where(CASE.c.flow_key == "business_grant").order_by(text("rowid DESC")).limit(1)
            return Tenure(self.town, session.execute(newest).scalar_one(), self.clerk, self)

    def running(self) -> Tenure:
        """The tenure whose case carries the grant now."""
        case_id = self.register().case_id
        assert case_id is not None
        return Tenure(self.town, case_id, self.clerk, self)


@dataclass
class Tenure(Story):
    """One case of business_grant."""

    hospital: Hospital

    def tells(
        self, message: str, by: Actor | Someone, *, correlation: str = "", as_is: bool = False, **payload: Any
    ) -> Tenure:
        """A message as the grants' own endpoints send it; as_is: without the desk's group, as anybody might."""
        actor = self.hospital.actor(by.account) if isinstance(by, Someone) else by
        if not as_is:
            actor = Actor(actor.id, actor.groups | {DESK})
        with self.town.writing() as session:
            send_message(
                session, self.case_id, message, by=actor, payload=payload, now=self.town.now, correlation=correlation
            )
        return self

    def fills(self, form: str, by: Someone | Actor, **values: Any) -> Tenure:
        actor = self.hospital.actor(by.account) if isinstance(by, Someone) else by
        self.completes(form, by=actor, **values)
        return self

    def shows_face(self, by: Someone, band: str = "same", *, may_pass: bool = True) -> Tenure:
        """Consent, then a selfie compared with the portrait that was kept."""
        if "face_consent" in self.open_forms():
            self.fills("face_consent", by, **AGREED)
        self.fills("selfie", by, selfie=self.photo())
        self.job("face.match").returns(a_selfie_match(band, may_pass=may_pass))
        return self

    def redeemed_by(self, person: Someone) -> Tenure:
        return self.tells("redeem", person, person=person.person, account=person.account)

    def transfers(self, by: Someone, to: Someone, *, keep_auxiliaries: bool = True) -> Tenure:
        return self.tells("transfer", by, target=to.person, account=by.account, keep_auxiliaries=keep_auxiliaries)

    def has_auxiliary(self, manager: Someone, someone: Someone) -> Tenure:
        self.tells("add_auxiliary", manager, target=someone.person, account=manager.account).shows_face(manager)
        return self.fills("accept", someone, answer="accept")

    def accepts_as(self, someone: Someone) -> Tenure:
        """Where several are asked at once."""
        actor = self.hospital.actor(someone.account)
        wanted = WAITING.c.group_name == f"person:{someone.person}", WAITING.c.form == "accept"
        with self.town.writing() as session:
            item = session.execute(select(WAITING.c.id).where(self._mine(), *wanted)).scalar_one()
            complete_work_item(session, item, by=actor, values={"answer": "accept"}, now=self.town.now)
        return self

    def waits_for_code(self) -> bool:
        return self.outcome is None and self.hospital.state == GrantState.ISSUED

    def refusals(self) -> list[str]:
        """Codes of what the register said no to, in order."""
        with self.town.sessions() as session:
            return [given.code for given in read_inputs(session, self.case_id) if isinstance(given, JobFailed)]

    def notices(self) -> list[str]:
        """Template and recipient, in the order they were queued."""
        with self.town.sessions() as session:
            rows = session.scalars(select(Notice).where(Notice.case_id == self.case_id).order_by(text("rowid"))).all()
            return [f"{row.template.removeprefix('business_grant.')} → {row.group_key}" for row in rows]


def county(session: Session, town: Town) -> None:
    session.add(Unit(code=PROVINCE, name="湖北省卫生健康委员会", level=UnitLevel.PROVINCE, parent_code=None))
    session.flush()
    session.add(Unit(code=CITY, name="武汉市卫生健康委员会", level=UnitLevel.CITY, parent_code=PROVINCE))
    session.flush()
    session.add(Unit(code=COUNTY, name="武昌区卫生健康局", level=UnitLevel.COUNTY, parent_code=CITY))
    session.flush()
    seed_businesses(session, town.now)


def a_hospital(town: Town, name: str = "武昌区第一医院") -> Hospital:
    with town.writing() as session:
        county(session, town)
        new = NewInstitution(name=name, supervising_unit=COUNTY, category=Category.HOSPITAL)
        institution = admit_institution(session, new, case_id=None, by=None, now=town.now)
        grant = ensure_grant(session, institution.id, NURSES, town.now)
        return Hospital(town, institution.id, grant.id, a_clerk(session, town, COUNTY))


def a_clerk(session: Session, town: Town, unit: str) -> Actor:
    username = f"clerk-{unit}-{new_id().lower()}"
    account = Account(kind=AccountKind.CONSOLE, username=username, unit_code=unit, created_at=town.now)
    session.add(account)
    session.flush()
    return Actor(account.id, acting_groups(session, account.id) | {unit_group(unit)})


def a_visitor(town: Town) -> Someone:
    """Verified by a permit, not by a resident ID."""
    return a_person(town, "陈大文", document_type="hk_macau_permit", number="H12345678", portrait=False)


def a_person(
    town: Town, name: str, *, document_type: str = "resident_id", number: str | None = None, portrait: bool = True
) -> Someone:
    """Verified by `document_type`; portrait: whether they let the photo of their card be kept."""
    account = town.somebody(f"openid-{name}").id
    with town.writing() as session:
        verified = Verification(
            account_id=account,
            case_id="0" * 26,
            who=identity(name, document_type, number or NUMBERS[name]),
            verified_by=VerifiedBy.READING,
        )
        issued = issue_credential(session, verified, town.now)
        if portrait:
            give_consent(session, account, Purpose.KEEP_PORTRAIT, "keep_portrait/2026-01", town.now)
            consent = standing_consent(session, account, Purpose.KEEP_PORTRAIT)
            keep_portrait(session, issued.person_id, a_small_photo(180, 240), consent)
    return Someone(name, account, issued.person_id)


def a_card_of(person: Someone, **reading: Any) -> Mapping[str, Any]:
    """What `document.read` gives for the front of their card."""
    return a_reading(
        name=person.name, number=NUMBERS[person.name], pages=1, missing=("validity", "authority"), **reading
    )


def delivered(town: Town) -> None:
    """Messages between cases arrive."""
    deliver_outbox(town.sessions, town.now)


def loses_credential(town: Town, someone: Someone, how: str = "withdrawn") -> None:
    with town.writing() as session:
        if how == "withdrawn":
            withdraw_credential(session, someone.account, town.now)
            return
        credential = valid_credential_of(session, someone.account)
        assert credential is not None
        if how == "revoked":
            revoke_credential(session, credential.id, "reported", town.now)
        else:
            credential.valid_until = (town.now - timedelta(days=2)).date()
            session.flush()
            assert expire_credentials(session, town.now.date(), town.now) == 1


def notice_text(story: Story, template: str) -> str:
    with story.town.sessions() as session:
        wanted = select(Notice).where(Notice.case_id == story.case_id, Notice.template == f"business_grant.{template}")
        found = session.scalars(wanted.order_by(Notice.id)).first()
        assert found is not None, template
        return read_notice(session, found).text
