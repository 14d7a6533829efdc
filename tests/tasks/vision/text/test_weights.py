"""Where the text models come from: the wheel's weights by default, a folder of one's own, a clear word when one is missing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tasks.vision.text.ocr import TextReader
from tasks.vision.text.weights import MissingModel, model_folders
from tools.cards.lettering import font


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return model_folders(None, tmp_path_factory.mktemp("models"))


def a_line_of_text() -> np.ndarray:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (640, 160), "white")
    ImageDraw.Draw(picture).text((40, 50), "公民身份号码", fill="black", font=font(48))
    return np.asarray(picture)


def test_the_weights_of_the_wheel_become_two_model_folders(shipped):
    for folder in shipped:
        assert (folder.path / "inference.onnx").exists()
        assert "Global" in (folder.path / "inference.yml").read_text("utf-8")
        assert folder.engine == "onnxruntime"


def test_a_second_process_finds_the_folders_as_they_are(shipped):
    described = shipped[1].path / "inference.yml"
    before = described.stat().st_mtime_ns

    again = model_folders(None, shipped[1].path.parents[1])

    assert again == shipped
    assert described.stat().st_mtime_ns == before


def test_a_folder_of_ones_own_is_read_with(shipped, tmp_path):
    for folder, name in zip(shipped, ("det", "rec"), strict=True):
        shutil.copytree(folder.path, tmp_path / "own" / name)

    reader = TextReader(tmp_path / "own", tmp_path / "cache")
    picture = a_line_of_text()
    lines = reader.read_lines(picture, reader.find_lines(picture))

    assert [line.text for line in lines] == ["公民身份号码"]
    assert not (tmp_path / "cache").exists()


def test_a_missing_description_is_named(tmp_path):
    (tmp_path / "det").mkdir()

    with pytest.raises(MissingModel, match=r"det/inference\.yml is missing"):
        model_folders(tmp_path, tmp_path / "cache")


def test_a_description_without_a_name_is_refused(tmp_path):
    (tmp_path / "det").mkdir()
    (tmp_path / "det" / "inference.yml").write_text("Global: {}\n")

    with pytest.raises(MissingModel, match="model_name"):
        model_folders(tmp_path, tmp_path / "cache")
