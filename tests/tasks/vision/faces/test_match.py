"""The rules around an engine: one face in each photo, good enough, whichever way up; bands; one engine a process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.errors import BusinessError
from tasks.vision.faces import match as face
from tasks.vision.faces.dlib_engine import DlibEngine
from tasks.vision.faces.engine import Bands, Box, Face, sharpness_of
from tasks.vision.faces.insightface_engine import FaceModelsBroken, InsightFaceEngine
from tasks.vision.faces.match import FaceMatcher, face_matcher
from tests.tasks.vision.faces.face_pack import build_pack


def a_face(box: Box = (100, 100, 300, 300), *, sharpness: float = 50.0, pose: dict[str, float] | None = None) -> Face:
    return Face(box, sharpness, pose or {}, np.zeros(2))


@dataclass
class GivenFaces:
    """Answers with the faces it was given, one list a photo; None: it looks for a bright square, right way up only."""

    answers: list[list[Face]] = field(default_factory=list)
    gives: float = 0.8
    may_pass: bool = True
    name: str = "given"
    models: dict[str, str] = field(default_factory=dict)
    bands: Bands = field(default_factory=lambda: Bands(same_from=0.6, unsure_from=0.4))

    def find_faces(self, photo_rgb: np.ndarray) -> list[Face]:
        return self.answers.pop(0) if self.answers else []

    def score(self, one: Face, other: Face) -> float:
        return self.gives


class UprightSquares(GivenFaces):
    """A face is a bright square under a red roof."""

    def find_faces(self, photo_rgb: np.ndarray) -> list[Face]:
        ys, xs = np.nonzero(photo_rgb[:, :, 1] > 200)
        if not len(xs):
            return []
        box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
        roof = photo_rgb[box[1] - 8, (box[0] + box[2]) // 2]
        return [a_face(box)] if roof[0] > 200 and roof[1] < 60 else []


A_PHOTO = np.zeros((400, 400, 3), np.uint8)


def refusal(portrait: list[Face], selfie: list[Face]) -> BusinessError:
    with pytest.raises(BusinessError) as refused:
        FaceMatcher(GivenFaces([portrait, selfie])).match(A_PHOTO, A_PHOTO)
    return refused.value


@pytest.mark.parametrize(
    ("score", "band"),
    [(1.0, "same"), (0.6, "same"), (0.59, "unsure"), (0.4, "unsure"), (0.39, "different"), (-1.0, "different")],
)
def test_the_score_falls_into_a_band(score, band):
    matcher = FaceMatcher(GivenFaces([[a_face()], [a_face()]], gives=score))

    found = matcher.match(A_PHOTO, A_PHOTO)

    assert (found.band, found.score) == (band, score)


@pytest.mark.parametrize(
    ("engine_may", "score", "may_pass"), [(True, 0.9, True), (True, 0.5, False), (False, 0.9, False)]
)
def test_only_the_same_band_of_a_measured_engine_may_pass(engine_may, score, may_pass):
    matcher = FaceMatcher(GivenFaces([[a_face()], [a_face()]], gives=score, may_pass=engine_may))

    found = matcher.match(A_PHOTO, A_PHOTO)

    assert found.may_pass is may_pass


def test_the_answer_says_where_the_faces_are_and_how_good():
    selfie = a_face((10, 20, 210, 220), sharpness=33.333, pose={"yaw": 12.3456})

    found = FaceMatcher(GivenFaces([[a_face()], [selfie]])).match(A_PHOTO, A_PHOTO)

    assert found.boxes == {"portrait": (100, 100, 300, 300), "selfie": (10, 20, 210, 220)}
    assert found.quality["selfie"] == {"size_px": 200, "sharpness": 33.3, "yaw": 12.3}


@pytest.mark.parametrize(("portrait", "selfie", "which"), [([], [a_face()], "证件照片"), ([a_face()], [], "自拍照片")])
def test_no_face_is_a_business_error_that_says_which_photo(portrait, selfie, which):
    # Nothing found at any of the four turns: the portrait's answers are used up before the selfie is looked at.
    answers = [[]] * 4 if not portrait else [portrait]
    matcher = FaceMatcher(GivenFaces([*answers, *([selfie] if selfie else [])]))

    with pytest.raises(BusinessError) as refused:
        matcher.match(A_PHOTO, A_PHOTO)

    assert refused.value.code == "face.none"
    assert which in refused.value.message


def test_two_faces_of_like_size_are_several():
    passport_photo, neighbour = a_face(), a_face((0, 0, 160, 160))

    refused = refusal([a_face()], [passport_photo, neighbour])

    assert refused.code == "face.several"
    assert "自拍照片" in refused.message


def test_the_small_second_portrait_of_a_travel_permit_is_no_second_person():
    ghost = a_face((320, 300, 420, 400))
    matcher = FaceMatcher(GivenFaces([[a_face(), ghost], [a_face()]]))

    found = matcher.match(A_PHOTO, A_PHOTO)

    assert found.boxes["portrait"] == (100, 100, 300, 300)


def test_somebody_half_as_large_behind_a_selfie_is_a_second_person():
    behind = a_face((320, 300, 420, 400))

    refused = refusal([a_face()], [a_face(), behind])

    assert refused.code == "face.several"


@pytest.mark.parametrize(
    "poor",
    [a_face((0, 0, 79, 79)), a_face(sharpness=5.0), a_face(pose={"yaw": -50.0}), a_face(pose={"pitch": 44.0})],
    ids=["small", "blurred", "turned away", "looking down"],
)
def test_a_poor_selfie_must_be_taken_again(poor):
    refused = refusal([a_face()], [poor])

    assert refused.code == "face.poor_quality"
    assert "重拍" in refused.message


def test_a_tilted_head_is_no_reason_to_refuse():
    matcher = FaceMatcher(GivenFaces([[a_face()], [a_face(pose={"roll": 60.0})]]))

    assert matcher.match(A_PHOTO, A_PHOTO).band == "same"


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
@pytest.mark.parametrize("scale", [1, 4])
def test_a_turned_photo_is_searched_in_every_quarter_and_the_box_is_on_the_photo_given(quarter_turns, scale):
    upright = np.zeros((600 * scale, 1000 * scale, 3), np.uint8)
    upright[200 * scale : 400 * scale, 300 * scale : 450 * scale] = 255
    upright[170 * scale : 200 * scale, 300 * scale : 450 * scale] = (255, 0, 0)
    turned = np.rot90(upright, quarter_turns)

    found = FaceMatcher(UprightSquares()).match(upright, turned)

    left, top, right, bottom = found.boxes["selfie"]
    assert (turned[top:bottom, left:right] == 255).all()
    assert (right - left) * (bottom - top) == pytest.approx(200 * 150 * scale * scale, rel=0.01)


def test_sharpness_does_not_depend_on_light_or_contrast():
    sharp = np.random.default_rng(3).integers(60, 200, (150, 150, 3)).astype(np.uint8)
    dim = (sharp // 3 + 10).astype(np.uint8)

    assert sharpness_of(dim) == pytest.approx(sharpness_of(sharp), rel=0.1)


def test_without_a_pack_the_fallback_is_used(tmp_path):
    matcher = face_matcher(tmp_path / "none")

    assert isinstance(matcher.engine, DlibEngine)
    assert matcher.engine.may_pass is False


def test_a_pack_is_used_where_there_is_one(tmp_path):
    matcher = face_matcher(build_pack(tmp_path / "pack"))

    assert isinstance(matcher.engine, InsightFaceEngine)


def test_a_broken_pack_is_an_operators_matter_and_never_the_fallback(tmp_path):
    (tmp_path / "det.onnx").write_bytes(b"not a model")

    with pytest.raises(FaceModelsBroken, match="cannot be loaded"):
        face_matcher(tmp_path)


def test_models_are_loaded_once_and_again_after_a_fork(tmp_path):
    parents = face_matcher(tmp_path)
    read, write = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(write, b"again" if face_matcher(tmp_path) is not parents else b"shared")
        os._exit(0)
    os.waitpid(child, 0)

    assert face_matcher(tmp_path) is parents
    assert os.read(read, 10) == b"again"


@pytest.fixture(autouse=True)
def no_engine_is_kept(monkeypatch):
    monkeypatch.setattr(face, "_loaded", None)
