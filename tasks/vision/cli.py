"""Commands of vision: `flask read-document`, `flask match-faces`, `flask models install`; --json: one JSON object a line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from config import load_settings
from domain.documents.documents import DocumentType
from domain.documents.reading_texts import PAGE_LABELS
from engine.errors import BusinessError

KINDS = ("auto", *(kind for kind in PAGE_LABELS if kind != DocumentType.RESIDENT_ID))


@click.command("read-document")
@click.option("--kind", type=click.Choice(KINDS), default="auto", show_default=True, help="照片上应当是什么。")
@click.option("--json", "as_json", is_flag=True, help="每个文件输出一行 JSON 对象。")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
def read_document(kind: str, as_json: bool, files: tuple[Path, ...]) -> None:
    """识别证件照片 FILE 上的字段。读不了的文件也占一行。"""
    from tasks.vision.documents.reader import document_reader

    document_reader()  # loads the models, some seconds: the first file's time is its own
    for path in files:
        found = _reading(path, kind)
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else _reading_for_people(found))


def _reading(path: Path, kind: str) -> dict[str, Any]:  # Any: the JSON object of the contract
    from tasks.vision.documents.reader import read_document as read
    from tasks.vision.pictures.images import decode_photo_or_page

    started = time.perf_counter()
    try:
        page = read(decode_photo_or_page(_read(path)), kind)
    except BusinessError as error:
        return {"file": str(path), "error": error.code, "message": error.message}
    return {
        "file": str(path),
        "kind": page.kind,
        "fields": {
            name: {"value": field.value, "confidence": round(field.confidence, 4), "box": list(field.box)}
            for name, field in page.fields.items()
        },
        "warnings": list(page.warnings),
        "seconds": round(time.perf_counter() - started, 3),
    }


def _reading_for_people(found: dict[str, Any]) -> str:
    if "error" in found:
        return f"{found['file']}：{found['message'] or found['error']}"
    from domain.documents.reading_texts import warning_text

    values = [f"  {name}：{field['value']}（{field['confidence']:.2f}）" for name, field in found["fields"].items()]
    hints = [f"  ! {warning_text(code)}" for code in found["warnings"]]
    return "\n".join([f"{found['file']}（{found['kind']}，{found['seconds']} 秒）", *values, *hints])


@click.command("match-faces")
@click.argument("portrait", type=click.Path(path_type=Path))
@click.argument("selfie", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="每行输出一个 JSON 对象。")
def match_faces(portrait: Path, selfie: Path, as_json: bool) -> None:
    """比对两张照片中的人脸：证件照片 PORTRAIT 与自拍 SELFIE。"""
    from tasks.vision.faces.match import face_matcher
    from tasks.vision.pictures.images import decode_photo_or_page

    started = time.perf_counter()
    try:
        photos = [decode_photo_or_page(_read(path)) for path in (portrait, selfie)]
        found = face_matcher(load_settings().face_model_dir).match(*photos)
    except BusinessError as error:
        click.echo(
            json.dumps({"error": error.code, "message": error.message}, ensure_ascii=False) if as_json else str(error)
        )
        return
    seconds = round(time.perf_counter() - started, 3)
    if as_json:
        click.echo(json.dumps({"engine": found.engine, "score": found.score, "band": found.band, "seconds": seconds}))
    else:
        label = {"same": "同一人", "unsure": "不确定", "different": "不是同一人"}[found.band]
        click.echo(f"{label}（{found.engine}，得分 {found.score}，{seconds} 秒）")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BusinessError("document.unreadable_file", f"读不了 {path}") from error


@click.group("models")
def models() -> None:
    """模型包。"""


@models.command("install")
@click.argument("kind", type=click.Choice(["insightface"]))
@click.option("--from", "source", type=click.Path(path_type=Path), help="本机上的模型文件夹或 zip。")
@click.option("--download", is_flag=True, help="从 insightface 的 GitHub 发布页下载 buffalo_l。")
@click.option("--sha256", "checksums", help="zip 的 sha256，或 sha256sum 格式的清单文件；buffalo_l 不需要。")
@click.option("--yes", is_flag=True, help="已阅读并接受许可，不再询问。")
def install_models(kind: str, source: Path | None, download: bool, checksums: str | None, yes: bool) -> None:
    """安装人脸模型包 KIND；装好后重启 worker 生效。"""
    from tasks.vision.faces.models import BUFFALO_L, LICENCE, PackRefused, downloaded, install_pack

    if (source is None) == (not download):
        raise click.UsageError("请给出 --from 目录 或 --download 之一。")
    click.echo(LICENCE)
    if not yes:
        click.confirm("是否接受以上许可并继续安装？", abort=True)
    target = load_settings().face_model_dir
    try:
        if source is not None:
            name = install_pack(source, target, checksums=checksums)
        else:
            with downloaded(BUFFALO_L, target.parent) as archive:
                name = install_pack(archive, target)
    except PackRefused as refused:
        raise click.ClickException(str(refused)) from refused
    click.echo(f"已安装 {kind} 模型包 {name}。")


COMMANDS = [read_document, match_faces, models]
