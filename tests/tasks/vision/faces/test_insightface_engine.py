"""The real FaceAnalysis on a pack the test builds: loading, routing, pose, bands, and every way a pack can be wrong."""

from __future__ import annotations

import json
import random
from hashlib import sha256

import numpy as np
import pytest

from engine.errors import BusinessError
from tasks.vision.faces.insightface_engine import (
    UNMEASURED,
    FaceModelsBroken,
    InsightFaceEngine,
    is_pack_installed,
    read_thresholds,
)
from tasks.vision.faces.match import FaceMatcher
from tests.tasks.vision.faces.face_pack import build_pack, paint, some_seed


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return build_pack(tmp_path_factory.mktemp("models") / "painted")


@pytest.fixture(scope="module")
def matcher(pack) -> FaceMatcher:
    return FaceMatcher(InsightFaceEngine(pack))


def test_the_same_painted_face_is_the_same_person(matcher, pack):
    found = matcher.match(paint(1), paint(1, grain=40))

    assert found.band == "same"
    assert found.score > 0.95
    assert found.boxes["portrait"] == (224, 224, 416, 416)
    assert found.engine == "insightface-painted"
    assert set(found.models) <= {file.name for file in pack.glob("*.onnx")}
    assert all(digest == sha256((pack / name).read_bytes()).hexdigest() for name, digest in found.models.items())


def test_other_paintings_are_other_people(matcher):
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    print("seed", seed)

    scores = [matcher.match(paint(some_seed(rng)), paint(some_seed(rng))).score for _ in range(8)]

    assert max(scores) < 0.9
    assert np.mean(scores) < UNMEASURED.same_from + 0.2


def test_a_larger_picture_gives_the_box_in_its_own_pixels(matcher):
    found = matcher.match(paint(1), paint(1, side=1280))

    assert found.boxes["selfie"] == pytest.approx((448, 448, 832, 832), abs=4)


def test_several_and_none_are_told_apart(matcher):
    codes = []
    for selfie in (paint(1, 2), np.full((640, 640, 3), 40, np.uint8)):
        with pytest.raises(BusinessError) as refused:
            matcher.match(paint(1), selfie)
        codes.append(refused.value.code)

    assert codes == ["face.several", "face.none"]


@pytest.mark.parametrize(("yaw_deg", "accepted"), [(0, True), (25, True), (-25, True), (50, False), (-50, False)])
def test_a_head_turned_too_far_is_poor_quality(tmp_path, yaw_deg, accepted):
    matcher = FaceMatcher(InsightFaceEngine(build_pack(tmp_path, yaw_deg=yaw_deg)))

    if accepted:
        assert matcher.match(paint(1), paint(1)).quality["selfie"]["yaw"] == pytest.approx(yaw_deg, abs=0.1)
    else:
        with pytest.raises(BusinessError) as refused:
            matcher.match(paint(1), paint(1))
        assert refused.value.code == "face.poor_quality"


def test_a_pack_without_pose_model_still_compares(tmp_path):
    pack = build_pack(tmp_path)
    (pack / "1k3d68.onnx").unlink()

    found = FaceMatcher(InsightFaceEngine(pack)).match(paint(1), paint(1))

    assert found.band == "same"
    assert set(found.quality["selfie"]) == {"size_px", "sharpness"}


def test_an_unmeasured_pack_passes_nobody_alone(matcher):
    found = matcher.match(paint(1), paint(1))

    assert (found.band, found.may_pass) == ("same", False)


def test_measured_thresholds_beside_the_models_count(tmp_path):
    pack = build_pack(tmp_path)
    (pack / "thresholds.json").write_text(json.dumps({"same_from": 0.99, "unsure_from": 0.98, "may_pass": True}))
    matcher = FaceMatcher(InsightFaceEngine(pack))

    same, other = matcher.match(paint(1), paint(1)), matcher.match(paint(1), paint(2))

    assert (same.band, same.may_pass) == ("same", True)
    assert (other.band, other.may_pass) == ("different", False)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"same_from": 0.2, "unsure_from": 0.4}',
        '{"same_from": 3, "unsure_from": 0.4}',
        '{"same_from": 0.5, "unsure_from": 0.4, "may_pass": "yes"}',
        '{"same_from": NaN, "unsure_from": 0.4}',
    ],
)
def test_thresholds_that_contradict_themselves_break_the_pack(tmp_path, text):
    (tmp_path / "thresholds.json").write_text(text)

    with pytest.raises(FaceModelsBroken):
        read_thresholds(tmp_path)


@pytest.mark.parametrize("missing", ["det.onnx", "rec.onnx"])
def test_a_pack_that_lacks_a_model_says_so(tmp_path, missing):
    pack = build_pack(tmp_path)
    (pack / missing).unlink()

    with pytest.raises(FaceModelsBroken):
        InsightFaceEngine(pack)


def test_a_missing_or_empty_folder_is_no_pack_and_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    with pytest.raises(FaceModelsBroken):
        InsightFaceEngine(tmp_path)

    assert not is_pack_installed(tmp_path)
    assert not is_pack_installed(tmp_path / "nowhere")
    assert not (tmp_path / "home" / ".insightface").exists()


def test_the_models_run_on_one_thread(matcher):
    sessions = [model.session for model in matcher.engine._analysis.models.values()]

    threads = {
        (session.get_session_options().intra_op_num_threads, session.get_session_options().inter_op_num_threads)
        for session in sessions
    }

    assert len(sessions) == 3
    assert threads == {(1, 1)}
