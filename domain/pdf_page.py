"""A4 pages of Chinese text as PDF. The font is embedded, so they look the same everywhere and can be searched and copied.

A font that is only named (the CID fonts every PDF library knows) makes Adobe Reader ask for a font pack and leaves blanks
in readers on phones.
"""

from __future__ import annotations

from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import TextMode, WrapMode
from fpdf.fonts import TTFFont
from pylopdf_fonts_zh_cn import sans_path

FONT = "NotoSansSC"  # SIL Open Font License 1.1
MISSING = "〓"  # what printers set for a character they have no type for
MARGIN_MM = 20
WIDTH_MM = 210 - 2 * MARGIN_MM
_STROKE_MM = 0.25  # there is no bold cut: its outline drawn makes a title bold


def new_document(title: str) -> FPDF:
    """An empty document, no page yet, set in FONT at 10.5 points. title: what readers show in their bar."""
    pdf = FPDF(format="A4")
    pdf.add_font(FONT, fname=sans_path())
    pdf.set_font(FONT, size=10.5)
    pdf.set_margins(MARGIN_MM, MARGIN_MM)
    pdf.set_auto_page_break(True, MARGIN_MM)
    pdf.set_title(title)
    pdf.set_lang("zh-CN")
    return pdf


def printable(pdf: FPDF, text: str) -> str:
    """`text` on one line, with 〓 for every character the font has no shape for."""
    face = pdf.fonts[FONT.lower()]
    assert isinstance(face, TTFFont)  # new_document() made it
    known = face.cmap
    return "".join(char if ord(char) in known else MISSING for char in " ".join(text.split()))


def write_title(pdf: FPDF, text: str, size: float = 20) -> None:
    """`text` in the middle of a line of its own, bold."""
    with pdf.local_context(font_size_pt=size, text_mode=TextMode.FILL_STROKE, line_width=_STROKE_MM):
        pdf.cell(0, size * 0.6, printable(pdf, text), align="C", new_x="LMARGIN", new_y="NEXT")


def write_paragraph(pdf: FPDF, text: str, size: float = 10.5, *, align: str = "L") -> None:
    """`text` over the page's width, broken at any character as Chinese is."""
    with pdf.local_context(font_size_pt=size):
        pdf.multi_cell(
            0, size * 0.6, printable(pdf, text), align=align, wrapmode=WrapMode.CHAR, new_x="LMARGIN", new_y="NEXT"
        )


def write_rows(pdf: FPDF, rows: Sequence[tuple[str, str]], *, label_mm: float = 48, row_mm: float = 10) -> None:
    """A ruled table of (label, value); a long value takes as many lines as it needs."""
    with pdf.table(
        col_widths=(label_mm, WIDTH_MM - label_mm),
        first_row_as_headings=False,
        line_height=6,
        padding=(row_mm - 6) / 2,
        text_align="LEFT",
        width=WIDTH_MM,
        wrapmode=WrapMode.CHAR,
    ) as table:
        for label, value in rows:
            row = table.row()
            row.cell(printable(pdf, label))
            row.cell(printable(pdf, value))


def as_bytes(pdf: FPDF) -> bytes:
    """The finished file."""
    return bytes(pdf.output())
