"""What people read when something is refused: for every code of the API a status, a title and what to do next."""

# ruff: noqa: E501 - one code a line reads best as a table; Chinese characters count double

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Text(NamedTuple):
    status: int
    title: str
    detail: str


KNOWN: dict[str, Text] = {
    # who is asking
    "auth.required": Text(401, "请先登录", "本操作需要登录：小程序用微信登录，工作台用账号和密码登录。"),
    "auth.expired": Text(401, "登录已过期", "登录已失效或超过有效时间，请重新登录。"),
    "auth.wechat_only": Text(403, "没有权限", "本操作只对微信登录的账号开放。"),
    "auth.console_only": Text(403, "没有权限", "本操作只对工作台账号开放。"),
    "auth.cross_site": Text(403, "请求来源不可信", "工作台的修改请求须带请求头 X-Requested-With，且来自本站页面。"),
    "sign_in.failed": Text(401, "用户名或密码不正确", "请核对后重试；连续 5 次不正确会暂时锁定账号。"),
    "sign_in.locked": Text(429, "账号已暂时锁定", "密码连续多次不正确，请在 Retry-After 所示秒数之后再试，或联系管理员。"),
    "wechat.code_refused": Text(401, "微信登录未成功", "登录凭证无效或已使用，请重新打开小程序后再试。"),
    "wechat.unavailable": Text(503, "微信服务暂时不可用", "请稍后再试。"),
    # how it is asked
    "request.invalid": Text(422, "提交的内容有误", "请按 problems 中各字段的说明修改后重新提交。"),
    "request.too_often": Text(429, "操作过于频繁", "请在 Retry-After 所示秒数之后再试。"),
    "request.if_match": Text(412, "内容已被更新", "您看到的不是最新状态，请刷新后再操作。"),
    "idempotency.key_required": Text(400, "缺少 Idempotency-Key", "请为本次操作生成一个唯一值放入请求头 Idempotency-Key，重试时保持不变。"),
    "idempotency.key_invalid": Text(400, "Idempotency-Key 无效", "应为 8 至 80 个可见 ASCII 字符。"),
    "idempotency.other_request": Text(422, "Idempotency-Key 已用于另一请求", "同一个值只能重发同样的请求；新的操作请换一个新值。"),
    # what it is asked of
    "form.invalid": Text(422, "表单填写有误", "请按 problems 中各字段的说明修改后重新提交。"),
    "flow.unknown": Text(404, "没有这个业务", "业务不存在或未开放，请从业务列表中选择。"),
    "flow.may_not_start": Text(403, "不能办理此业务", "您的账号不能发起此业务。"),
    "flow.invalid": Text(422, "流程不能部署", "请按 problems 逐项修改流程图。"),
    "flow.deployed_meanwhile": Text(409, "流程已被他人更新", "请在最新版本上重新修改后部署。"),
    "case.unknown": Text(404, "没有找到", "该申请不存在，或不属于您。"),
    "case.already_running": Text(409, "已有办理中的申请", "同一业务一次只能办理一件，请先完成或撤回已有的申请。"),
    "case.ended": Text(409, "申请已办结", "该申请已经结束，不能再操作。"),
    "case.running": Text(409, "申请尚未办结", "请在申请办结后再进行此操作。"),
    "case.erased": Text(410, "资料已依法删除", "该申请的个人信息已经删除，无法查看。"),
    "case.changed_meanwhile": Text(409, "申请刚被更新", "请刷新后按最新状态操作。"),
    "case.timers_pending": Text(409, "申请正在更新", "到期的步骤正在处理，请稍后再试。"),
    "work_item.unknown": Text(404, "没有找到", "该待办不存在，或不属于您。"),
    "work_item.gone": Text(409, "待办已结束", "该待办已办理、已超时或已撤销，请刷新后按最新状态操作。"),
    "work_item.claimed_by_other": Text(409, "已被他人领取", "该待办正由其他人办理，请选择其他待办。"),
    "work_item.not_claimed": Text(409, "尚未领取", "请先领取该待办，再进行操作。"),
    "work_item.not_yours": Text(403, "待办由他人办理", "该待办已由其他人领取，只有领取人能够操作。"),
    "work_item.four_eyes": Text(403, "须由另一人办理", "您已办理过本案的相关步骤，这一步须由另一人办理。"),
    "work_item.not_of_group": Text(409, "对方不在该岗位", "只能交给该待办所在岗位的人员，请另选。"),
    "work_item.may_not_assign": Text(403, "没有权限", "只有该岗位的负责人可以指派他人已领取的待办、调整期限和优先级。"),
    "work_item.delegated": Text(409, "待办已委派", "委派的待办须先交回委派人，由其作出决定。"),
    "work_item.not_delegated": Text(409, "待办没有委派", "该待办没有委派，或已经交回。"),
    "work_item.own": Text(409, "不能委派给自己", "请选择其他人。"),
    "work_item.being_signed": Text(409, "待办正在会签", "已有人签署，待办须按加签顺序办理；不同意时请退回上一签署人。"),
    "work_item.signs_already": Text(409, "已在签署人之列", "该人员已经是本待办的签署人，请另选。"),
    "work_item.too_many_signers": Text(409, "签署人过多", "一件待办最多加签 10 人。"),
    "work_item.nobody_signed": Text(409, "还没有人签署", "您是第一个签署人，没有可退回的上一签署人。"),
    "message.unknown": Text(404, "没有这个操作", "请使用申请的 messages 中列出的操作。"),
    "message.not_yours": Text(403, "没有权限", "您不能对该申请进行此操作。"),
    "message.not_awaited": Text(409, "当前不能进行此操作", "申请所处的步骤不接受此操作，请刷新后重试。"),
    "message.may_not_send": Text(403, "没有权限", "您的账号不能发送消息，请联系管理员。"),
    "outbox.unknown": Text(404, "没有找到", "该消息不存在，请刷新列表。"),
    "outbox.gone": Text(409, "消息已处理", "该消息已送达、已重新发送或已处理，请刷新列表。"),
    "incident.unknown": Text(404, "没有找到", "该异常不存在。"),
    "incident.gone": Text(409, "异常已处理", "该异常已经处理，请刷新列表。"),
    "wait.gone": Text(409, "当前步骤已变化", "该步骤已处理或已超时，请刷新后按最新状态操作。"),
    "journal.no_entry": Text(404, "没有这条流水", "流水从第 1 条起，总数见案件的 revision。"),
    "what_if.unknown": Text(404, "没有找到", "没有这次推演，或记录已删除。"),
    "what_if.other_flow": Text(409, "业务不一致", "flow.toml 中的 key 与所选业务不同，请核对后再试。"),
    "operations.may_not_open": Text(403, "没有权限", "本操作只对平台的运行管理员开放。"),
    "account.unknown": Text(404, "没有找到", "没有这个账号，或账号已停用，请重新选择。"),
    "account.disabled": Text(403, "账号已停用", "您的账号已停用，请联系管理员。"),
    # registers
    "person.unknown": Text(404, "没有找到", "该人员不存在，请回到列表重新查找。"),
    "credential.none": Text(404, "没有找到", "该实名凭证不存在，请回到列表重新查找。"),
    "register.may_not_read": Text(403, "没有权限", "您的账号不能查看登记簿，请联系管理员。"),
    "register.may_not_reveal": Text(403, "没有权限", "您的账号只能查看打码的内容。"),
    # imports
    "import.unknown": Text(404, "没有找到", "该导入不存在、已过保存期限，或不是您提交的。"),
    "import.not_xlsx": Text(422, "不是有效的 XLSX 文件", "请用表格软件另存为 .xlsx（不加密码）后再传；旧版 .xls 不支持。"),
    "import.too_large_unpacked": Text(422, "文件内容过大", "文件展开后过大，请拆分成几个文件，并去掉图片等无关内容。"),
    "import.macros": Text(422, "文件含有宏", "请另存为不含宏的 .xlsx 后再传。"),
    "import.entities": Text(422, "文件内容异常", "文件含有表格软件不会写出的内容，请用表格软件重新另存为 .xlsx。"),
    "import.formulas": Text(422, "文件含有公式", "请把公式单元格复制后“选择性粘贴为数值”，再重新上传。"),
    "import.merged_cells": Text(422, "文件含有合并单元格", "请取消合并单元格，每行每列各填各的内容，再重新上传。"),
    "import.too_many_rows": Text(422, "行数过多", "每张表不超过 20000 行，请拆分后分次导入。"),
    "import.too_many_columns": Text(422, "列数过多", "请按模板的列填写，删去多余的列。"),
    "import.no_sheets": Text(422, "没有可以导入的工作表", "工作表的名称应为“单位”“机构”或“管理人”，请按模板填写。"),
    "import.columns": Text(422, "列名与模板不符", "缺少必填的列，或同一列出现了两次，请按模板的列名填写。"),
    "import.empty": Text(422, "没有内容", "工作表中没有数据行。"),
    "import.too_many_waiting": Text(409, "还有导入没有处理完", "请等前面的导入处理完再提交。"),
    "import.nothing_refused": Text(404, "没有未导入的行", "全部行都已导入，没有可以下载的内容。"),
    # files
    "attachment.unknown": Text(404, "没有找到", "该文件不存在、已按保存期限删除，或不属于您。"),
    "attachment.too_many": Text(409, "上传的文件过多", "该申请上传的文件已达上限，请使用已上传的文件。"),
    "upload.empty": Text(422, "文件是空的", "请重新选择文件。"),
    "upload.too_large": Text(422, "文件过大", "单个文件不超过 10 MB，请压缩后再传。"),
    "upload.unknown_type": Text(422, "无法识别的文件类型", "请上传 JPEG、PNG、WebP 或 HEIC 照片。"),
    "upload.wrong_type": Text(422, "文件类型不符", "请按该字段的要求上传照片。"),
    "upload.too_many_pixels": Text(422, "图片尺寸过大", "图片不超过 4000 万像素，请缩小后再传。"),
    "upload.animated": Text(422, "不支持动图", "请上传单张照片。"),
    "upload.damaged": Text(422, "文件已损坏", "文件不完整、已损坏或有密码，请重新拍摄或导出后再传。"),
    "upload.too_many_pages": Text(422, "页数过多", "PDF 最多 10 页。"),
    "evidence.link_invalid": Text(403, "链接无效", "图片链接不完整或被改动，请回到案件页面重新打开。"),
    "evidence.link_expired": Text(410, "链接已过期", "图片链接 5 分钟内有效，请回到案件页面重新打开。"),
    "consent.unknown": Text(404, "没有找到", "没有这种同意。"),
    "consent.of_application": Text(409, "该同意随申请撤回", "该同意只用于一次申请：申请未办结时，请撤回申请。"),
    # looking for an institution before applying
    "admission.nothing_sought": Text(422, "请填写查询条件", "请选择主管单位，或填写机构名称中的至少两个字。"),
    # units and institutions
    "unit.unknown": Text(404, "没有这个行政单位", "请从行政单位树中选择。"),
    "unit.not_staff": Text(403, "没有权限", "本操作只对行政单位的工作人员开放。"),
    "unit.outside_scope": Text(403, "不在管辖范围内", "只能办理本单位和下级单位的机构；请联系该机构的主管单位。"),
    "institution.unknown": Text(404, "没有找到", "该机构不存在，或不在您的管辖范围内。"),
    "institution.name_form": Text(422, "机构名称不符合要求", "请填写 2 至 100 个字的机构全称。"),
    "institution.name_taken": Text(409, "机构名称已被使用", "机构库中已有同名机构（全半角、空格、括号、繁简不同也算同名），请先查询。"),
    "institution.credit_code_taken": Text(409, "统一社会信用代码已被使用", "机构库中已有使用该信用代码的机构，请核对证书原件。"),
    "institution.unit_taken": Text(409, "该行政单位已有机构", "一个行政单位只对应一个机构。"),
    "institution.is_unit": Text(409, "行政单位的机构不能这样修改", "市州、区县卫健委自身的机构随单位存在，不能停用、移除或改变类别和主管单位。"),
    "institution.reason_required": Text(422, "请填写原因", "修改机构须说明原因，原因会记入变更记录。"),
    "institution.unchanged": Text(409, "没有变化", "提交的内容与现有内容相同。"),
    "institution.changed_meanwhile": Text(409, "机构刚被他人修改", "请刷新后在最新内容上修改。"),
    "institution.check_first": Text(409, "请先查看核对结果", "名称与已有机构相近，或证照内容互相矛盾；请查看核对结果，确认无误后勾选“已核对”再提交。"),
    "institution.removed": Text(409, "机构已移除", "该机构已移除，不能再修改；需要时请先恢复。"),
    "institution.not_admitted": Text(409, "当前状态不允许此操作", "该机构不是正常收录状态，请刷新后重试。"),
    "institution.not_suspended": Text(409, "机构未停用", "只有停用的机构可以恢复使用。"),
    "institution.not_removed": Text(409, "机构未移除", "只有已移除的机构可以恢复。"),
    "institution.merged": Text(409, "机构已并入其他机构", "已合并的机构不能恢复。"),
    "institution.merge_with_itself": Text(422, "不能与自身合并", "请选择另一家机构。"),
    "credit_code.length": Text(422, "统一社会信用代码长度不对", "应为 18 位，请按证书填写。"),
    "credit_code.letters": Text(422, "统一社会信用代码含有不用的字母", "信用代码不使用字母 I、O、S、V、Z，请核对是否应为 1、0、5、U、2。"),
    "credit_code.form": Text(422, "统一社会信用代码格式不对", "第三至八位应为数字的行政区划代码，请按证书填写。"),
    "credit_code.check": Text(422, "统一社会信用代码校验不通过", "最后一位校验码不符，可能抄错了一位，请按证书核对。"),
    "licence.length": Text(422, "执业许可证登记号长度不对", "应为 22 位（旧证 12 位），请按许可证填写。"),
    "licence.form": Text(422, "执业许可证登记号格式不对", "应由组织机构代码 9 位、行政区划 6 位和类别 7 位组成，请按许可证填写。"),
    # short messages
    "sms.too_soon": Text(429, "发送过于频繁", "一分钟内只能发送一次，请稍后再试。"),
    "sms.too_many": Text(429, "今天发送次数已达上限", "请明天再试，或选择人工审核。"),
    "sms.unavailable": Text(503, "短信暂时无法发送", "请稍后再试，或选择人工审核。"),
    "sms.code_wrong": Text(422, "验证码不正确", "验证码不正确或已失效；连续 3 次不正确须重新获取。"),
    "phone.form": Text(422, "手机号格式不正确", "请填写 11 位大陆手机号。"),
    # the platform
    "platform.busy": Text(503, "系统繁忙", "请求没有生效，请稍后用同一个 Idempotency-Key 重试。"),
    "platform.failed": Text(500, "系统出错了", "请求没有生效，请稍后重试；如仍不行，请把 instance 中的编号告诉管理员。"),
}  # fmt: skip

