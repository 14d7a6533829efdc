"""Where the text models lie on disk. Nothing is downloaded: by default the weights inside the rapidocr wheel are used."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

DETECTION = "PP-OCRv6_small_det"
RECOGNITION = "PP-OCRv6_small_rec"
EDITION = 2  # of the settings below: raise it with every change, so that described folders are made anew


# Strips are padded to this width at 48 pixels of height. PaddleOCR's own 320 takes 17 ms for 男, this takes 5.
LEAST_STRIP_PX = 96


class MissingModel(Exception):
    """A model folder is not as expected; the message says which file is missing. The machine's fault, not the photo's."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder with `inference.yml` and either `inference.onnx` or Paddle's files. name: PaddleOCR's name of the model."""

    name: str
    path: Path
    engine: str

    @property
    def weights(self) -> Path:
        """The file whose contents decide what is read. Raises MissingModel."""
        file = self.path / ("inference.onnx" if self.engine == "onnxruntime" else "inference.pdiparams")
        if not file.exists():
            raise MissingModel(f"{file} is missing")
        return file


def model_folders(own: Path | None, cache_dir: Path) -> tuple[ModelFolder, ModelFolder]:
    """Detection and recognition. own: the OCR_MODEL_DIR with folders `det` and `rec`, None for the wheel's weights.

    cache_dir: where the wheel's weights get the `inference.yml` they lack. Raises MissingModel.
    """
    if own is not None:
        return _own_folder(own / "det"), _own_folder(own / "rec")
    shipped = _shipped_models()
    home = cache_dir / f"rapidocr-{version('rapidocr')}-{EDITION}"
    detection, recognition = home / DETECTION, home / RECOGNITION
    if not (detection / "inference.yml").exists():
        _describe(shipped / "PP-OCRv6_det_small.onnx", detection, _detection_settings())
    if not (recognition / "inference.yml").exists():
        weights = shipped / "PP-OCRv6_rec_small.onnx"
        _describe(weights, recognition, _recognition_settings(_characters(weights)))
    return ModelFolder(DETECTION, detection, "onnxruntime"), ModelFolder(RECOGNITION, recognition, "onnxruntime")


def _shipped_models() -> Path:
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise MissingModel("the package rapidocr, which ships the default OCR weights, is not installed")
    return Path(spec.origin).parent / "models"


def _own_folder(path: Path) -> ModelFolder:
    import yaml

    described = path / "inference.yml"
    if not described.exists():
        raise MissingModel(
            f"{described} is missing: OCR_MODEL_DIR needs the folders det and rec, each with an inference.yml"
        )
    name = yaml.safe_load(described.read_text("utf-8")).get("Global", {}).get("model_name")
    if not name:
        raise MissingModel(f"{described} names no Global.model_name")
    engine = "onnxruntime" if (path / "inference.onnx").exists() else "paddle_static"
    return ModelFolder(str(name), path, engine)


def _describe(weights: Path, target: Path, settings: dict[str, Any]) -> None:  # Any: a YAML document
    """Make `target` a model folder for `weights`; safe when several workers do it at once."""
    import yaml

    if not weights.exists():
        raise MissingModel(f"{weights.name} is missing from the rapidocr wheel")
    target.mkdir(parents=True, exist_ok=True)
    _replace_link(target / "inference.onnx", weights)
    document = {"Global": {"model_name": target.name}, **settings}
    draft = target / f".inference.yml.{os.getpid()}"
    draft.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    draft.replace(target / "inference.yml")


def _replace_link(link: Path, goal: Path) -> None:
    if link.is_symlink() and link.resolve() == goal.resolve():
        return
    draft = link.with_name(f".{link.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(goal)
    draft.replace(link)


def _characters(weights: Path) -> list[str]:
    """The recogniser's alphabet, which the ONNX file carries as metadata."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    listed: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if "character" not in listed:
        raise MissingModel(f"{weights.name} carries no character list")
    return listed["character"].split("\n")


def _detection_settings() -> dict[str, Any]:
    return {
        "PreProcess": {
            "transform_ops": [
                {"DetResizeForTest": {"resize_long": 960}},
                {
                    "NormalizeImage": {
                        "mean": [0.485, 0.456, 0.406],
                        "std": [0.229, 0.224, 0.225],
                        "scale": 1 / 255,
                        "order": "hwc",
                    }
                },
                {"ToCHWImage": None},
                {"KeepKeys": {"keep_keys": ["image", "shape"]}},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.3,
            "box_thresh": 0.5,
            "max_candidates": 1000,
            "unclip_ratio": 1.6,
        },
    }


def _recognition_settings(characters: list[str]) -> dict[str, Any]:
    return {
        "PreProcess": {
            "transform_ops": [
                {"RecResizeImg": {"image_shape": [3, 48, LEAST_STRIP_PX]}},
                {"KeepKeys": {"keep_keys": ["image"]}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": characters},
    }
