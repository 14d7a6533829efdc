"""The generator: valid numbers, addresses as printed, the same card for the same seed for ever."""

from __future__ import annotations

import hashlib
import random

import numpy as np

from domain.documents.documents import is_known_division, parse_resident_number
from tasks.vision.documents.divisions import has_known_head, is_known_authority, mended_address
from tasks.vision.documents.fields import ETHNICITIES, clean_name
from tools.cards.people import TODAY, make_person
from tools.cards.places import PLACES
from tools.cards.resident_id import address_lines, draw_back, draw_front
from tools.cards.scene import EASY, HARD, photograph

SEED = 7


def people(count: int):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    return [make_person(rng) for _ in range(count)]


def test_every_made_up_person_could_exist():
    for person in people(500):
        number = parse_resident_number(person.id_number)
        assert number is not None
        assert (number.birth, number.sex) == (person.birth, person.sex)
        assert clean_name(person.name) == person.name
        assert person.ethnicity in ETHNICITIES
        assert person.valid_from < TODAY
        assert person.valid_until is None or person.valid_until > TODAY


def test_places_are_real_divisions_with_their_codes():
    for place in PLACES:
        assert is_known_division(place.code), place
        assert has_known_head(place.prefix), place
        assert mended_address(place.prefix) == place.prefix
        assert is_known_authority(place.authority), place


def test_an_address_is_printed_on_at_most_three_lines_and_loses_nothing():
    for person in people(300):
        lines = address_lines(person.address)
        assert "".join(lines) == person.address
        assert len(lines) <= 3


def test_a_seed_gives_the_same_photograph_every_time():
    def digest():
        rng = random.Random("same")
        person = make_person(rng)
        return [
            hashlib.sha256(photograph(draw(person), HARD, rng).jpeg).hexdigest() for draw in (draw_front, draw_back)
        ]

    assert digest() == digest()


def test_the_corners_told_are_where_the_card_lies():
    rng = random.Random(SEED)
    card = np.full((640, 1016, 3), (255, 0, 0), np.uint8)

    shot = photograph(card, EASY, rng)

    middle = shot.corners.mean(axis=0).astype(int)
    assert (shot.picture[middle[1], middle[0]] > (140, -1, -1)).all()
    for corner in shot.corners:
        inside = (corner + 0.12 * (shot.corners.mean(axis=0) - corner)).astype(int)
        outside = (corner - 0.06 * (shot.corners.mean(axis=0) - corner)).astype(int)
        assert _is_red(shot.picture[inside[1], inside[0]])
        assert not _is_red(shot.picture[outside[1], outside[0]])


def _is_red(pixel) -> bool:
    red, green, blue = (int(value) for value in pixel)
    return red > green + 90 and red > blue + 90
