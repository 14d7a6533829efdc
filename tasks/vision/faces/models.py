"""Installing a face model pack: licence, checksums, safe unpacking, one move into place. Loads nothing by itself.

Checksums of buffalo_l: those of the archive published at github.com/deepinsight/insightface, release v0.7.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import requests

from tasks.vision.faces.insightface_engine import PACK_FILE, THRESHOLDS_FILE, FaceModelsBroken, InsightFaceEngine
from tasks.vision.text.fingerprints import sha256_of

MAX_PACK_BYTES = 2 << 30
MAX_ENTRIES = 200
BLOCK = 1 << 20

LICENCE = """\
insightface 的代码采用 MIT 许可；它发布的预训练模型包（buffalo_l 等）仅许可用于非商业研究，
无论自动下载还是手工下载。在生产中使用须另行取得授权，或使用自有授权的模型包。
详见 https://github.com/deepinsight/insightface#license
"""


class PackRefused(Exception):
    """A pack that is not installed; the message says why and what to do, in Chinese."""


@dataclass(frozen=True, slots=True)
class KnownPack:
    """files: sha256 of every file by name."""

    name: str
    url: str
    archive_sha256: str
    files: Mapping[str, str]


BUFFALO_L = KnownPack(
    name="buffalo_l",
    url="https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
    archive_sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
    files={
        "1k3d68.onnx": "df5c06b8a0c12e422b2ed8947b8869faa4105387f199c477af038aa01f9a45cc",
        "2d106det.onnx": "f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
        "det_10g.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
        "genderage.onnx": "4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",
        "w600k_r50.onnx": "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
    },
)
KNOWN_PACKS = (BUFFALO_L,)


def install_pack(source: Path, target: Path, *, checksums: str | None = None) -> str:
    """Put the models of `source`, a folder or a .zip, at `target`, replacing a pack that is there. Returns its name.

    checksums: 64 hex digits (of the .zip) or the path of a list as sha256sum writes it (one line for every .onnx); not
    needed for a pack of KNOWN_PACKS. Raises PackRefused, and then `target` is as it was: unknown or wrong checksum, unsafe
    archive, models that do not load.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as workplace:
        stage = Path(workplace) / "pack"
        stage.mkdir()
        if source.is_dir():
            if checksums is not None and _HEX.fullmatch(checksums):
                raise PackRefused("单个 sha256 只用于 zip；文件夹请给出 sha256sum 格式的清单文件。")
            _copy_models(source, stage)
        elif source.is_file():
            _check_archive(source, checksums)
            _unpack(source, stage)
        else:
            raise PackRefused(f"找不到 {source}。")
        digests = {path.name: sha256_of(path) for path in sorted(stage.glob("*.onnx"))}
        name = _vouched_name(digests, checksums) or source.stem
        (stage / PACK_FILE).write_text(json.dumps({"pack": name, "files": digests}, indent=1), encoding="utf-8")
        try:
            InsightFaceEngine(stage)
        except FaceModelsBroken as broken:
            raise PackRefused(f"模型包无法加载：{broken}") from broken
        _swap(stage, target, Path(workplace) / "replaced")
    return name


@contextmanager
def downloaded(pack: KnownPack, folder: Path) -> Iterator[Path]:
    """The pack's archive in a temporary file of `folder`, checksum checked. Raises PackRefused, also without a network."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download.") as workplace:
        archive = Path(workplace) / f"{pack.name}.zip"
        try:
            with requests.get(pack.url, stream=True, timeout=(10, 60)) as answer:
                answer.raise_for_status()
                _write_capped(answer.iter_content(BLOCK), archive)
        except requests.RequestException as error:
            raise PackRefused(
                f"无法下载模型包（{type(error).__name__}）。请在能联网的机器上下载 {pack.url} ，拷贝到本机后用 --from 安装。"
            ) from error
        found = sha256_of(archive)
        if found != pack.archive_sha256:
            raise PackRefused(f"下载的文件校验失败：应为 {pack.archive_sha256}，实际为 {found}。没有安装。")
        yield archive


def _write_capped(blocks: Iterable[bytes], path: Path) -> None:
    written = 0
    with path.open("wb") as file:
        for block in blocks:
            written += len(block)
            if written > MAX_PACK_BYTES:
                raise PackRefused("模型包超过 2 GB，没有安装。")
            file.write(block)


def _copy_models(source: Path, stage: Path) -> None:
    for path in sorted(source.iterdir()):
        if _is_wanted(path.name) and path.is_file() and not path.is_symlink():
            shutil.copyfile(path, stage / path.name)


def _check_archive(archive: Path, checksums: str | None) -> None:
    if checksums is None or not _HEX.fullmatch(checksums):
        return
    found = sha256_of(archive)
    if found != checksums.lower():
        raise PackRefused(f"校验失败：{archive.name} 的 sha256 应为 {checksums.lower()}，实际为 {found}。")


def _unpack(archive: Path, stage: Path) -> None:
    """The models of a zip, flat. One unsafe entry refuses all of it: an honest archive has none."""
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            _check_entries(entries)
            for entry in entries:
                name = PurePosixPath(entry.filename).name
                if entry.is_dir() or not _is_wanted(name):
                    continue
                if (stage / name).exists():
                    raise PackRefused(f"压缩包里有两个 {name}，没有安装。")
                with packed.open(entry) as content:
                    _write_capped(iter(lambda: content.read(BLOCK), b""), stage / name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise PackRefused(f"{archive.name} 不是完好的 zip 压缩包。") from error


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_PACK_BYTES:
        raise PackRefused("压缩包里的文件过多或过大，没有安装。")
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        leaves = path.is_absolute() or ".." in path.parts or ":" in entry.filename or "\0" in entry.orig_filename
        if leaves or stat.S_ISLNK(entry.external_attr >> 16):
            raise PackRefused("压缩包里有不安全的路径或链接，没有安装。")


def _is_wanted(name: str) -> bool:
    return name.endswith(".onnx") or name == THRESHOLDS_FILE


def _vouched_name(digests: Mapping[str, str], checksums: str | None) -> str | None:
    """Name of the known pack these are of, None where `checksums` vouches for them. Raises PackRefused."""
    if not digests:
        raise PackRefused("没有找到 .onnx 模型文件。")
    for pack in KNOWN_PACKS:
        if digests.items() <= pack.files.items():
            return pack.name
    if checksums is None:
        raise PackRefused("不认识的模型包：请用 --sha256 给出校验值（zip 的 sha256，或 sha256sum 格式的清单文件）。")
    if _HEX.fullmatch(checksums):
        return None  # _check_archive compared it
    listed = _read_list(Path(checksums))
    for name, found in digests.items():
        if listed.get(name) != found:
            raise PackRefused(f"校验失败：{name} 的 sha256 为 {found}，清单中为 {listed.get(name, '无')}。")
    return None


def _read_list(path: Path) -> dict[str, str]:
    """sha256sum's format: digest, blank, `*` or blank, name."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PackRefused(f"读不了校验清单 {path}。") from error
    found = (_LINE.fullmatch(line.strip()) for line in lines)
    return {PurePosixPath(match[2]).name: match[1].lower() for match in found if match}


_HEX = re.compile(r"[0-9a-fA-F]{64}")
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def _swap(stage: Path, target: Path, replaced: Path) -> None:
    """Workers see the old pack or the new one, never half of one; the old one goes away with the work folder."""
    if target.exists():
        os.rename(target, replaced)
    try:
        os.rename(stage, target)
    except OSError:
        if replaced.exists():
            os.rename(replaced, target)
        raise
