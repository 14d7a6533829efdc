"""Thirteen people and what they do. Each story is played through the API; `expected` is the outcome the diagram must give."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from tools.cards.passport import draw_passport, make_passport
from tools.cards.people import Person, make_person
from tools.cards.permits import draw_permit, draw_permit_back, make_permit
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, HARD, MEDIUM, Difficulty, blurred, cut_off, photograph
from tools.demo.clients import Applicant, Reviewer

OUT_OF_FOCUS = 12.0  # sigma in pixels of the picture: nobody could read it


@dataclass(slots=True)
class Stage:
    """What a story is played with. Cards are drawn by `rng`, so that a story is the same in every run."""

    applicant: Applicant
    reviewer: Reviewer
    rng: random.Random
    number: str = ""  # the resident ID's with which the applicant is verified in the end

    def person(self) -> Person:
        """Somebody whose card is valid on the day of the demo."""
        while True:
            person = make_person(self.rng)
            if person.valid_until is None or person.valid_until > date.today():  # noqa: DTZ011  # the card's own calendar
                return person

    def sides(self, person: Person, level: Difficulty = EASY, *, quarter_turns: int = 0) -> tuple[bytes, bytes]:
        """Photographs of both sides of the person's resident ID."""
        front = photograph(draw_front(person), level, self.rng, quarter_turns=quarter_turns)
        back = photograph(draw_back(person), level, self.rng, quarter_turns=quarter_turns)
        return front.jpeg, back.jpeg

    def begin(self, person: Person, *, name: str = "", number: str = "", method: str = "automatic") -> None:
        self.number = person.id_number
        self.applicant.begin(
            name=name or person.name,
            document_type="resident_id",
            number=number or person.id_number,
            method=method,
        )


def clear_photos(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    stage.applicant.scan(*stage.sides(person))


def slanted_in_dim_light(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    stage.applicant.scan(*stage.sides(person, MEDIUM))


def hard_to_read(stage: Stage) -> None:
    """The machine may not be sure of this one: the applicant hands it to a reviewer when it is not."""
    person = stage.person()
    stage.begin(person, method="manual")
    stage.applicant.scan(*stage.sides(person, HARD))
    stage.reviewer.decide(stage.applicant.application_id, {"review_decision": "approve"})


def misspelt_name(stage: Stage) -> None:
    person = replace(stage.person(), name="陈思远")
    stage.begin(person, name="陈思源")
    stage.applicant.scan(*stage.sides(person))
    stage.applicant.complete(
        "correct", {"next_step": "correct", "name": person.name, "document_number": person.id_number}
    )


def somebody_elses_number(stage: Stage) -> None:
    person, other = stage.person(), stage.person()
    stage.begin(person, number=other.id_number)
    stage.applicant.scan(*stage.sides(person))
    stage.applicant.complete(
        "correct", {"next_step": "review", "name": person.name, "document_number": other.id_number}
    )
    stage.reviewer.decide(
        stage.applicant.application_id,
        {
            "review_decision": "reject",
            "reject_reasons": ["number_mismatch"],
            "opinion": "填写的号码与证件不一致，请用本人证件重新申请。",
        },
    )


def out_of_focus_once(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    stage.applicant.scan(_out_of_focus(stage, person), stage.sides(person)[1])
    stage.applicant.scan(*stage.sides(person))


def cut_by_the_frame(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    front = photograph(draw_front(person), EASY, stage.rng)
    stage.applicant.scan(cut_off(front, 0.3).jpeg, stage.sides(person)[1])
    stage.applicant.scan(*stage.sides(person))


def upside_down(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    stage.applicant.scan(*stage.sides(person, quarter_turns=2))


def back_for_front(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    front, back = stage.sides(person)
    stage.applicant.scan(back, front)
    stage.applicant.scan(front, back)


def with_a_passport(stage: Stage) -> None:
    passport = make_passport(stage.rng)
    stage.applicant.begin(name=passport.name, document_type="passport", number=passport.number, method="manual")
    stage.applicant.scan(photograph(draw_passport(passport), EASY, stage.rng).jpeg, element="scan_page")
    stage.reviewer.decide(
        stage.applicant.application_id,
        {"review_decision": "approve", "valid_until": passport.valid_until.isoformat()},
    )


def with_a_hong_kong_permit(stage: Stage) -> None:
    """The first photograph of the back is unusable: the reviewer asks for this one again."""
    permit = make_permit(stage.rng, "hk_macau_permit")
    stage.applicant.begin(name=permit.name, document_type="hk_macau_permit", number=permit.number, method="manual")
    front = photograph(draw_permit(permit), EASY, stage.rng).jpeg
    back = photograph(draw_permit_back(permit), EASY, stage.rng)
    stage.applicant.scan(front, blurred(back, OUT_OF_FOCUS).jpeg)
    application = stage.applicant.application_id
    stage.reviewer.decide(
        application, {"review_decision": "new_photos", "new_photos": ["back"], "opinion": "背面请重新拍摄。"}
    )
    stage.applicant.scan(front, back.jpeg, element="retake")
    stage.reviewer.decide(application, {"review_decision": "approve", "valid_until": permit.valid_until.isoformat()})


def three_poor_photos(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    for _ in range(3):
        stage.applicant.scan(_out_of_focus(stage, person), stage.sides(person)[1])
    stage.applicant.complete("offer_review", {"method": "manual"})
    stage.reviewer.decide(stage.applicant.application_id, {"review_decision": "approve"})


def thinks_better_of_it(stage: Stage) -> None:
    person = stage.person()
    stage.begin(person)
    stage.applicant.wait_for("scan")
    stage.applicant.withdraw()


def _out_of_focus(stage: Stage, person: Person) -> bytes:
    return blurred(photograph(draw_front(person), EASY, stage.rng), OUT_OF_FOCUS).jpeg


@dataclass(frozen=True, slots=True)
class Story:
    who: str
    expected: str
    play: Callable[[Stage], None]


STORIES = (
    Story("照片清晰", "verified", clear_photos),
    Story("斜拍、光线暗", "verified", slanted_in_dim_light),
    Story("选择人工审核", "verified", hard_to_read),
    Story("姓名写错一个字", "verified", misspelt_name),
    Story("填了别人的号码", "rejected", somebody_elses_number),
    Story("第一次拍糊了", "verified", out_of_focus_once),
    Story("证件拍出画面", "verified", cut_by_the_frame),
    Story("上下颠倒", "verified", upside_down),
    Story("正反面放反", "verified", back_for_front),
    Story("使用护照", "verified", with_a_passport),
    Story("使用港澳通行证", "verified", with_a_hong_kong_permit),
    Story("三次拍糊转人工", "verified", three_poor_photos),
    Story("中途撤回", "withdrawn", thinks_better_of_it),
)
