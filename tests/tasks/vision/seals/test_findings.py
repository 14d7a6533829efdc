"""What a reading of a form amounts to: a doubt is never held against anybody, another's name is never taken for one's own."""

from __future__ import annotations

import pytest

from domain.documents.reading_texts import WARNING_TEXTS
from tasks.vision.seals.findings import Expected, agreement, judge_form
from tasks.vision.seals.seal_text import SealText
from tasks.vision.seals.stamped_form import FormField, FormPage, FoundSeal, PageText

NAME = "仙桃市第一人民医院"
BOX = (0.1, 0.1, 0.2, 0.2)


def a_page(
    *seals: FoundSeal, name: str | None = NAME, sure: float = 0.99, copied: bool = False, **fields: str
) -> FormPage:
    texts = {"institution_name": name, **fields}
    read = {key: FormField(text, sure, BOX) for key, text in texts.items() if text}
    return FormPage(PageText(("单位用户注册申请表",) * 9, 9, read, True, 0), seals, copied)


def a_seal(text: str = NAME, confidence: float = 0.99, below: str = "") -> FoundSeal:
    return FoundSeal(BOX, SealText(text, confidence, 180.0, below))


@pytest.mark.parametrize(
    ("read", "confidence", "expected"),
    [
        (NAME, 0.99, "same"),
        (NAME, 0.81, "same"),
        (NAME, 0.5, "unread"),
        ("仙桃市　第一人民医院", 0.99, "same"),
        ("仙桃市第二人民医院", 0.999, "different"),
        ("仙桃市第二人民医院", 0.97, "unread"),
        ("仙桃市第一人民医学院", 0.97, "unread"),
        ("当阳市妇幼保健院", 0.95, "different"),
        ("当阳市妇幼保健院", 0.85, "unread"),
        ("", 0.99, "unread"),
        ("一", 0.99, "unread"),
    ],
)
def test_agreement(read, confidence, expected):
    assert agreement(read, confidence, NAME) == expected


def test_of_several_seals_the_institutions_own_counts():
    told = judge_form([a_page(a_seal("仙桃市卫生健康委员会", 0.999), a_seal(confidence=0.9))], Expected(NAME))

    assert told.seal_agreement == "same"
    assert told.warnings == ()


def test_the_seal_may_be_on_a_later_page():
    told = judge_form([a_page(), a_page(a_seal(), name=None)], Expected(NAME))

    assert told.seal_agreement == "same"
    assert told.seal is not None
    assert told.seal[0] == 2
    assert told.name is not None
    assert told.name[0] == 1


def test_what_was_read_unsurely_is_told_and_held_against_nobody():
    page = a_page(a_seal("仙桃市第二人民医院", 0.7), name="仙桃市第二人民医院", sure=0.7, applicant_name="王大明")

    told = judge_form([page], Expected(NAME, applicant_name="王小明"))

    assert (told.seal_agreement, told.text_agreement) == ("unread", "unread")
    assert told.findings == (
        "有红色圆形公章，但印文没有读清，请对照原图（读作“仙桃市第二人民医院”）。",
        "没有读清申请表上的机构名称，请对照原图。",
    )


def test_typed_values_are_compared_only_where_they_were_given_and_read():
    page = a_page(a_seal(), credit_code="12429004MB1A2B3C4D", applicant_name="王小明")

    agreeing = judge_form([page], Expected(NAME, "12429004mb1a2b3c4d", "王小明"))
    differing = judge_form([page], Expected(NAME, "91420100MA4KXXXX0X", "李四光"))
    not_given = judge_form([page], Expected(NAME))

    assert agreeing.warnings == not_given.warnings == ()
    assert differing.warnings == ("form_code_differs", "form_applicant_differs")


def test_every_warning_has_its_sentence_and_every_finding_its_warning():
    pages = [
        [a_page()],
        [a_page(copied=True)],
        [a_page(a_seal("当阳市妇幼保健院"), name="当阳市妇幼保健院")],
        [a_page(a_seal("", 0.0), name=None)],
        [a_page(a_seal(below="财务专用章"))],
        [FormPage(PageText((), 0, {}, False, 0), (), False)],
    ]

    told = [judge_form(one, Expected(NAME)) for one in pages]

    assert all(len(one.warnings) == len(one.findings) for one in told)
    assert {code for one in told for code in one.warnings} <= WARNING_TEXTS.keys()
    assert all(one.warnings for one in told)
