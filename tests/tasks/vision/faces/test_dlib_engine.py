"""The fallback on real faces: the same person is found again, strangers are not, cartoons are nobody."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
from skimage import data

from engine.errors import BusinessError
from tasks.vision.faces.dlib_engine import DlibEngine
from tasks.vision.faces.match import FaceMatcher
from tools.cards import faces
from tools.cards.people import make_person
from tools.cards.portrait import draw_portrait
from tools.cards.resident_id import draw_front

SEED = 2026
PEOPLE = range(faces.count_people())


@pytest.fixture(scope="module")
def matcher() -> FaceMatcher:
    return FaceMatcher(DlibEngine())


def a_card_of(person: int) -> np.ndarray:
    rng = random.Random(SEED + person)
    return draw_front(make_person(rng), portrait=faces.card_portrait(person, rng))


def a_selfie_of(person: int, **options: int) -> np.ndarray:
    return faces.selfie(person, random.Random(SEED * 2 + person), **options)


@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_is_found_again_on_the_own_card(matcher, person):
    found = matcher.match(a_card_of(person), a_selfie_of(person))

    assert found.band == "same"
    assert found.engine == "dlib-resnet-v1"
    left, top, right, bottom = found.boxes["portrait"]
    assert left > 600, "the portrait is at the right of the card"
    assert right <= 1016
    assert 0 <= top < bottom <= 640


def test_no_stranger_is_taken_for_the_same(matcher):
    cards = [matcher.engine.find_faces(a_card_of(person))[0] for person in PEOPLE]
    selfies = [matcher.engine.find_faces(a_selfie_of(person))[0] for person in PEOPLE]

    bands = {
        matcher.engine.bands.of(matcher.engine.score(cards[one], selfies[other]))
        for one in PEOPLE
        for other in PEOPLE
        if one != other
    }

    assert "same" not in bands


def test_the_fallback_never_passes_anybody_alone(matcher):
    face = faces.selfie(0, random.Random(SEED))

    found = matcher.match(face, face)

    assert found.band == "same"
    assert found.score == pytest.approx(1.0)
    assert found.may_pass is False


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_selfie_held_sideways_is_read_as_well(matcher, quarter_turns):
    upright = matcher.match(a_card_of(0), a_selfie_of(0))

    turned = matcher.match(a_card_of(0), a_selfie_of(0, quarter_turns=quarter_turns))

    assert turned.band == "same"
    assert turned.score == pytest.approx(upright.score, abs=0.02)


def test_a_small_face_in_a_large_photo_is_found(matcher):
    room = np.full((3000, 4000, 3), 200, np.uint8)
    room[1000:1960, 1500:2220] = a_selfie_of(0)

    found = matcher.match(a_card_of(0), room)

    assert found.band == "same"
    left, top, right, bottom = found.boxes["selfie"]
    assert 1500 < left < right < 2220
    assert 1000 < top < bottom < 1960


def test_two_people_in_a_selfie_are_several(matcher):
    together = np.hstack([a_selfie_of(0), a_selfie_of(3)])

    with pytest.raises(BusinessError) as refused:
        matcher.match(a_card_of(0), together)

    assert refused.value.code == "face.several"


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("seed", range(3))
def test_the_drawn_placeholders_of_cards_are_nobody(matcher, seed, quarter_turns):
    person = make_person(random.Random(seed))
    drawing = faces.placeholder(random.Random(seed)) if seed % 2 else draw_portrait(random.Random(seed))
    card = np.ascontiguousarray(np.rot90(draw_front(person, portrait=drawing), quarter_turns))

    found = matcher.engine.find_faces(card)

    assert found == []


def test_a_card_without_a_photographed_face_is_refused(matcher):
    card = draw_front(make_person(random.Random(SEED)), portrait=faces.placeholder(random.Random(SEED)))

    with pytest.raises(BusinessError) as refused:
        matcher.match(card, a_selfie_of(0))

    assert refused.value.code == "face.none"


def test_a_cat_is_nobody(matcher):
    with pytest.raises(BusinessError) as refused:
        matcher.match(a_card_of(0), data.chelsea())

    assert refused.value.code == "face.none"


def test_a_blurred_selfie_is_to_be_taken_again(matcher):
    blurred = cv2.GaussianBlur(a_selfie_of(1), (0, 0), 8)

    with pytest.raises(BusinessError) as refused:
        matcher.match(a_card_of(1), blurred)

    assert refused.value.code == "face.poor_quality"


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3000, 3), (40, 40, 3)])
def test_pictures_of_odd_sizes_hold_nobody(matcher, shape):
    with pytest.raises(BusinessError) as refused:
        matcher.match(np.zeros(shape, np.uint8), a_selfie_of(0))

    assert refused.value.code == "face.none"


def test_the_same_photos_give_the_same_score_every_time(matcher):
    scores = {matcher.match(a_card_of(2), a_selfie_of(2)).score for _ in range(3)}

    assert len(scores) == 1
