"""机构补增: wherever the applicant was asked for something and nobody comes back, the application expires."""

from __future__ import annotations

from datetime import timedelta

from tests.flows.institution_admission.cases import VERSION, in_the_library, registers, somebody_with_phone
from tests.flows.story import Story, Town

MONTH = timedelta(days=30)


def expires(story: Story, element: str) -> None:
    assert story.waits_for(element)

    story.passes(MONTH)

    assert story.outcome == "expired"
    assert story.is_sound()


def test_an_agreement_nobody_reads_expires(province: Town) -> None:
    expires(province.start("institution_admission", somebody_with_phone(province)), "agreement")


def test_a_form_nobody_fills_in_expires(province: Town) -> None:
    story = province.start("institution_admission", somebody_with_phone(province))
    story.completes("agreement", agreement=VERSION)

    expires(story, "information")


def test_a_name_close_to_another_that_nobody_explains_expires(province: Town) -> None:
    in_the_library(province, "武汉市江汉区仁爱医院")

    expires(registers(province, institution_name="武汉市江汉区仁爱医院常青分院"), "explain")
