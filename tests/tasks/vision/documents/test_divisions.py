"""One misread character at the head of an address, against the list of divisions."""

from __future__ import annotations

import pytest

from tasks.vision.documents.divisions import has_known_head, is_known_authority, mended_address, mended_authority


@pytest.mark.parametrize(
    ("read", "mended"),
    [
        ("湖北省武汉市研口区友谊大道3号", "湖北省武汉市硚口区友谊大道3号"),
        ("湖北省孝服市孝南区滨湖路4号", "湖北省孝感市孝南区滨湖路4号"),
        ("湖北省武汉市硚口区友谊大道3号", "湖北省武汉市硚口区友谊大道3号"),
        ("湖北省长阳土家族自治县三里镇", "湖北省长阳土家族自治县三里镇"),
        ("湖北省街石港区滨湖路228号", "湖北省街石港区滨湖路228号"),  # a lost city is no misread character
        ("某地某街1号", "某地某街1号"),
    ],
)
def test_an_address_is_mended_only_where_one_character_of_one_name_differs(read, mended):
    assert mended_address(read) == mended


def test_two_bureaus_one_character_away_leave_the_reading_alone():
    assert mended_authority("洪基市公安局") == "洪基市公安局"  # 洪湖市 or 洪江市
    assert not is_known_authority("洪基市公安局")


def test_addresses_with_and_without_the_province_have_a_known_head():
    assert has_known_head("湖北省武汉市江岸区")
    assert has_known_head("武汉市江岸区中山大道")
    assert has_known_head("北京市东城区")
    assert not has_known_head("北省武汉市")
