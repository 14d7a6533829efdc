"""Any order of verbs, by hypothesis: the register never contradicts itself, and a refusal changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from domain.grants.business import Business
from domain.grants.code import GrantCode, expire_code, extend_code, free_code, issue_code, live_code, reserve_code
from domain.grants.grant import GrantState, begin_tenure, changes_of, enable, find_grant, resume, suspend
from domain.grants.holder import (
    GrantHolder,
    HolderRole,
    add_auxiliary,
    auxiliaries_of,
    business_groups,
    held_now,
    remove_auxiliary,
)
from domain.grants.tenure import activate, end_tenure, transfer
from domain.refused import Refused
from migrations.tables import every_table
from storage import vault
from storage.columns import Base, new_id
from tests.domain.granting import BUSINESS, a_grant, a_person, a_province

PEOPLE = st.integers(0, 3)
ALLOWED = {
    ("NONE", "ISSUED"), ("ISSUED", "ISSUED"), ("ISSUED", "NONE"), ("NONE", "ACTIVE"), ("ISSUED", "ACTIVE"),
    ("ACTIVE", "SUSPENDED"), ("SUSPENDED", "ACTIVE"), ("ACTIVE", "NONE"), ("SUSPENDED", "NONE"),
    ("NONE", "STOPPED"), ("ISSUED", "STOPPED"), ("ACTIVE", "STOPPED"), ("SUSPENDED", "STOPPED"), ("STOPPED", "NONE"),
}  # fmt: skip


class GrantLife(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        vault.use(vault.Vault(bytes(range(32))))
        every_table()
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.session = Session(self.engine, expire_on_commit=False, autoflush=False)
        self.now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        a_province(self.session, self.now)
        self.session.get(Business, BUSINESS).max_auxiliaries = 2
        self.people = [a_person(self.session, self.now, number) for number in range(1, 4)] + [new_id()]
        self.grant_id = a_grant(self.session, self.now).id
        self.session.commit()

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()
            self.engine.dispose()

    def attempt(self, verb, *arguments, **options) -> None:
        """The verb in a transaction of its own; after a refusal everything is as it was."""
        before = self.picture()
        try:
            verb(self.session, self.grant_id, *arguments, **options)
            self.session.commit()
        except Refused:
            self.session.rollback()
            self.session.expire_all()
            assert self.picture() == before

    def picture(self) -> tuple:
        grant = find_grant(self.session, self.grant_id)
        live = live_code(self.session, self.grant_id)
        held = [(holder.person_id, holder.role) for holder in self.session.scalars(held_now(self.grant_id))]
        return grant.state, grant.manager_person_id, grant.case_id, grant.tenure, live and (live.id, live.state), held

    @rule()
    def tenure_begins(self) -> None:
        self.attempt(begin_tenure, new_id(), self.now)

    @rule()
    def code_is_issued(self) -> None:
        self.attempt(issue_code, by="unit", now=self.now)

    @rule()
    def code_is_extended(self) -> None:
        self.attempt(extend_code, now=self.now)

    @rule(days=st.integers(1, 31))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.attempt(expire_code, now=self.now)

    @rule(person=PEOPLE)
    def code_is_reserved(self, person: int) -> None:
        if person < 3:
            self.attempt(reserve_code, self.people[person], self.now)

    @rule()
    def code_is_freed(self) -> None:
        self.attempt(free_code, self.now)

    @rule(person=PEOPLE)
    def person_becomes_manager(self, person: int) -> None:
        self.attempt(activate, self.people[person], by="unit", why="direct", now=self.now)

    @rule(person=PEOPLE, keep=st.booleans())
    def grant_is_transferred(self, person: int, keep: bool) -> None:
        self.attempt(transfer, self.people[person], keep_auxiliaries=keep, by="unit", why="transfer", now=self.now)

    @rule(person=PEOPLE)
    def auxiliary_comes(self, person: int) -> None:
        self.attempt(add_auxiliary, self.people[person], by="unit", why="unit", now=self.now)

    @rule(person=PEOPLE)
    def auxiliary_goes(self, person: int) -> None:
        self.attempt(remove_auxiliary, self.people[person], by="unit", why="unit", now=self.now)

    @rule()
    def grant_is_suspended(self) -> None:
        self.attempt(suspend, by="unit", why="unit", now=self.now)

    @rule()
    def grant_is_resumed(self) -> None:
        self.attempt(resume, by="unit", why="unit", now=self.now)

    @rule(stop=st.booleans())
    def tenure_ends(self, stop: bool) -> None:
        self.attempt(end_tenure, why="replaced", by="unit", now=self.now, stop=stop)

    @rule()
    def grant_is_enabled(self) -> None:
        self.attempt(enable, by="unit", why="unit", now=self.now)

    @invariant()
    def state_code_and_holders_agree(self) -> None:
        if not hasattr(self, "session"):
            return
        grant = find_grant(self.session, self.grant_id)
        managers = list(self.session.scalars(held_now(self.grant_id, HolderRole.MANAGER)))
        assert (live_code(self.session, self.grant_id) is not None) == (grant.state == GrantState.ISSUED)
        assert [holder.person_id for holder in managers] == (
            [grant.manager_person_id] if grant.manager_person_id else []
        )
        assert bool(managers) == (grant.state in (GrantState.ACTIVE, GrantState.SUSPENDED))
        assert managers or not auxiliaries_of(self.session, self.grant_id)
        assert len(auxiliaries_of(self.session, self.grant_id)) <= 2
        if grant.state in (GrantState.ISSUED, GrantState.ACTIVE, GrantState.SUSPENDED):
            assert grant.case_id is not None
        if grant.state == GrantState.STOPPED:
            assert grant.case_id is None

    @invariant()
    def only_holders_of_an_active_grant_are_in_its_group(self) -> None:
        if not hasattr(self, "session"):
            return
        grant = find_grant(self.session, self.grant_id)
        held = {holder.person_id for holder in self.session.scalars(held_now(self.grant_id))}
        for person in self.people:
            assert bool(business_groups(self.session, person)) == (grant.state == GrantState.ACTIVE and person in held)

    @invariant()
    def history_is_a_way_through_the_states(self) -> None:
        if not hasattr(self, "session"):
            return
        steps = [(change.was, change.became) for change in changes_of(self.session, self.grant_id)]
        assert set(steps) <= ALLOWED
        for holder in self.session.scalars(select(GrantHolder)):
            assert holder.until_at is None or (holder.from_at <= holder.until_at and holder.ended_why)

    @invariant()
    def dead_codes_are_wiped(self) -> None:
        if hasattr(self, "session"):
            for code in self.session.scalars(select(GrantCode)):
                assert (code.sealed is not None) == (code.state in ("OPEN", "RESERVED"))


TestGrantLife = GrantLife.TestCase
TestGrantLife.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
