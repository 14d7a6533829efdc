"""Institutions: bodies admitted to the platform. Name and credit code are unique, and the unique indexes settle every race.

Who applied (name and phone) is encrypted with the institution's own data key and found by keyed hash.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, Bytes, Id, UtcTime, new_id
from domain.institution_category import Category
from domain.unit import Unit


class InstitutionState(StrEnum):
    """SUSPENDED: nothing new may be granted. REMOVED: closed, or merged into another; its name stays taken."""

    ADMITTED = "ADMITTED"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


class Institution(Base):
    """name_key: the name as compared (domain/institution_name.py). code: 机构编码, division + running number, fixed.

    unit_code: the unit this institution is, None for any other body. confirmation_code: 机构确认码, free text.
    revision counts changes, so that two people editing at once notice. merged_into: where it went, if REMOVED by a merger.
    """

    __tablename__ = "institution"
    __table_args__ = (
        Index("uq_institution_name_key", "name_key", unique=True),
        Index("uq_institution_credit_code", "credit_code", unique=True),
        Index("uq_institution_code", "code", unique=True),
        Index("uq_institution_unit_code", "unit_code", unique=True),
        Index("ix_institution_supervising_unit", "supervising_unit", "id"),
        Index("ix_institution_contact_phone_hash", "contact_phone_hash"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    credit_code: Mapped[str | None] = mapped_column(String(18))
    licence_number: Mapped[str | None] = mapped_column(String(22))
    filing_number: Mapped[str | None] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(300), default="")
    supervising_unit: Mapped[str] = mapped_column(ForeignKey(Unit.code))
    category: Mapped[Category] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(12))
    confirmation_code: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[InstitutionState] = mapped_column(String(10), default=InstitutionState.ADMITTED)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey(Unit.code))
    contact_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    contact_phone_hash: Mapped[str | None] = mapped_column(String(64))
    case_id: Mapped[str | None] = mapped_column(Id)
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("institution.id"))
    revision: Mapped[int] = mapped_column(default=1)
    admitted_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


class InstitutionChangeKind(StrEnum):
    ADMITTED = "ADMITTED"
    EDITED = "EDITED"
    SUSPENDED = "SUSPENDED"
    RESUMED = "RESUMED"
    REMOVED = "REMOVED"
    MERGED = "MERGED"


class InstitutionChange(Base):
    """One line of an institution's history. sealed: JSON {"reason", "fields": {name: [before, after]}}. by: account id."""

    __tablename__ = "institution_change"
    __table_args__ = (Index("ix_institution_change_institution_id", "institution_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    institution_id: Mapped[str] = mapped_column(ForeignKey("institution.id"))
    kind: Mapped[InstitutionChangeKind] = mapped_column(String(10))
    by: Mapped[str | None] = mapped_column(Id)
    sealed: Mapped[bytes] = mapped_column(Bytes)
    at: Mapped[datetime] = mapped_column(UtcTime)


class InstitutionNumber(Base):
    """The last running number given in a division; its row is locked until the admission commits."""

    __tablename__ = "institution_number"

    division: Mapped[str] = mapped_column(String(6), primary_key=True)
    last: Mapped[int]


class NameClue(Base):
    """What an admitted institution's name is found by when it is written a little differently (domain/institution_search.py)."""

    __tablename__ = "name_clue"
    __table_args__ = ({"sqlite_with_rowid": False},)

    clue: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    institution_id: Mapped[str] = mapped_column(
        ForeignKey("institution.id", ondelete="CASCADE"), primary_key=True, index=True
    )
