"""Who acts for what: the groups an account carries, worked out anew at every request, and the accounts behind a group.

Nothing here is stored: who loses a grant, a unit or a credential has lost its groups when that transaction commits.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from domain.accounts.account import APPLICANT_GROUP, PHONE_APPLICANT_GROUP, Account, AccountGroup, AccountKind
from domain.credentials.credential import Credential, CredentialState
from domain.grants.business import UNIT_ADMINISTRATION, business_group
from domain.grants.holder import administered_units, business_groups, clerks_of_units, persons_of_group
from domain.units.unit import UNIT_GROUP, subtrees, unit_group

PERSON_GROUP = "person:"
_OF_KIND = {
    AccountKind.WECHAT: {APPLICANT_GROUP},
    AccountKind.PHONE: {PHONE_APPLICANT_GROUP},
    AccountKind.CONSOLE: set(),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account's groups follow from. person_id: only of an account with a valid credential, see `is_verified`."""

    kind: AccountKind
    person_id: str | None
    unit_code: str | None


def acting_groups(session: Session, account_id: str) -> frozenset[str]:
    """The groups an actor of this account carries; empty for an unknown or disabled account.

    Its rows of account_group; `applicant` or `phone_applicant`; `person:<id>` of a verified person and `business:…` of that
    person's active grants; `unit:<code>` of every unit the account or the person acts for, and of all below.
    """
    row = session.execute(
        select(Account.kind, Account.person_id, Account.unit_code, Account.disabled_at, is_verified().label("verified"))
        .where(Account.id == account_id)
    ).one_or_none()  # fmt: skip
    if row is None or row.disabled_at is not None:
        return frozenset()
    kept = frozenset(session.scalars(select(AccountGroup.group_key).where(AccountGroup.account_id == account_id)))
    standing = Standing(AccountKind(row.kind), row.person_id if row.verified else None, row.unit_code)
    return kept | groups_by_standing(session, standing)


def groups_by_standing(session: Session, standing: Standing) -> frozenset[str]:
    """The groups that follow from who an account is. No statement for one with neither person nor unit, at most three else."""
    groups = set(_OF_KIND[standing.kind])
    units = {standing.unit_code} if standing.unit_code else set()
    if standing.person_id is not None:
        businesses = business_groups(session, standing.person_id)
        groups |= {person_group(standing.person_id), *businesses}
        if any(group.startswith(business_group(UNIT_ADMINISTRATION, "")) for group in businesses):
            units |= administered_units(session, standing.person_id)
    if units:
        groups |= {unit_group(code) for code in subtrees(session, units)}
    return frozenset(groups)


def is_verified() -> ColumnElement[bool]:
    """For a SELECT from account: whether it holds a valid credential."""
    return exists().where(Credential.account_id == Account.id, Credential.state == CredentialState.VALID)


def accounts_of_same_person(session: Session, account_id: str) -> frozenset[str]:
    """Ids of the accounts that are or were one human's: those of every person this account is or ever was verified as.

    Credentials that have ended count: who did something with an account did it, whatever became of the account. One statement.
    """
    now = select(Account.person_id).where(Account.id == account_id, Account.person_id.is_not(None))
    persons = now.union(select(Credential.person_id).where(Credential.account_id == account_id)).cte("persons")
    theirs = select(persons.c.person_id).scalar_subquery()
    held = select(Account.id).where(Account.person_id.in_(theirs))
    ever = select(Credential.account_id).where(Credential.person_id.in_(theirs))
    return frozenset({account_id, *session.scalars(held.union(ever))})


def person_group(person_id: str) -> str:
    """The group of one verified person, whatever account it is that holds the credential."""
    return PERSON_GROUP + person_id


def accounts_of_group(session: Session, group_key: str) -> list[str]:
    """Ids of the accounts a notice to this group goes to, each once.

    `unit:X`: those who act for exactly X, not for a unit above. `applicant` and `phone_applicant` are everybody: [].
    """
    if group_key in {APPLICANT_GROUP, PHONE_APPLICANT_GROUP}:
        return []
    wanted: ColumnElement[bool] = Account.id.in_(
        select(AccountGroup.account_id).where(AccountGroup.group_key == group_key)
    )
    kind, _, rest = group_key.partition(":")
    if group_key.startswith(UNIT_GROUP):
        wanted |= (Account.unit_code == rest) | _of_persons(clerks_of_units(session, [rest]))
    elif group_key.startswith(PERSON_GROUP):
        wanted |= _of_persons([rest])
    elif kind == "business":
        wanted |= _of_persons(persons_of_group(session, group_key))
    return list(session.scalars(select(Account.id).where(wanted, Account.disabled_at.is_(None)).order_by(Account.id)))


def _of_persons(person_ids: list[str]) -> ColumnElement[bool]:
    return Account.person_id.in_(person_ids) & is_verified()
