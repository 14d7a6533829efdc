"""Ids: 26 characters that sort as they were made and are guessed by nobody."""

from __future__ import annotations

import time

from storage.columns import new_id

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def value_of(made: str) -> int:
    value = 0
    for character in made:
        value = value * 32 + ALPHABET.index(character)
    return value


def test_an_id_is_the_time_and_chance_in_the_alphabet_of_crockford() -> None:
    before = time.time_ns() // 1_000_000

    made = new_id()

    assert len(made) == 26
    assert before <= value_of(made) >> 82 <= time.time_ns() // 1_000_000


def test_ids_sort_as_the_values_they_stand_for() -> None:
    made = [new_id() for _ in range(2_000)]

    assert len(set(made)) == 2_000
    assert sorted(made) == sorted(made, key=value_of)