BY_STATUS: dict[int, Text] = {
    400: Text(400, "请求无法识别", "请求的格式不正确，请检查 JSON 或参数后重试。"),
    401: KNOWN["auth.required"],
    403: Text(403, "没有权限", "您的账号不能进行此操作。"),
    404: Text(404, "没有找到", "请检查地址；不属于您的内容也会显示为没有找到。"),
    405: Text(405, "不支持这种请求方法", "请按接口文档（/docs）使用正确的方法。"),
    406: Text(406, "无法提供所要的格式", "请按接口文档（/docs）设置 Accept。"),
    409: Text(409, "当前状态不允许此操作", "内容可能已被更新，请刷新后重试。"),
    413: Text(413, "提交的内容过大", "单个文件不超过 10 MB，请压缩后重试。"),
    415: Text(415, "不支持这种内容类型", "请按接口文档（/docs）设置 Content-Type。"),
    422: Text(422, "提交的内容有误", "请检查后重新提交。"),
    429: KNOWN["request.too_often"],
    500: KNOWN["platform.failed"],
}

_INPUT: dict[str, str] = {
    "missing": "必填",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "不超过 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "string_type": "应为文本",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "float_parsing": "应为数字",
    "bool_type": "应为是或否",
    "bool_parsing": "应为 true 或 false",
    "dict_type": "应为对象",
    "list_type": "应为列表",
    "enum": "应为 {expected} 之一",
    "literal_error": "应为 {expected} 之一",
    "extra_forbidden": "没有这个字段",
    "greater_than_equal": "不小于 {ge}",
    "less_than_equal": "不大于 {le}",
    "datetime_from_date_parsing": "应为 ISO 8601 时间",
    "datetime_parsing": "应为 ISO 8601 时间",
    "timezone_aware": "时间须带时区",
    "model_type": "应为 JSON 对象",
    "model_attributes_type": "应为 JSON 对象",
}


def message_of_input(kind: str, context: Mapping[str, Any]) -> str:
    """Chinese for one pydantic error type; never quotes the value."""
    return _INPUT.get(kind, "不符合要求").format_map({**context})
