from __future__ import annotations

import io
from dataclasses import dataclass

import pytest
from PIL import Image
from sqlalchemy import select

from api.edge.model import EvidenceLook
from tests.api.conftest import PermitApplication, Person, Platform, a_jpeg, an_application


@dataclass
class Review:
    permit: PermitApplication
    guard: Person
    item: str
    photo: str

    def case(self, by: Person | None = None) -> dict[str, object]:
        return (by or self.guard).get(f"/api/v1/cases/{self.permit.id}").json


@pytest.fixture
def review(platform: Platform) -> Review:
    permit = an_application(platform.citizen(), owner="欧阳娜娜")
    photo = permit.send_photo()
    guard = platform.staff()
    return Review(permit, guard, guard.get("/api/v1/inbox").json["items"][0]["id"], photo)


def looks(platform: Platform) -> list[tuple[str, str | None]]:
    with platform.sessions() as session:
        return [
            (look.what, look.attachment_id) for look in session.scalars(select(EvidenceLook).order_by(EvidenceLook.id))
        ]


def test_before_claiming_a_reviewer_sees_the_case_masked_and_no_image(platform: Platform, review: Review) -> None:
    case = review.case()
    form = review.guard.get(f"/api/v1/work-items/{review.item}").json

    assert case["is_masked"] is True
    assert case["variables"]["owner"] == "欧阳**"
    assert [each["url"] for each in case["attachments"]] == [None]
    assert form["is_masked"] is True
    assert form["images"] == []
    assert "欧阳娜娜" not in str(case) + str(form)
    assert "鄂A12345" not in str(case) + str(form)
    assert looks(platform) == []


def test_whoever_holds_the_claim_sees_everything_and_every_look_is_recorded(platform: Platform, review: Review) -> None:
    review.guard.post(f"/api/v1/work-items/{review.item}/claim")

    case = review.case()
    form = review.guard.get(f"/api/v1/work-items/{review.item}").json
    image = review.guard.client.get(form["images"][0]["url"])

    assert case["is_masked"] is False
    assert case["variables"]["owner"] == "欧阳娜娜"
    assert form["shown"] == {"plate": "鄂A12345", "owner": "欧阳娜娜", "photo": review.photo}
    assert image.data == a_jpeg()
    assert image.mimetype == "image/jpeg"
    assert image.headers["Cache-Control"] == "no-store"
    assert looks(platform) == [("case", None), ("case", None), ("image", review.photo)]


def test_one_claim_opens_nothing_to_a_colleague(platform: Platform, review: Review) -> None:
    review.guard.post(f"/api/v1/work-items/{review.item}/claim")
    colleague = platform.staff("colleague")

    case = review.case(colleague)

    assert case["is_masked"] is True
    assert "欧阳娜娜" not in str(case)


def test_after_the_decision_the_case_is_masked_again(platform: Platform, review: Review) -> None:
    review.guard.post(f"/api/v1/work-items/{review.item}/claim")
    review.guard.post(f"/api/v1/work-items/{review.item}/complete", {"values": {"decision": "grant"}})

    case = review.case()

    assert case["is_masked"] is True
    assert case["outcome_label"] == "已发证"
    assert case["variables"]["decision"] == "grant"  # what a form offers to choose from names nobody


def test_the_case_page_tells_what_happened_in_order(review: Review) -> None:
    case = review.case()

    assert [each["element"] for each in case["activities"] if each["kind"] == "userTask"] == ["photo", "review"]
    assert {each["kind"] for each in case["waits"]} == {"WORK_ITEM", "TIMER", "MESSAGE"}
    assert case["progress"] == ["门卫审核"]


def link(review: Review) -> str:
    review.guard.post(f"/api/v1/work-items/{review.item}/claim")
    return review.case()["attachments"][0]["url"]


def test_a_link_works_for_five_minutes(platform: Platform, review: Review) -> None:
    url = link(review)
    platform.clock.pass_time(minutes=4, seconds=59)
    in_time = review.guard.client.get(url)

    platform.clock.pass_time(seconds=1)
    late = review.guard.client.get(url)

    assert in_time.status_code == 200
    assert (late.status_code, late.json["code"]) == (410, "evidence.link_expired")


@pytest.mark.parametrize("change", ["attachment", "account", "expires", "signature"])
def test_a_changed_link_opens_nothing(platform: Platform, review: Review, change: str) -> None:
    url = link(review)
    path, _, query = url.partition("?")
    facts = dict(pair.split("=") for pair in query.split("&"))
    if change == "attachment":
        path = path[:-1] + ("0" if path[-1] != "0" else "1")
    else:
        facts[change] = facts[change][:-1] + ("0" if facts[change][-1] != "0" else "1")

    answer = review.guard.client.get(path, query_string=facts)

    assert (answer.status_code, answer.json["code"]) == (403, "evidence.link_invalid")
    assert ("image", review.photo) not in looks(platform)


def test_the_applicant_sees_the_own_photo_and_that_look_is_recorded_too(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)

    uploaded = citizen.upload(permit.item, a_jpeg())
    shown = citizen.client.get(uploaded.json["url"])

    assert shown.data == a_jpeg()
    assert looks(platform) == [("image", uploaded.json["id"])]


def test_a_heic_photo_is_shown_as_an_upright_jpeg(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)
    heic = io.BytesIO()
    Image.new("RGB", (128, 96), (200, 30, 30)).save(heic, "HEIF")

    uploaded = citizen.upload(permit.item, heic.getvalue(), name="photo.heic")
    shown = citizen.client.get(uploaded.json["url"])

    assert uploaded.json["media_type"] == "image/heic"
    assert shown.mimetype == "image/jpeg"
    with Image.open(io.BytesIO(shown.data)) as picture:
        assert picture.size == (128, 96)
