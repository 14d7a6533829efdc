"""Checking an evidence file: no database, no master key; the archive, and the public key it should be signed with."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from engine.replay.evidence.items import first_altered
from storage.master_key import is_signed

FORMAT = 1
MANIFEST, SIGNATURE, JOURNAL = "manifest.json", "manifest.sig", "journal.jsonl"
LARGEST_BYTES = 200_000_000  # unpacked; more is no evidence file but a bomb
_OF_THE_LINE = ("link", "signature")

Json = Any  # a JSON value


@dataclass(frozen=True, slots=True)
class Alteration:
    """The first thing that is not as it was exported. seq: of the journal's entry, None for another member."""

    member: str
    seq: int | None
    what: str  # a Chinese sentence


@dataclass(frozen=True, slots=True)
class EvidenceVerdict:
    """manifest: as the file says it, empty where it cannot be read. altered: None for a file that holds."""

    manifest: Mapping[str, Json]
    altered: Alteration | None

    @property
    def holds(self) -> bool:
        return self.altered is None


class _Altered(Exception):
    def __init__(self, member: str, what: str, seq: int | None = None) -> None:
        super().__init__(what)
        self.found = Alteration(member, seq, what)


def check_evidence(content: bytes, public_key: bytes | None = None) -> EvidenceVerdict:
    """public_key: of the platform, from elsewhere. Without it the file's own is believed: then only who could sign with

    some key of their own could have altered it.
    """
    manifest: dict[str, Json] = {}
    try:
        members = _members(content)
        manifest = _manifest(members)
        key = public_key or bytes.fromhex(manifest["public_key"])
        # The journal first: an altered entry is named by its number, not as a file that differs.
        _check_journal(members.get(JOURNAL, b""), manifest, key)
        _check_members(members, manifest)
        if not is_signed(key, members[MANIFEST], _hex(members.get(SIGNATURE, b""))):
            raise _Altered(MANIFEST, "签名与内容不符")
    except _Altered as altered:
        return EvidenceVerdict(manifest, altered.found)
    except (KeyError, TypeError, ValueError):
        return EvidenceVerdict(manifest, Alteration(MANIFEST, None, "内容不完整，无法核对"))
    return EvidenceVerdict(manifest, None)


def first_link(case_id: str) -> bytes:
    """What the first line is linked to: lines of another case's file do not fit."""
    return hashlib.sha256(f"case {case_id}".encode()).digest()


def line_link(before: bytes, line: Mapping[str, Json]) -> bytes:
    """SHA-256 over the link of the line before and this line without its own link and signature."""
    told = {name: value for name, value in line.items() if name not in _OF_THE_LINE}
    # Written and read once, so that instants and numbers are what a reader of the file finds.
    plain = orjson.loads(orjson.dumps(told))
    return hashlib.sha256(before + orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


def _members(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST_BYTES:
                raise _Altered("", "文件过大，不是证据包")
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise _Altered("", "同名的文件出现了两次")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _Altered("", "文件不是 zip 或已损坏") from error


def _manifest(members: Mapping[str, bytes]) -> dict[str, Json]:
    if MANIFEST not in members:
        raise _Altered(MANIFEST, "缺少 manifest.json")
    manifest: dict[str, Json] = orjson.loads(members[MANIFEST])
    if manifest["format"] != FORMAT:
        raise _Altered(MANIFEST, f"格式版本为 {manifest['format']}，本程序只认识 {FORMAT}")
    return manifest


def _check_journal(content: bytes, manifest: Mapping[str, Json], key: bytes) -> None:
    link, entries = first_link(manifest["case"]), manifest["entries"]
    seq = 0
    for seq, line in enumerate(_lines(content), 1):
        if line.get("seq") != seq:
            raise _Altered(JOURNAL, f"第 {seq} 条缺失或移位", seq)
        link = line_link(link, line)
        if line.get("link") != link.hex():
            raise _Altered(JOURNAL, f"第 {seq} 条的内容被改动", seq)
        if not is_signed(key, link, _hex(str(line.get("signature", "")).encode())):
            raise _Altered(JOURNAL, f"第 {seq} 条的签名与内容不符", seq)
    if seq != entries:
        raise _Altered(JOURNAL, f"应有 {entries} 条，只有 {seq} 条", min(seq, entries) + 1)


def _lines(content: bytes) -> Iterator[dict[str, Json]]:
    for number, text in enumerate(content.splitlines(), 1):
        try:
            line = orjson.loads(text)
        except ValueError as error:
            raise _Altered(JOURNAL, f"第 {number} 条无法读取", number) from error
        if not isinstance(line, dict):
            raise _Altered(JOURNAL, f"第 {number} 条无法读取", number)
        yield line


def _check_members(members: Mapping[str, bytes], manifest: Mapping[str, Json]) -> None:
    digests: Mapping[str, str] = manifest["members"]
    items: Mapping[str, list[str]] = manifest.get("items", {})  # files of an earlier release have none
    for name in sorted(digests.keys() | members.keys() - {MANIFEST, SIGNATURE}):
        if name not in members:
            raise _Altered(name, f"缺少 {name}")
        if name not in digests:
            raise _Altered(name, f"{name} 不在清单中")
        if hashlib.sha256(members[name]).hexdigest() != digests[name]:
            raise _Altered(name, first_altered(name, members[name], items.get(name, ())) or f"{name} 的内容被改动")


def _hex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode())
    except ValueError:
        return b""
