"""One person from the phone to the credential with nothing replaced: photographs, the real reader, a reviewer's browser."""

from __future__ import annotations

import random

import pytest

from tests.e2e.console import Console
from tests.e2e.ledger import open_item_of
from tools.cards.people import make_person
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, photograph
from tools.demo.clients import Applicant
from tools.demo.site import Site


@pytest.mark.full
def test_a_photographed_card_is_read_reviewed_and_verified(site: Site, reviewer: Console) -> None:
    rng = random.Random(7)
    person = make_person(rng)
    applicant = Applicant(site.address)
    applicant.sign_in("whole-way")
    applicant.begin(name=person.name, document_type="resident_id", number=person.id_number, method="manual")
    applicant.scan(photograph(draw_front(person), EASY, rng).jpeg, photograph(draw_back(person), EASY, rng).jpeg)
    applicant.wait_for_review()

    reviewer.claims(open_item_of(site, applicant.application_id))
    reviewer.sees(person.id_number)
    reviewer.picks("通过")
    reviewer.sends()
    reviewer.waits_until_sent(1)

    assert applicant.wait_until_ended() == "verified"
