"""The parser of the resident ID, on lines as the recogniser gives them."""

from __future__ import annotations

import pytest

from tasks.vision.documents.fields import clean_name, number_in, read_back, read_front, simplified
from tasks.vision.text.ocr import TextLine

NUMBER = "11010519491231002X"
NOTHING = ("", 0.0)


def a_line(text: str, x: int, y: int, *, width: int = 200, confidence: float = 0.99) -> TextLine:
    """A line that begins at x, its middle at y."""
    return TextLine(text, confidence, (x, y - 20, x + width, y + 20), (x, y), (x + width, y))


def a_front(**changed: TextLine | None) -> list[TextLine]:
    lines = {
        "name": a_line("张三", 180, 92, width=90),
        "sex": a_line("男", 180, 172, width=40),
        "ethnicity": a_line("民族汉", 315, 172, width=150),
        "birth": a_line("1949年12月31日", 180, 248, width=360),
        "address": a_line("湖北省武汉市江岸区中山", 180, 324, width=420),
        "address_2": a_line("大道588号", 180, 376, width=180),
        "number": a_line(NUMBER, 352, 557, width=600),
    } | changed
    return [line for line in lines.values() if line is not None]


def nothing_more(box):
    return NOTHING


def values(lines, reread=nothing_more) -> dict[str, str]:
    return {name: field.value for name, field in read_front(lines, reread).items()}


def test_a_clean_front_gives_every_field():
    found = values(a_front())

    assert found == {
        "name": "张三",
        "sex": "男",
        "ethnicity": "汉",
        "birth": "1949-12-31",
        "address": "湖北省武汉市江岸区中山大道588号",
        "id_number": NUMBER,
    }


def test_full_width_digits_and_a_small_x_are_the_same_number():
    lines = a_front(number=a_line("１１０１０５１９４９１２３１００２ｘ", 352, 557, width=600))

    assert values(lines)["id_number"] == NUMBER


@pytest.mark.parametrize(
    "read",
    [
        "110105194912310021",  # wrong check digit
        "1101051949123100",  # two lost
        "11010519491231002X7",  # one too many: a window over it would fit
        "911010519491231002X",
        "11010519491331002X",  # month 13
    ],
)
def test_a_number_that_does_not_hold_as_a_whole_is_not_given(read):
    lines = a_front(number=a_line(read, 352, 557, width=600))

    assert "id_number" not in values(lines)


def test_two_readings_of_a_number_are_never_joined_to_one():
    halves = [a_line("110105194", 352, 540, width=290), a_line("912310027X", 660, 574, width=300)]

    found = values([line for line in a_front(number=None)] + halves)

    assert "id_number" not in found


def test_the_label_before_a_number_does_not_hide_it():
    assert number_in("公民身份号码" + NUMBER) == NUMBER
    assert number_in(NUMBER + "样本") is None


def test_a_lone_character_that_was_lost_is_read_again_in_its_own_place():
    asked = []

    def reread(box):
        asked.append(box)
        return ("女", 0.99) if box[0] < 300 else NOTHING

    found = values(a_front(sex=None), reread)

    assert found["sex"] == "女"
    assert len(asked) == 1
    left, top, right, bottom = asked[0]
    assert (left, right) == (164, 244)
    assert top < 172 < bottom


def test_a_misread_label_does_not_spoil_the_ethnicity_after_it():
    lines = a_front(ethnicity=a_line("民脑土家", 315, 172, width=190))

    assert values(lines)["ethnicity"] == "土家"


def test_an_ethnicity_that_does_not_exist_is_left_out():
    lines = a_front(ethnicity=a_line("民族俏", 315, 172, width=150))

    assert "ethnicity" not in values(lines)


def test_two_sexes_in_one_row_are_none():
    lines = a_front(sex=a_line("男女", 180, 172, width=80))

    assert "sex" not in values(lines)


@pytest.mark.parametrize("read", ["1949年13月31日", "1949年2月30日", "949年12月31日", "1849年12月31日", "1949年12月"])
def test_a_birth_that_is_no_date_is_left_out(read):
    lines = a_front(birth=a_line(read, 180, 248, width=360))

    assert "birth" not in values(lines)


def test_unsure_and_disagreeing_readings_of_a_field_leave_it_out():
    lines = a_front(sex=a_line("男", 180, 172, width=40, confidence=0.8))

    found = values(lines, lambda box: ("女", 0.95))

    assert "sex" not in found


