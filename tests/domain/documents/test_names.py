"""Names: what counts as one name, and that normalising settles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.documents.names import NameAgreement, compare_names, mrz_spellings, normalise_name

DOTS = "·•‧∙⋅・．"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("张三", "张三"),
        (" 张 三 ", "张三"),
        ("阿卜杜拉·买买提", "阿卜杜拉・买买提"),
        ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉买买提", "阿卜杜拉·买买提"),
        ("Erik Müller", "MUELLER<<ERIK"),
        ("Erik Müller", "MULLER ERIK"),
        ("O'Connor Anna-Maria", "OCONNOR<<ANNA<MARIA"),
        ("José García López", "GARCIA LOPEZ JOSE"),
        ("chan tai man", "CHAN<<TAI<MAN"),
        ("Strauß Jörg", "STRAUSS<<JOERG"),
    ],
)
def test_the_same_name(typed: str, read: str) -> None:
    assert compare_names(typed, read) is NameAgreement.SAME


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("张三", "张叁"),
        ("张悦", "张悅"),  # a traditional slip is the reader's to mend, not the comparison's
        ("王喆", "王哲"),
        ("Erik Müller", "MUELLER<<ERIKA"),
        ("CHAN TAI MAN", "CHAN TAI"),
    ],
)
def test_another_name(typed: str, read: str) -> None:
    assert compare_names(typed, read) is NameAgreement.DIFFERENT


@pytest.mark.parametrize("read", [None, "", "  ", "ZHANG<<SAN"])
def test_no_answer_without_a_reading_in_the_same_script(read: str | None) -> None:
    assert compare_names("张三", read) is NameAgreement.UNREAD


def test_a_name_cut_by_the_mrz_is_the_same() -> None:
    long_name = "PAPATHEODOROPOULOS CONSTANTINOS ALEXANDROS GEORGIOS"

    assert compare_names(long_name, "PAPATHEODOROPOULOS<<CONSTANTINOS<ALEXAN") is NameAgreement.SAME
    assert compare_names(long_name, "PAPATHEODOROPOULOS<<CONSTANTINOS") is NameAgreement.DIFFERENT


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(name: str) -> None:
    once = normalise_name(name)

    assert normalise_name(once) == once


@given(st.text(alphabet="阿卜杜拉买提艾力江", min_size=1, max_size=8), st.sampled_from(DOTS), st.sampled_from(DOTS))
def test_every_dot_means_the_same_name(part: str, one: str, other: str) -> None:
    assert normalise_name(f"{part}{one}{part}") == normalise_name(f"{part} {other} {part}")


@given(st.text(min_size=1, max_size=30))
def test_every_readable_name_agrees_with_itself(name: str) -> None:
    assert compare_names(name, name) in {NameAgreement.SAME, NameAgreement.UNREAD}
    if normalise_name(name):
        assert compare_names(name, name) is NameAgreement.SAME


def test_many_umlauts_do_not_explode() -> None:
    assert len(mrz_spellings("Ü" * 80)) <= 256
