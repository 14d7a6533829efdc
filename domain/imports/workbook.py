"""The workbook of an import or export: its sheets and columns, read as a stream, written as a stream. Knows no database.

Text in, text out: what a cell cannot say exactly (a date, a number of more than 15 digits) is marked, never guessed.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from domain.institutions import labels
from domain.refused import Refused

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_CELL = 500  # characters
REASON = "未导入的原因"


@dataclass(frozen=True, slots=True)
class Column:
    """key: what the code calls it. title: the header cell, where a * marks what must be filled in."""

    key: str
    title: str
    is_required: bool = False
    example: str = ""

    @property
    def header(self) -> str:
        return self.title + ("*" if self.is_required else "")


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    columns: tuple[Column, ...]


UNITS = Sheet(
    "单位",
    (
        Column("code", "单位代码", True, "421303"),
        Column("name", "单位名称", True, "曾都区卫生健康局"),
        Column("parent", "上级单位代码", True, "421300"),
        Column("contact_name", "联系人", example="业务科"),
        Column("contact_phone", "联系电话", example="0722-3310000"),
    ),
)
INSTITUTIONS = Sheet(
    "机构",
    (
        Column("code", labels.CODE, example="新机构不填，由系统给出"),
        Column("name", labels.NAME, True, "随州仁爱医院"),
        Column("category", "机构类别", True, "医院"),
        Column("unit", "主管单位代码", True, "421303"),
        Column("credit_code", labels.CREDIT_CODE),
        Column("licence_number", "医疗机构执业许可证登记号"),
        Column("filing_number", "备案编号"),
        Column("address", "机构地址", example="曾都区沿河大道 1 号"),
        Column("confirmation_code", labels.CONFIRMATION_CODE),
        Column("contact_name", "申请人姓名", example="张三"),
        Column("contact_phone", "申请人手机", example="13800000000"),
    ),
)
MANAGERS = Sheet(
    "管理人",
    (
        Column("institution", "机构编码或名称", True, "随州仁爱医院"),
        Column("business", "业务", True, "护士执业资格考试报名审核"),
        Column("name", "管理人姓名", True, "李四"),
        Column("number", "身份证号", True, "须已用身份证实名认证"),
    ),
)
SHEETS = (UNITS, INSTITUTIONS, MANAGERS)
_HELP = Sheet(
    "填写说明",
    (Column("sheet", "工作表"), Column("column", "列"), Column("needed", "是否必填"), Column("example", "示例或说明")),
)

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One data row. number: as the spreadsheet counts. cells: by column key, stripped; "" where empty.

    odd: keys of columns whose cell cannot be taken as it is, with a code (`import.cell_*`).
    """

    sheet: Sheet
    number: int
    cells: Cells
    odd: Mapping[str, str]


# openpyxl tells nobody what it raises for a file that is not what it says: these are what it was seen to.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, OSError, SyntaxError, TypeError, ValueError, BadZipFile)


def read_rows(content: bytes) -> Iterator[SheetRow]:
    """Every data row that is not empty: units, then institutions, then managers. Streams; look with
    `workbook_inspection.inspect_workbook` first.

    Raises Refused("import.columns", place=…) before the first row where a sheet's header lacks a column or has one twice,
    Refused("import.not_xlsx") where a part is malformed.
    """
    try:
        yield from _read_rows(content)
    except _UNREADABLE as error:
        raise Refused("import.not_xlsx") from error


def _read_rows(content: bytes) -> Iterator[SheetRow]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's remarks about styles and extensions it leaves out
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    try:
        there = [(sheet, book[sheet.title]) for sheet in SHEETS if sheet.title in book.sheetnames]
        # Every header before the first row: a workbook that cannot be read to its end is not begun.
        places = [_places(sheet, next(tab.iter_rows(max_row=1, values_only=True), ())) for sheet, tab in there]
        for (sheet, tab), of_sheet in zip(there, places, strict=True):
            yield from _rows_of(tab, sheet, of_sheet)
    finally:
        book.close()


def _rows_of(worksheet: Any, sheet: Sheet, places: Mapping[str, int]) -> Iterator[SheetRow]:  # Any: openpyxl's
    for number, values in enumerate(worksheet.iter_rows(min_row=2, values_only=True), start=2):
        row = _row(sheet, number, places, values)
        if any(row.cells.values()):
            yield row


