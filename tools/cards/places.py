"""Real county-level divisions of Hubei with their GB/T 2260 codes, for made-up addresses and numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """code: six digits of GB/T 2260. prefix: how an address there begins. authority: the police bureau that issues cards."""

    code: str
    prefix: str
    authority: str

    @property
    def is_city_district(self) -> bool:
        return self.prefix.endswith("区")


def _district(code: str, city: str, name: str) -> Place:
    return Place(code, f"湖北省{city}{name}", f"{city}公安局{name.removesuffix('区')}分局")


def _county(code: str, upper: str, name: str) -> Place:
    return Place(code, f"湖北省{upper}{name}", f"{name}公安局")


PLACES = (
    _district("420102", "武汉市", "江岸区"),
    _district("420103", "武汉市", "江汉区"),
    _district("420104", "武汉市", "硚口区"),
    _district("420105", "武汉市", "汉阳区"),
    _district("420106", "武汉市", "武昌区"),
    _district("420107", "武汉市", "青山区"),
    _district("420111", "武汉市", "洪山区"),
    _district("420112", "武汉市", "东西湖区"),
    _district("420115", "武汉市", "江夏区"),
    _district("420116", "武汉市", "黄陂区"),
    _district("420117", "武汉市", "新洲区"),
    _district("420202", "黄石市", "黄石港区"),
    _county("420222", "", "阳新县"),
    _county("420281", "", "大冶市"),
    _district("420302", "十堰市", "茅箭区"),
    _county("420323", "", "竹山县"),
    _county("420381", "", "丹江口市"),
    _district("420502", "宜昌市", "西陵区"),
    _district("420506", "宜昌市", "夷陵区"),
    _county("420526", "", "兴山县"),
    _county("420528", "", "长阳土家族自治县"),
    _county("420582", "", "当阳市"),
    _district("420602", "襄阳市", "襄城区"),
    _district("420606", "襄阳市", "樊城区"),
    _county("420682", "", "老河口市"),
    _county("420683", "", "枣阳市"),
    _district("420704", "鄂州市", "鄂城区"),
    _district("420802", "荆门市", "东宝区"),
    _county("420881", "", "钟祥市"),
    _district("420902", "孝感市", "孝南区"),
    _county("420922", "", "大悟县"),
    _county("420984", "", "汉川市"),
    _district("421002", "荆州市", "沙市区"),
    _county("421022", "", "公安县"),
    _county("421083", "", "洪湖市"),
    _district("421102", "黄冈市", "黄州区"),
    _county("421122", "", "红安县"),
    _county("421127", "", "黄梅县"),
    _county("421181", "", "麻城市"),
    _district("421202", "咸宁市", "咸安区"),
    _county("421281", "", "赤壁市"),
    _district("421303", "随州市", "曾都区"),
    _county("422801", "", "恩施市"),
    _county("422825", "", "宣恩县"),
    _county("422827", "", "来凤县"),
    _county("429004", "", "仙桃市"),
    _county("429005", "", "潜江市"),
    _county("429006", "", "天门市"),
)

STREETS = (
    "中山大道", "解放路", "建设街", "友谊大道", "沿江大道", "珞喻路", "人民西路", "青年路", "胜利街", "东风大道",
    "民主路", "和平大道", "关山街紫菘社区", "长江东路", "文化宫街", "滨湖路", "古城街办事处", "新华下路", "雄楚大道",
)  # fmt: skip
VILLAGES = (
    "城关镇石桥村", "三里镇黄家湾村", "白果镇龙井村", "黄桥镇板桥村", "马良镇双堰村", "汪集街茶亭村", "百福司镇兴安村",
    "椒园镇水田坝村", "渔洋关镇柴埠溪村", "新滩镇宏恩村", "沙洋镇范家台村", "双沟镇赵集村",
)  # fmt: skip
