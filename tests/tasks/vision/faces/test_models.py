"""Installing a pack: vouched for by checksums, unpacked without surprises, put in place whole or not at all."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import socket
import stat
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.vision.faces import models as face_models
from tasks.vision.faces.insightface_engine import InsightFaceEngine
from tasks.vision.faces.models import KnownPack, PackRefused, downloaded, install_pack
from tests.tasks.vision.faces.face_pack import build_pack, paint


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    return build_pack(tmp_path_factory.mktemp("source") / "painted")


@pytest.fixture(scope="module")
def archive(pack, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("zips") / "painted.zip"
    path.write_bytes(zipped({f"painted/{model.name}": model.read_bytes() for model in pack.glob("*.onnx")}))
    return path


def zipped(files: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
        for name, goes_to in (links or {}).items():
            link = zipfile.ZipInfo(name)
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            packed.writestr(link, goes_to)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def a_list_of(folder: Path, at: Path, *, spoiled: str = "") -> Path:
    lines = [
        f"{'0' * 64 if path.name == spoiled else sha256(path.read_bytes())}  {path.name}"
        for path in folder.glob("*.onnx")
    ]
    at.write_text("\n".join(lines) + "\n")
    return at


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_with_a_list_of_checksums_is_installed_and_loads(pack, tmp_path):
    target = tmp_path / "models" / "insightface"

    name = install_pack(pack, target, checksums=str(a_list_of(pack, tmp_path / "sums")))

    assert name == "painted"
    engine = InsightFaceEngine(target)
    assert engine.name == "insightface-painted"
    assert len(engine.find_faces(paint(1))) == 1
    assert [path.name for path in target.parent.iterdir()] == ["insightface"], "nothing is left beside it"


def test_a_zip_with_its_checksum_is_installed(archive, tmp_path):
    target = tmp_path / "insightface"

    name = install_pack(archive, target, checksums=sha256(archive.read_bytes()).upper())

    assert name == "painted"
    record = json.loads((target / "pack.json").read_text())
    assert set(record["files"]) == {"det.onnx", "rec.onnx", "1k3d68.onnx", "2d106det.onnx"}


def test_measured_thresholds_come_along(pack, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for model in pack.glob("*.onnx"):
        (source / model.name).write_bytes(model.read_bytes())
    (source / "thresholds.json").write_text('{"same_from": 0.7, "unsure_from": 0.5, "may_pass": true}')

    install_pack(source, tmp_path / "target", checksums=str(a_list_of(source, tmp_path / "sums")))

    assert InsightFaceEngine(tmp_path / "target").may_pass is True


def test_a_known_pack_needs_no_checksum(pack, tmp_path, monkeypatch):
    known = KnownPack("painted_known", "", "", {path.name: sha256(path.read_bytes()) for path in pack.glob("*.onnx")})
    monkeypatch.setattr(face_models, "KNOWN_PACKS", (known,))

    assert install_pack(pack, tmp_path / "target") == "painted_known"


def test_a_new_pack_replaces_the_old_one_whole(pack, tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "old.onnx").write_bytes(b"old")

    install_pack(pack, target, checksums=str(a_list_of(pack, tmp_path / "sums")))

    assert not (target / "old.onnx").exists()


def refused(source: Path, tmp_path: Path, checksums: str | None) -> str:
    """Installing fails and the pack that was there is untouched. Returns the message."""
    target = tmp_path / "models" / "insightface"
    target.mkdir(parents=True)
    (target / "old.onnx").write_bytes(b"old")
    before = tree(tmp_path)

    with pytest.raises(PackRefused) as refusal:
        install_pack(source, target, checksums=checksums)

    assert tree(tmp_path) == before
    return str(refusal.value)


def test_an_unknown_pack_without_a_checksum_is_refused(pack, tmp_path):
    assert "--sha256" in refused(pack, tmp_path, None)


def test_one_wrong_line_in_the_list_is_refused(pack, tmp_path):
    sums = a_list_of(pack, tmp_path / "sums", spoiled="rec.onnx")

    assert "rec.onnx" in refused(pack, tmp_path, str(sums))


def test_a_model_missing_from_the_list_is_refused(pack, tmp_path):
    sums = tmp_path / "sums"
    sums.write_text(f"{sha256((pack / 'det.onnx').read_bytes())} *det.onnx\n")

    assert "校验失败" in refused(pack, tmp_path, str(sums))


def test_a_zip_with_another_checksum_is_refused(archive, tmp_path):
    assert "校验失败" in refused(archive, tmp_path, "0" * 64)


def test_the_checksum_of_a_zip_does_not_vouch_for_a_folder(pack, tmp_path):
    assert "清单" in refused(pack, tmp_path, "0" * 64)


@pytest.mark.parametrize(
    "name", ["../evil.onnx", "a/../../evil.onnx", "/tmp/evil.onnx", "..\\evil.onnx", "C:\\evil.onnx"]
)
def test_an_archive_that_points_outside_is_refused_whole(archive, tmp_path, name):
    with zipfile.ZipFile(archive) as good:
        content = {entry: good.read(entry) for entry in good.namelist()} | {name: b"evil"}
    evil = tmp_path / "evil.zip"
    evil.write_bytes(zipped(content))

    assert "不安全" in refused(evil, tmp_path, sha256(evil.read_bytes()))


def test_an_archive_with_a_link_is_refused(tmp_path):
    evil = tmp_path / "evil.zip"
    evil.write_bytes(zipped({}, links={"det.onnx": "/etc/passwd"}))

    assert "不安全" in refused(evil, tmp_path, sha256(evil.read_bytes()))


def test_a_link_in_a_folder_is_not_followed(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "det.onnx").symlink_to("/etc/passwd")

    assert "没有找到" in refused(source, tmp_path, None)


def test_two_models_of_one_name_are_refused(tmp_path):
    twice = tmp_path / "twice.zip"
    twice.write_bytes(zipped({"a/det.onnx": b"one", "b/det.onnx": b"two"}))

    assert "两个" in refused(twice, tmp_path, sha256(twice.read_bytes()))


def test_an_archive_larger_than_the_limit_is_refused(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(face_models, "MAX_PACK_BYTES", 1000)

    assert "过大" in refused(archive, tmp_path, sha256(archive.read_bytes()))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_broken_archive_is_refused(tmp_path, content):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(content)

    assert refused(broken, tmp_path, sha256(content))


def test_vouched_models_that_do_not_load_are_refused(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "det.onnx").write_bytes(b"not a model")

    assert "无法加载" in refused(source, tmp_path, str(a_list_of(source, tmp_path / "sums")))


def test_a_missing_source_is_refused(tmp_path):
    assert "找不到" in refused(tmp_path / "nowhere", tmp_path, None)


@contextmanager
def a_server_of(content: bytes) -> Iterator[str]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/pack.zip" else 404)
            self.end_headers()
            if self.path == "/pack.zip":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_download_is_checked_and_cleared_away(archive, tmp_path):
    content = archive.read_bytes()
    with a_server_of(content) as address:
        pack = KnownPack("painted", f"{address}/pack.zip", sha256(content), {})

        with downloaded(pack, tmp_path) as path:
            fetched = path.read_bytes()

    assert fetched == content
    assert list(tmp_path.iterdir()) == []


def test_a_download_of_other_bytes_is_refused(tmp_path):
    with a_server_of(b"something else") as address:
        pack = KnownPack("painted", f"{address}/pack.zip", "0" * 64, {})

        with pytest.raises(PackRefused, match="校验失败"), downloaded(pack, tmp_path):
            pytest.fail("nothing may be used before it is checked")

    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_on_the_server_is_refused(tmp_path):
    with a_server_of(b"") as address:
        pack = KnownPack("painted", f"{address}/gone.zip", "0" * 64, {})

        with pytest.raises(PackRefused, match="--from"), downloaded(pack, tmp_path):
            pytest.fail("there is nothing to use")


def test_without_a_network_the_message_says_what_to_do(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        pack = KnownPack("painted", f"http://127.0.0.1:{closed.getsockname()[1]}/pack.zip", "0" * 64, {})

        with pytest.raises(PackRefused, match=r"无法下载.*--from"), downloaded(pack, tmp_path):
            pytest.fail("there is nothing to use")

    assert list(tmp_path.iterdir()) == []