def _places(sheet: Sheet, header: Iterable[object]) -> dict[str, int]:
    """Column key → index in the row. A header may stand anywhere and carry its * or not; unknown ones are left alone."""
    titles = [_text(value)[0].rstrip("*＊ ") for value in header]
    places: dict[str, int] = {}
    for column in sheet.columns:
        if titles.count(column.title) > 1 or (column.is_required and column.title not in titles):
            raise Refused("import.columns", place=f"{sheet.title}!{column.title}")
        if column.title in titles:
            places[column.key] = titles.index(column.title)
    return places


def _row(sheet: Sheet, number: int, places: Mapping[str, int], values: tuple[object, ...]) -> SheetRow:
    cells: dict[str, str] = {column.key: "" for column in sheet.columns}
    odd: dict[str, str] = {}
    for key, place in places.items():
        text, problem = _text(values[place] if place < len(values) else None)
        cells[key] = text[:MAX_CELL]
        if problem is not None:
            odd[key] = problem
        elif len(text) > MAX_CELL:
            odd[key] = "import.cell_too_long"
    return SheetRow(sheet, number, cells, odd)


def _text(value: object) -> tuple[str, str | None]:
    """What a cell says, and a code where that is not what was typed."""
    if value is None:
        return "", None
    if isinstance(value, bool):
        return "是" if value else "否", None
    if isinstance(value, int | float):
        return _digits(value)
    if isinstance(value, datetime | date):
        return value.isoformat(), "import.cell_is_date"
    # _xHHHH_ is how Excel writes what XML cannot hold; a quote before text is how people keep digits as text
    text = re.sub(r"_x[0-9A-Fa-f]{4}_", "", str(value)).strip().lstrip("'\u2018\u2019").strip()
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text), "import.cell_is_error" if text.startswith("#") else None


def _digits(value: float) -> tuple[str, str | None]:
    """A number cell as digits. Excel keeps 15 of them: a longer code has lost its end already."""
    if value != value or abs(value) >= 1e15:
        return f"{value:.0f}" if value == value and abs(value) < 1e30 else "", "import.cell_is_number"
    return (str(int(value)), None) if value == int(value) else (repr(value), None)


class WorkbookWriter:
    """A workbook written row by row to a file: memory stays flat. Every text is data: nothing opens as a formula."""

    def __init__(self) -> None:
        self._book = Workbook(write_only=True)
        self._sheets: dict[str, Any] = {}  # Any: openpyxl has no types

    def add(self, sheet: Sheet, cells: Mapping[str, str | None], *, reason: str | None = None) -> None:
        """One row. reason: for the column after the others; a sheet either has it in every row or in none."""
        values = [cells.get(column.key) or "" for column in sheet.columns]
        self._worksheet(sheet, has_reason=reason is not None).append(
            [_safe(value) for value in (*values, *([reason] if reason is not None else []))]
        )

    def open(self, sheet: Sheet) -> None:
        """The sheet with its header, rows or not."""
        self._worksheet(sheet, has_reason=False)

    def save(self, file: IO[bytes]) -> None:
        self._book.save(file)

    def _worksheet(self, sheet: Sheet, *, has_reason: bool) -> Any:
        known = self._sheets.get(sheet.title)
        if known is not None:
            return known
        made = self._book.create_sheet(sheet.title)
        made.freeze_panes = "A2"
        for place, column in enumerate(sheet.columns):
            made.column_dimensions[chr(65 + place)].width = 14 + 2 * len(column.title)
        header = [WriteOnlyCell(made, column.header) for column in sheet.columns]
        header += [WriteOnlyCell(made, REASON)] if has_reason else []
        for cell in header:
            cell.font = Font(bold=True)
        made.append(header)
        self._sheets[sheet.title] = made
        return made


def template() -> bytes:
    """An empty workbook for people to fill in, with a sheet that says what goes into each column."""
    writer = WorkbookWriter()
    for sheet in SHEETS:
        writer.open(sheet)
        for column in sheet.columns:
            needed = "必填" if column.is_required else "可不填"
            writer.add(
                _HELP, {"sheet": sheet.title, "column": column.title, "needed": needed, "example": column.example}
            )
    file = io.BytesIO()
    writer.save(file)
    return file.getvalue()


def _safe(value: str) -> str:
    """Text that a spreadsheet shows as text: a leading = + - @ would be run by whoever opens the file (CSV injection)."""
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
