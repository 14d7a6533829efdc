"""PDF pages can be read by every reader: the text is text, the font travels with the file."""

from __future__ import annotations

import pypdfium2

from domain.pdf_page import MISSING, as_bytes, new_document, printable, write_paragraph, write_rows, write_title
from engine.attachments.media import PDF, inspect_upload


def text_of(content: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content)]


def test_what_is_written_can_be_searched_and_copied():
    pdf = new_document("通知单")
    pdf.add_page()

    write_title(pdf, "授权码通知单")
    write_paragraph(pdf, "请妥善保管。")
    write_rows(pdf, [("机构名称", "仙桃市第一人民医院")])

    page = text_of(as_bytes(pdf))[0]
    for text in ("授权码通知单", "请妥善保管。", "机构名称 仙桃市第一人民医院"):
        assert text in page


def test_the_font_is_embedded_and_only_what_is_used_of_it():
    pdf = new_document("一页")
    pdf.add_page()
    write_paragraph(pdf, "湖北卫生人才")

    content = as_bytes(pdf)

    assert b"/FontFile" in content
    assert len(content) < 60_000
    assert inspect_upload(content, frozenset({PDF})).pages == 1


def test_a_character_without_a_shape_is_a_mark_and_never_a_blank():
    pdf = new_document("一页")

    assert printable(pdf, "𠮷庆街") == f"{MISSING}庆街"
    assert printable(pdf, " 龘 \n㐂\t堃 ") == "龘 㐂 堃"


def test_a_table_longer_than_a_page_goes_on_overleaf():
    pdf = new_document("长表")
    pdf.add_page()

    write_rows(pdf, [(f"第{n}项", "内容" * 60) for n in range(30)])

    pages = text_of(as_bytes(pdf))
    assert len(pages) > 1
    assert "第29项" in pages[-1]
