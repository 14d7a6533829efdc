"""The one XML parser for what analysts upload: no entities, no document type, no network, bounded size."""

from __future__ import annotations

from lxml import etree

from engine.errors import InvalidDiagram, Problem

MAX_BYTES = 5_000_000

Node = etree._Element  # lxml has no public name for it


def parse_xml(content: bytes) -> Node:
    """The root element. Raises InvalidDiagram with `xml.too_large`, `xml.doctype` or `xml.malformed`."""
    if len(content) > MAX_BYTES:
        raise _invalid("xml.too_large", f"文件超过 {MAX_BYTES // 1_000_000} MB")
    # Before parsing, so that no entity of it is ever seen; NULs go so that UTF-16 hides nothing.
    if b"<!DOCTYPE" in content.replace(b"\0", b"").upper():
        raise _invalid("xml.doctype", "文件含有 DOCTYPE 或实体声明，不予接受")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", None)
        where = f"（第 {line} 行）" if line else ""
        raise _invalid("xml.malformed", f"不是格式正确的 XML{where}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _invalid("xml.doctype", "文件含有 DOCTYPE 或实体声明，不予接受")
    return root


def local_name(node: Node) -> str:
    """Tag without its namespace; "" for comments and processing instructions."""
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def namespace(node: Node) -> str:
    return etree.QName(node).namespace or "" if isinstance(node.tag, str) else ""


def _invalid(code: str, message: str) -> InvalidDiagram:
    return InvalidDiagram([Problem("", "error", code, message)])
