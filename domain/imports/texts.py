"""Why a row of an import was not taken, as a sentence for whoever has to mend the file."""

from __future__ import annotations

from collections.abc import Mapping

_SENTENCES: Mapping[str, str] = {
    "import.cell_required": "“{column}”必填。",
    "import.cell_too_long": "“{column}”过长，请缩短到 500 字以内。",
    "import.cell_is_date": "“{column}”是日期格式，请改为文本格式后重新填写。",
    "import.cell_is_number": "“{column}”是数值格式，超过 15 位的数字已被表格软件改动，请改为文本格式后重新填写。",
    "import.cell_is_error": "“{column}”是公式出错后的内容，请填写文本。",
    "import.masked": "“{column}”是打码的内容，不能导入；请填写完整内容。",
    "import.outside_scope": "主管单位 {unit} 不在您的管辖范围内。",
    "import.repeated": "与本文件第 {row} 行重复。",
    "import.unit_code_form": "单位代码应为 6 位数字。",
    "import.unit_name_form": "单位名称应为 2 至 100 个字符。",
    "import.unit_below_county": "县级单位下不能再设单位。",
    "import.unit_moved": "该单位的上级是 {parent}，不能通过导入改变。",
    "import.unit_renamed": "该单位名称为“{name}”，改名请在机构编辑中办理。",
    "import.category_unknown": "没有“{category}”这种机构类别。",
    "import.category_of_units": "卫健委（局）由“单位”表建立，不能在“机构”表中填写。",
    "import.institution_code_unknown": "没有机构编码为 {code} 的机构；新机构请不要填写机构编码。",
    "import.institution_exists": "该机构已收录，机构编码 {code}；如要修改请填写机构编码。",
    "import.institution_unknown": "没有找到机构“{institution}”。",
    "import.name_changed": "名称与已收录的“{name}”不同；改名须重新核对，请在机构编辑中办理。",
    "import.credit_code_changed": "统一社会信用代码与已收录的不同；变更须重新核对，请在机构编辑中办理。",
    "import.contact_incomplete": "申请人姓名和申请人手机须同时填写。",
    "import.business_unknown": "没有“{business}”这项业务。",
    "import.not_grantable": "该业务由 {unit} 授权，不在您的管辖范围内。",
    "import.number_form": "身份证号不正确。",
    "import.person_not_verified": "没有找到与姓名、身份证号一致且已用身份证实名认证的人员。",
    "import.already_managed": "该机构的这项业务已有管理人。",
    "import.tenure_running": "该机构的这项业务已生成授权码，请在业务授权中直接授权或作废授权码。",
    "import.grant_stopped": "该机构的这项业务已停用，请先启用。",
    "institution.name_taken": "机构名称已被收录。",
    "institution.credit_code_taken": "统一社会信用代码已被其他机构使用。",
    "institution.name_form": "机构名称应为 2 至 100 个字符，且含文字。",
    "institution.removed": "该机构已移出机构库。",
    "institution.is_unit": "行政单位自己的机构，类别和主管单位不能改变。",
    "credit_code.length": "统一社会信用代码应为 18 位，现为 {length} 位。",
    "credit_code.letters": "统一社会信用代码不含字母 I、O、S、V、Z，请核对：{letters}。",
    "credit_code.form": "统一社会信用代码的格式不正确。",
    "credit_code.check": "统一社会信用代码的校验位不正确，请核对。",
    "licence.length": "执业许可证登记号的位数不正确，现为 {length} 位。",
    "licence.form": "执业许可证登记号的格式不正确。",
    "phone.form": "手机号应为 11 位大陆手机号。",
    "unit.unknown": "没有单位 {unit}。",
    "business.unknown": "没有“{business}”这项业务。",
    "grant.business_closed": "该业务不在开放时间内。",
    "grant.institution_not_admitted": "该机构已暂停或移出，不能授权。",
}


def sentence(code: str, facts: Mapping[str, object]) -> str:
    """The sentence of a code; the code itself where none was written for it."""
    text = _SENTENCES.get(code)
    return text.format_map(_Facts(facts)) if text is not None else f"不能导入（{code}）。"


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""
