"""What several service tasks of 机构补增 are given."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from domain.institutions.category import Category


class Need(StrEnum):
    """What required_documents.dmn says of a number: NONE means that this category has no such document."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


class Relation(StrEnum):
    """What the applicant says of the admitted institutions that are like theirs."""

    BRANCH = "branch"
    DIFFERENT = "different"


class Explained(BaseModel):
    """An explanation holds for the name it was given for."""

    institution_name: str
    relation: Relation
    explanation: str


class RegistrationParameters(BaseModel):
    """The form 信息登记 as it was filled in, with what its category needs."""

    institution_name: str
    category: Category
    supervising_unit: str
    address: str = ""
    credit_code: str | None = None
    licence_number: str | None = None
    filing_number: str | None = None
    applicant_name: str = ""
    applicant_phone: str = ""
    needs_credit_code: Need = Need.OPTIONAL
    needs_licence: Need = Need.OPTIONAL
    needs_filing: Need = Need.OPTIONAL
    explained: Explained | None = None

    @property
    def numbers(self) -> dict[str, str | None]:
        """The three numbers by field; one that this category has no document for counts as not given."""
        given = (
            ("credit_code", self.credit_code, self.needs_credit_code),
            ("licence_number", self.licence_number, self.needs_licence),
            ("filing_number", self.filing_number, self.needs_filing),
        )
        return {name: number if need is not Need.NONE else None for name, number, need in given}

    @property
    def explanation(self) -> Explained | None:
        """The explanation, if it was given for this very name."""
        said = self.explained
        return said if said is not None and said.institution_name == self.institution_name else None
