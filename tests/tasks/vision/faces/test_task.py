"""`face.match` as a diagram calls it: attachments in, JSON out, business errors for what the applicant can mend."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from engine.attachments.media import find_media_type
from engine.errors import BusinessError
from engine.services.registry import StoredFile, find_service_task
from tasks.vision.faces import match as face
from tasks.vision.service_tasks import FaceMatchParameters
from tools.cards import faces

ROOT = Path(__file__).resolve().parents[4]


@dataclass
class CaseWithFiles:
    """A JobContext whose attachments are given bytes."""

    files: dict[str, bytes]
    case_id: str = "case"
    started_by: str = "account"
    idempotency_key: str = "key"
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, tzinfo=UTC))

    def read_attachment(self, attachment_id: str) -> StoredFile:
        content = self.files[attachment_id]
        return StoredFile(content, find_media_type(content) or "application/octet-stream")

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        raise AssertionError("comparing faces keeps no new picture")


def a_file(picture: Image.Image, format: str = "JPEG") -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def fallback_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.delenv("FACE_MODEL_DIR", raising=False)
    monkeypatch.setattr(face, "_loaded", None)


def compare(portrait: bytes, selfie: bytes) -> dict:
    task = find_service_task("face.match")
    context = CaseWithFiles({"card": portrait, "me": selfie})
    return task.run(FaceMatchParameters(portrait="card", selfie="me"), context).model_dump(mode="json")


@pytest.mark.parametrize("format", ["JPEG", "PDF", "HEIF"])
def test_the_result_is_plain_json(format):
    rng = random.Random(4)

    result = compare(a_file(faces.card_portrait(0, rng), format), a_file(Image.fromarray(faces.selfie(0, rng))))

    assert result["engine"] == "dlib-resnet-v1"
    assert (result["band"], result["may_pass"]) == ("same", False)
    assert len(result["boxes"]["selfie"]) == 4
    assert result["quality"]["portrait"]["size_px"] > 48
    assert result["models"].keys() == {
        "dlib_face_recognition_resnet_model_v1.dat",
        "shape_predictor_5_face_landmarks.dat",
    }
    assert {len(digest) for digest in result["models"].values()} == {64}


def test_every_refusal_is_a_code_the_task_declares():
    rng = random.Random(4)
    good = a_file(faces.card_portrait(0, rng))
    selfie = Image.fromarray(faces.selfie(0, rng))
    crowd = Image.new("RGB", (1440, 960))
    crowd.paste(selfie, (0, 0))
    crowd.paste(Image.fromarray(faces.selfie(3, rng)), (720, 0))
    small = Image.new("RGB", (1600, 1200), "grey")
    small.paste(selfie.resize((195, 260)), (700, 500))
    bad = {
        "face.none": a_file(faces.placeholder(rng)),
        "face.several": a_file(crowd),
        "face.poor_quality": a_file(small),
        "document.unreadable_file": b"\xff\xd8\xff nothing more",
    }

    codes = {}
    for expected, content in bad.items():
        with pytest.raises(BusinessError) as refused:
            compare(good, content)
        codes[expected] = refused.value.code

    assert codes == {code: code for code in bad}
    assert set(find_service_task("face.match").errors) == set(bad)


def test_declaring_tasks_and_commands_loads_no_model_library():
    script = "import sys, tasks.vision.service_tasks, tasks.vision.cli; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert not {"cv2", "dlib", "insightface", "onnxruntime", "paddleocr", "numpy"} & set(done.stdout.split())