def test_an_address_of_three_lines_is_joined_top_to_bottom_whatever_the_order_read():
    third = a_line("2501室", 180, 428, width=110)
    lines = [third, *reversed(a_front())]

    assert values(lines)["address"] == "湖北省武汉市江岸区中山大道588号2501室"


def test_an_address_line_that_begins_late_is_read_again_whole_or_left_out():
    late = a_line("北省武汉市江岸区中山", 222, 324, width=380)

    seen_again = values(a_front(address=late), lambda box: ("湖北省武汉市江岸区中山", 0.97))
    lost = values(a_front(address=late))

    assert seen_again["address"] == "湖北省武汉市江岸区中山大道588号"
    assert "address" not in lost


def test_one_misread_character_of_a_division_is_put_right_and_the_address_is_unsure():
    lines = a_front(address=a_line("湖北省武汉市研口区中山", 180, 324, width=420))

    address = read_front(lines, nothing_more)["address"]

    assert address.value == "湖北省武汉市硚口区中山大道588号"
    assert address.confidence < 0.85


def test_the_portrait_and_the_number_never_become_part_of_the_address():
    noise = [a_line("2", 660, 300, width=300), a_line(NUMBER, 352, 500, width=600)]

    found = values(a_front(number=None) + noise)

    assert found.get("address", "湖北省武汉市江岸区中山大道588号") == "湖北省武汉市江岸区中山大道588号"


def test_traditional_slips_are_put_right_but_standard_rare_characters_stay():
    assert simplified("王悅") == "王悦"
    assert simplified("漢") == "汉"
    assert simplified("李昇乾") == "李昇乾"


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("阿依努尔•买买提", "阿依努尔·买买提"),
        ("迪力木拉提.艾合买提", "迪力木拉提·艾合买提"),
        ("欧阳修", "欧阳修"),
        ("张喆堃", "张喆堃"),
        ("张3", None),
        ("李", None),
        ("ZHANG SAN", None),
    ],
)
def test_a_name_is_chinese_characters_with_one_kind_of_dot(read, name):
    assert clean_name(read) == name


def back(authority: str, validity: str, confidence: float = 0.99) -> dict[str, str]:
    lines = [
        a_line("签发机关", 224, 487, width=140),
        a_line(authority, 408, 487, width=380, confidence=confidence),
        a_line("有效期限", 224, 569, width=140),
        a_line(validity, 408, 569, width=390, confidence=confidence),
    ]
    return {name: field.value for name, field in read_back(lines, nothing_more).items()}


@pytest.mark.parametrize(
    ("read", "validity"),
    [
        ("2015.03.02-2035.03.02", "2015.03.02-2035.03.02"),
        ("2015.03.02—长期", "2015.03.02-长期"),
        ("2015.03.02-長期", "2015.03.02-长期"),
        ("2015.0302-2025.03.02", "2015.03.02-2025.03.02"),
        ("2016.02.29-2021.03.01", "2016.02.29-2021.03.01"),
        ("2015.03.02-2036.03.02", None),  # no card is valid for 21 years
        ("2015.03.02-2035.08.02", None),  # nor for 20 years and five months
        ("2016.02.29-2036.07.15", None),
        ("2015.13.02-2035.13.02", None),
        ("2015.03.02-", None),
    ],
)
def test_only_terms_a_card_can_have_are_read(read, validity):
    assert back("武汉市公安局江岸分局", read).get("validity") == validity


def test_a_bureau_in_no_list_is_unsure_and_one_nearly_in_it_is_put_right():
    def field(authority):
        lines = [a_line(authority, 408, 487, width=380)]
        return read_back(lines, nothing_more)["authority"]

    assert field("武汉市公安局江岸分局").confidence > 0.85
    assert field("武汉市公安局研口分局").value == "武汉市公安局硚口分局"
    assert field("武汉市公安局研口分局").confidence < 0.85
    assert field("某某某公安局").confidence < 0.85


def test_a_long_bureau_on_two_lines_is_one():
    lines = [a_line("恩施土家族苗族自治州公安", 408, 455, width=480), a_line("局", 408, 500, width=40)]

    assert read_back(lines, nothing_more)["authority"].value == "恩施土家族苗族自治州公安局"
