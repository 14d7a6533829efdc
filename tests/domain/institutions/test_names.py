"""When two institutions' names are the same, when they are near, and how a reviewer is told."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.institutions.clues import close_clues, clues_of
from domain.institutions.likeness import likeness
from domain.institutions.name import name_key, name_parts, tidy_name
from domain.units.divisions import division_names, divisions

HOUSES = ("医院", "口腔门诊部", "诊所", "社区卫生服务中心", "村卫生室", "妇幼保健院")
names = st.builds(
    lambda place, own, number, house, form: place + own + number + house + form,
    st.sampled_from(("", *division_names())),
    st.text("仁爱济民同德华春明阳光瑞祥福泽惠恒益健美佳诚信东湖", min_size=2, max_size=5),
    st.sampled_from(("", "第一", "2")),
    st.sampled_from(HOUSES),
    st.sampled_from(("", "有限公司", "有限责任公司")),
)


# ---- one name however it is written


@given(st.text(max_size=60))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)


@given(st.text(max_size=60))
def test_a_tidied_name_keeps_its_key_and_stays_tidy(text: str) -> None:
    tidy = tidy_name(text)

    assert tidy_name(tidy) == tidy
    assert name_key(tidy) == name_key(text)


@given(names, st.data())
def test_blanks_brackets_width_and_case_do_not_make_another_name(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name)))
    put_in = data.draw(st.sampled_from((" ", "\u3000", "\u200b", "（", "）", "(", "】", "“", "·")))

    assert name_key(name[:place] + put_in + name[place:]) == name_key(name)


@given(st.text("ABCxyz019", min_size=1, max_size=10))
def test_full_width_letters_are_the_same_letters(text: str) -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in text)

    assert name_key(wide + "医院") == name_key(text.swapcase() + "医院")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("武汉仁爱医院（东院）", "武汉仁爱医院(东院)"),
        ("武汉仁爱医院（东院）", "武汉仁爱医院东院"),
        ("武漢仁愛醫院", "武汉仁爱医院"),
        ("武汉 仁爱　医院", "武汉仁爱医院"),
        ("ＡＢＣ口腔诊所", "abc口腔诊所"),
        ("“仁爱”医院", "仁爱医院"),
    ],
)
def test_these_are_one_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("武汉仁爱医院", "武汉人爱医院"), ("武汉第一医院", "武汉第1医院"), ("A-1诊所", "A1诊所")]
)
def test_these_are_two_names(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(names)
def test_taking_a_name_apart_loses_nothing_but_the_form(name: str) -> None:
    parts = name_parts(name)

    assert parts.body
    assert set(parts.own) <= set(parts.body)
    assert name_key(name).endswith(parts.legal_form)
    assert all(short in name_key(name) for short in parts.place)


def test_a_name_is_taken_apart() -> None:
    parts = name_parts("武汉市江汉区仁爱口腔医院有限公司")

    assert (parts.place, parts.body, parts.legal_form, parts.own) == (
        ("武汉", "江汉"),
        "仁爱口腔医院",
        "有限公司",
        "仁爱口腔",
    )


def test_words_that_are_divisions_elsewhere_stay_in_a_name() -> None:
    assert name_parts("公安医院").place == ()
    assert name_parts("公安县人民医院").place == ("公安",)
    assert name_parts("房山诊所").place == ()


# ---- near names


@pytest.mark.parametrize(
    ("name", "known", "reason"),
    [
        ("武汉仁爱医院有限公司", "武汉仁爱医院", "仅差“有限公司”"),
        ("武汉仁爱医院有限责任公司", "武汉仁爱医院有限公司", "仅差“有限责任公司”与“有限公司”"),
        ("仁爱医院", "武汉市仁爱医院", "仅差地名“武汉”"),
        ("武汉市仁爱医院", "武汉仁爱医院", "仅写法不同：多出“市”"),
        ("仁爱医院（武汉）", "武汉仁爱医院", "仅地名“武汉”的位置不同"),
        ("武汉市第1仁爱医院", "武汉市第一仁爱医院", "仅写法不同：“1”与“一”不同"),
        ("武汉人爱医院", "武汉仁爱医院", "编辑距离 1：“人”与“仁”不同"),
        ("江夏区纸坊街卫生服务中心", "江夏区纸坊街社区卫生服务中心", "编辑距离 2：缺少“社区”"),
        ("武汉仁爱口腔门诊部", "武汉仁爱口腔诊所", "字号“仁爱口腔”相同，多出“门”，“部”与“所”不同"),
        ("仁爱医院东胡分院", "仁爱医院东湖分院", "编辑距离 1：“胡”与“湖”不同"),
        ("武汉明德康复医院", "武汉明德康复门诊部", "字号“明德康复”相同，"),
        ("武汉仁爱医院（东院）", "武汉仁爱医院", "像是“武汉仁爱医院”的分支机构（“东院”）"),
        ("武汉仁爱医院", "武汉仁爱医院东湖分院", "机构库中已有像是它的分支机构（“东湖分院”）"),
        ("武漢仁愛醫院", "武汉仁爱医院", "名称相同，"),
    ],
)
def test_near_names_say_why(name: str, known: str, reason: str) -> None:
    alike = likeness(name, known)

    assert alike is not None
    assert alike.reason.startswith(reason)
    assert 0 < alike.similarity <= 1


@pytest.mark.parametrize("branch", ["东湖分院", "光谷院区", "东院", "第二门诊部", "青山社区卫生服务站"])
def test_branches_are_recognised(branch: str) -> None:
    alike = likeness(f"武汉仁爱医院{branch}", "武汉市仁爱医院")

    assert alike is not None
    assert alike.is_branch


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("武汉市第一医院", "武汉市第二医院"),
        ("江汉区妇幼保健院", "江岸区妇幼保健院"),
        ("黄石仁爱医院", "武汉仁爱医院"),
        ("湖北省人民医院", "武汉市人民医院"),
        ("沙岗村第三卫生室", "沙岗村第四卫生室"),
        ("仁爱医院东院", "仁爱医院西院"),
        ("王明诊所", "李明诊所"),
        ("武汉同济堂医院", "武汉仁爱康医院"),
        ("仁爱医院东湖分院", "仁爱医院光谷分院"),
    ],
)
def test_what_differs_on_purpose_is_not_near(name: str, known: str) -> None:
    assert likeness(name, known) is None


@given(names, names)
def test_nearness_is_mutual(one: str, other: str) -> None:
    assert (likeness(one, other) is None) == (likeness(other, one) is None)


@given(names)
def test_a_name_is_near_to_itself_in_another_form(name: str) -> None:
    alike = likeness(name, name + "股份有限公司")

    assert alike is not None
    assert alike.similarity >= 0.5


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_whatever_breaks_the_comparison(one: str, other: str) -> None:
    alike = likeness(one, other)

    assert alike is None or alike.reason


@given(names, st.data())
def test_a_name_one_edit_away_is_always_found(name: str, data: st.DataObject) -> None:
    body = name_parts(name).body
    place = data.draw(st.integers(0, len(body) - 1))
    kind, letter = data.draw(st.sampled_from(("put in", "left out", "swapped"))), data.draw(st.sampled_from("甲乙丙"))
    edited = body[:place] + ("" if kind == "left out" else letter) + body[place + (kind != "put in") :]
    mistyped = name_parts(edited)

    if mistyped.body == edited:  # leaving a character out may make a division or a legal form of the rest
        assert close_clues(mistyped) & clues_of(name_parts(body))


# ---- the divisions names are taken apart with


def test_the_province_has_13_prefectures_and_103_counties() -> None:
    codes = list(divisions())
    prefectures = [code for code in codes if code.endswith("00") and code != "420000"]

    assert (codes[0], len(prefectures), len(codes)) == ("420000", 13, 117)
    assert {"429004", "429005", "429006", "429021"} <= set(codes)
    assert len(set(divisions().values())) == 117
    assert all(unicodedata.normalize("NFKC", name) == name for name in divisions().values())


def test_the_divisions_agree_with_python_stdnum() -> None:
    from stdnum.cn.ric import get_birth_place

    disagreeing = {
        code: name
        for code, name in divisions().items()
        if code != "420000" and name not in str(get_birth_place(f"{code}20230101001"))
    }

    assert disagreeing == {}
