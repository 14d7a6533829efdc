"""Finding a round red seal: told from everything else that is red, wherever it was pressed."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest

from tasks.vision.seals.seal import RED_FROM, find_seals, has_copied_seal, redness
from tasks.vision.seals.seal_frame import Seal, unrolled
from tools.cards import forms
from tools.cards.scene import photograph
from tools.cards.seal import Seal as Stamp
from tools.cards.seal import draw_seal, press

EASY, MEDIUM, HARD = forms.LEVELS


@pytest.fixture
def rng(request) -> random.Random:
    print(f"seed {request.node.name}")
    return random.Random(request.node.name)


def a_photo(kind: forms.Kind, level, rng: random.Random):
    return forms.photograph_form(forms.make_form(kind, rng), level, rng).picture


def seals_of(picture) -> list[Seal]:
    return find_seals(picture, redness(picture))


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (forms.RIGHT, EASY),
        (forms.RIGHT, HARD),
        (forms.FADED, MEDIUM),
        (forms.FADED, HARD),
        (forms.OVER_PRINT, HARD),
    ],
    ids=lambda one: one.name,
)
def test_a_round_red_seal_is_found_once(kind, level, rng):
    picture = a_photo(kind, level, rng)

    (seal,) = seals_of(picture)

    assert seal.ring > 0.6
    assert 0.1 < max(seal.axes) / min(picture.shape[:2]) < 0.3


@pytest.mark.parametrize("kind", [forms.NONE, forms.SQUARE, forms.OTHER_RED, forms.COPIED], ids=lambda kind: kind.name)
def test_other_red_things_and_copies_are_no_seal(kind, rng):
    picture = a_photo(kind, MEDIUM, rng)

    assert seals_of(picture) == []
    assert has_copied_seal(picture) is (kind is forms.COPIED)


def test_the_ellipse_lies_on_the_ring_of_a_leaning_page(rng):
    page = np.full((1200, 850, 3), 248, np.uint8)
    stamped = press(page, draw_seal(Stamp("仙桃市第一人民医院"), 200), (500, 700))
    shot = photograph(stamped, HARD, rng)
    flat = np.array([[0, 0], [850, 0], [850, 1200], [0, 1200]], np.float32)
    middle = cv2.perspectiveTransform(
        np.array([[[500, 700]]], np.float32), cv2.getPerspectiveTransform(flat, shot.corners)
    )

    (seal,) = seals_of(shot.picture)

    assert np.linalg.norm(np.array(seal.middle) - middle[0, 0]) < 0.03 * max(seal.axes)
    left, top, right, bottom = seal.box
    assert left < seal.middle[0] < right
    assert top < seal.middle[1] < bottom


def test_unrolled_it_has_its_ring_on_one_level():
    page = np.full((400, 400, 3), 250, np.uint8)
    picture = press(page, draw_seal(Stamp("仙桃市第一人民医院"), 240), (200, 200))
    red = redness(picture)

    around = unrolled(red, Seal((200, 200), (240, 240), 0.0, 1.0)) > RED_FROM

    away = np.linspace(1.3, 0, around.shape[0])
    assert around[(away > 0.93) & (away < 1.0)].any(axis=0).all()
    assert not around[away > 1.05].any()


def test_two_institutions_may_stamp_one_page(rng):
    page = forms.print_form("仙桃市第一人民医院", rng)
    page = press(page, draw_seal(Stamp("仙桃市第一人民医院"), 330), (1200, 1400))
    page = press(page, draw_seal(Stamp("仙桃市卫生健康委员会"), 330), (500, 1500))

    assert len(seals_of(page)) == 2


def test_warm_light_and_red_cloth_under_the_page_are_no_ink(rng):
    unstamped = forms.photograph_form(forms.make_form(forms.NONE, rng), EASY, rng).picture
    warm = np.clip(unstamped * np.array([1.0, 0.86, 0.66]), 0, 255).astype(np.uint8)
    framed = cv2.copyMakeBorder(warm, 150, 150, 150, 150, cv2.BORDER_CONSTANT, value=(128, 30, 36))

    assert seals_of(framed) == []
