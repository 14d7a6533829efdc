"""单位用户注册申请表: the form an institution prints, stamps and photographs, with what was typed already on it."""

from __future__ import annotations

from collections.abc import Mapping

from fpdf import FPDF

from domain.pdf_page import MARGIN_MM, WIDTH_MM, as_bytes, new_document, write_paragraph, write_rows, write_title

TITLE = "单位用户注册申请表"
_IF_TYPED = frozenset({"licence_number", "filing_number"})  # these two stand on it where they were typed
_STATEMENT = (
    "本单位申请加入湖北卫生人才综合服务平台机构库。以上内容及所附材料真实、准确、有效，"
    "申请人经本单位授权办理本次注册。如有不实，本单位承担由此产生的责任。"
)
_HOW_TO = (
    "填表说明：1. 请核对表中内容，空白处用黑色笔填写。2. 盖本单位红色圆形公章，印文须清晰完整并与机构名称一致；"
    "复印的或黑白打印的印章无效。3. 盖章后将整张表平放拍照，或扫描为 PDF，在申请页面上传。"
)
_SEAL_BOX_MM = (78, 54)
_GREY = 120


def blank_form_pdf(values: Mapping[str, str], labels: Mapping[str, str]) -> bytes:
    """One A4 page as PDF with the given values printed and a place for the stamp.

    values: as a person reads them (a unit's and a category's name, not their codes), by field; what is absent stays blank.
    labels: the lines in their order, by field; values of other fields are ignored.
    """
    pdf = new_document(TITLE)
    pdf.add_page()
    write_title(pdf, TITLE)
    pdf.ln(3)
    write_paragraph(pdf, "湖北卫生人才综合服务平台", align="C")
    pdf.ln(4)
    write_rows(pdf, _rows(values, labels))
    pdf.ln(5)
    write_paragraph(pdf, _STATEMENT)
    pdf.ln(4)
    _draw_signing(pdf)
    with pdf.local_context(text_color=_GREY):
        write_paragraph(pdf, _HOW_TO, size=9)
    return as_bytes(pdf)


def _rows(values: Mapping[str, str], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(label, values.get(key, "")) for key, label in labels.items() if key not in _IF_TYPED or values.get(key)]


def _draw_signing(pdf: FPDF) -> None:
    """The applicant's signature on the left, the stamp's place and the day on the right."""
    width, height = _SEAL_BOX_MM
    if pdf.will_page_break(height):
        pdf.add_page()
    top = pdf.get_y()
    left = MARGIN_MM + WIDTH_MM - width
    pdf.set_xy(MARGIN_MM, top + 8)
    pdf.cell(0, 8, "申请人（签字）：")
    pdf.set_xy(MARGIN_MM, top + 26)
    pdf.cell(0, 8, "填表日期：        年      月      日")
    with pdf.local_context(draw_color=_GREY, text_color=_GREY, font_size_pt=9):
        pdf.set_dash_pattern(dash=1.5, gap=1.5)
        pdf.rect(left, top, width, height)
        pdf.set_dash_pattern()
        pdf.set_xy(left, top + height - 9)
        pdf.cell(width, 8, "单位公章（盖在此处）", align="C")
    pdf.set_xy(MARGIN_MM, top + height + 4)
