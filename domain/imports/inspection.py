"""Looking through a workbook before a value of it is read: what a register cannot take is refused with its place.

A workbook comes from strangers and is a zip of XML: its parts are measured before anything is unpacked, and read once as a
stream for formulas, merged cells, macros and entities.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from lxml import etree

from domain.imports.workbook import SHEETS
from domain.refused import Refused

MAX_ROWS = 20_000  # of a sheet
MAX_COLUMNS = 60
MAX_PARTS = 1_000
MAX_UNPACKED = 120 * 1024 * 1024
MAX_RATIO = 300  # unpacked to packed; a plain register packs to a tenth


def inspect_workbook(content: bytes) -> int:
    """How many data rows there are at most. Raises Refused for what cannot be taken, `place` says where:

    "import.not_xlsx", "import.too_large_unpacked", "import.macros", "import.entities", "import.formulas",
    "import.merged_cells", "import.too_many_rows", "import.too_many_columns", "import.no_sheets", "import.empty".
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _refuse_bomb(content, archive)
            names = archive.namelist()
            if any("vbaproject" in name.lower() for name in names):
                raise Refused("import.macros")
            for name in names:
                if name.lower().endswith((".xml", ".rels")):
                    _refuse_entities(archive, name)
            rows = sum(_inspect_sheet(archive, part, title) for title, part in _sheet_parts(archive).items())
    except (
        zipfile.BadZipFile,
        KeyError,
        etree.XMLSyntaxError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ) as error:
        raise Refused("import.not_xlsx") from error  # RuntimeError: a member with a password
    if rows == 0:
        raise Refused("import.empty")
    return rows


def _refuse_bomb(content: bytes, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_PARTS or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(1, len(content)):
        raise Refused("import.too_large_unpacked")


def _refuse_entities(archive: zipfile.ZipFile, name: str) -> None:
    """A document type may define entities that unfold without end or name files; no spreadsheet program writes one."""
    with archive.open(name) as part:
        head = part.read(4096)
    if b"\x00" in head or b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise Refused("import.entities")


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Title → part, of the sheets this platform knows. Raises Refused("import.no_sheets") where there is none."""
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in _parse(archive, "xl/_rels/workbook.xml.rels").iter("{*}Relationship")
    }
    known = {sheet.title for sheet in SHEETS}
    parts = {}
    for sheet in _parse(archive, "xl/workbook.xml").iter("{*}sheet"):
        relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
        target = targets.get(relation, "")
        if sheet.get("name") in known and target:
            parts[sheet.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    if not parts:
        raise Refused("import.no_sheets")
    return parts


def _parse(archive: zipfile.ZipFile, name: str) -> Any:  # Any: lxml has no types
    return etree.fromstring(archive.read(name), etree.XMLParser(resolve_entities=False, no_network=True))


def _inspect_sheet(archive: zipfile.ZipFile, part: str, title: str) -> int:
    """Data rows of one sheet, at most."""
    rows, cell = 0, ""
    with archive.open(part) as stream:
        for event, element in etree.iterparse(stream, events=("start", "end"), resolve_entities=False, no_network=True):
            tag = etree.QName(element).localname
            if event == "start":
                cell = element.get("r", cell) if tag == "c" else cell
                if tag == "row":
                    rows = max(rows + 1, int(element.get("r", 0)))
                _refuse_element(tag, f"{title}!{element.get('ref', '') if tag == 'mergeCell' else cell}", rows, title)
            elif tag in ("row", "c"):
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    return max(0, rows - 1)


def _refuse_element(tag: str, place: str, rows: int, title: str) -> None:
    if tag == "f":
        raise Refused("import.formulas", place=place)
    if tag == "mergeCell":
        raise Refused("import.merged_cells", place=place)
    if rows > MAX_ROWS + 1:
        raise Refused("import.too_many_rows", place=title, limit=MAX_ROWS)
    if tag == "c" and _column_number(place.partition("!")[2]) > MAX_COLUMNS:
        raise Refused("import.too_many_columns", place=place, limit=MAX_COLUMNS)


def _column_number(reference: str) -> int:
    """AB12 → 28; 0 for a cell without a reference."""
    number = 0
    for letter in re.match(r"[A-Z]*", reference.upper()).group():  # type: ignore[union-attr]  # * always matches
        number = number * 26 + ord(letter) - 64
    return number
