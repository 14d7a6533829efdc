"""Every warning a reading may carry, with the sentence an applicant or a reviewer reads. docs/warnings.md shows the same."""

from __future__ import annotations

from domain.documents.documents import DOCUMENT_LABELS

FIELD_LABELS = {
    "name": "姓名",
    "sex": "性别",
    "ethnicity": "民族",
    "birth": "出生日期",
    "address": "住址",
    "id_number": "公民身份号码",
    "authority": "签发机关",
    "validity": "有效期限",
    "document_number": "证件号码",
    "nationality": "国籍",
    "expiry": "有效期",
}

# What a photographed page shows, by the reader's word for it.
PAGE_LABELS: dict[str, str] = {
    "resident_id_front": "身份证人像面",
    "resident_id_back": "身份证国徽面",
    **{kind.value: label for kind, label in DOCUMENT_LABELS.items()},
}

WARNING_TEXTS = {
    "blurred": "照片不清晰，请对焦后重新拍摄。",
    "glare": "证件表面反光，请避开光源重新拍摄。",
    "cut": "证件没有完整入镜，请把四个角都拍进画面。",
    "low_resolution": "证件在照片中太小，请靠近一些重新拍摄。",
    "not_a_document": "照片中没有找到证件。",
    "unreadable": "找到了证件，但文字无法辨认，请重新拍摄。",
    "wrong_side": "证件的正反面放反了，请按提示拍摄对应的一面。",
    "wrong_document": "照片上的证件与所选的证件类型不符。",
    "turned": "照片方向不正，已自动转正。",
    "expired": "证件已过有效期。",
    "number_check_failed": "识别出的公民身份号码校验位不正确，没有采用。",
    "birth_disagrees": "出生日期与公民身份号码不一致。",
    "sex_disagrees": "性别与公民身份号码不一致。",
    "unknown_division": "公民身份号码的行政区划代码不在已知名录中。",
    "mrz_check_failed": "护照机读码的校验位不正确，相应内容没有采用。",
    "seal_missing": "没有发现红色圆形公章。",
    "seal_copied": "印章不是红色的，可能是复印件或黑白打印件。",
    "seal_unread": "有红色圆形公章，但印文没有读清，请对照原图。",
    "seal_differs": "公章文字与机构名称不一致。",
    "seal_special": "盖的是专用章，不是单位公章。",
    "form_unreadable": "申请表上的文字无法辨认，请平放后重新拍摄。",
    "form_other": "没有找到“单位用户注册申请表”字样，可能不是申请表。",
    "form_name_unread": "没有读清申请表上的机构名称，请对照原图。",
    "form_name_differs": "申请表上的机构名称与填写的不一致。",
    "form_code_differs": "申请表上的统一社会信用代码与填写的不一致。",
    "form_applicant_differs": "申请表上的申请人姓名与填写的不一致。",
    "field_missing": "没有读出{field}。",
    "low_confidence": "{field}识别把握不大，请核对。",
    "field_conflict": "两页上的{field}不一致。",
}


def warning_text(code: str) -> str:
    """The sentence for a code; `field_missing.name` speaks of 姓名. Raises KeyError for a code that does not exist."""
    kind, _, field = code.partition(".")
    return WARNING_TEXTS[kind].format(field=FIELD_LABELS[field] if field else "")
