from __future__ import annotations

import io

import pytest
from PIL import Image

from engine.attachments.store import read_attachment
from tests.api.conftest import Platform, a_jpeg, an_application


def a_png(width: int, height: int) -> bytes:
    picture = io.BytesIO()
    Image.new("1", (width, height)).save(picture, "PNG")
    return picture.getvalue()


BAD = {
    "empty": (b"", "upload.empty"),
    "text": (b"just a text that calls itself a photo", "upload.unknown_type"),
    "truncated": (a_jpeg(640, 480)[:-500], "upload.damaged"),
    "pdf_named_jpg": (b"%PDF-1.4\n1 0 obj\n", "upload.damaged"),
    "12000x12000": (a_png(12000, 12000), "upload.too_many_pixels"),
    "over_10_mb": (b"\xff\xd8\xff" + bytes(10 * 1024 * 1024), "upload.too_large"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_nothing_is_kept(platform: Platform, name: str) -> None:
    content, code = BAD[name]
    citizen = platform.citizen()
    permit = an_application(citizen)

    answer = citizen.upload(permit.item, content)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.mimetype == "application/problem+json"
    assert [path for path in platform.settings.files_dir.rglob("*") if path.is_file()] == []


def test_a_body_beyond_any_photo_is_not_even_read(platform: Platform) -> None:
    citizen = platform.citizen()

    answer = citizen.upload("x", bytes(12 * 1024 * 1024))

    assert answer.status_code == 413


def test_a_photo_is_kept_encrypted_and_read_back(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)

    kept = citizen.upload(permit.item, a_jpeg(80, 60)).json

    assert (kept["media_type"], kept["width"], kept["height"], kept["pages"]) == ("image/jpeg", 80, 60, 1)
    [file] = [path for path in platform.settings.files_dir.rglob("*") if path.is_file()]
    assert b"\xff\xd8\xff" not in file.read_bytes()
    with platform.sessions() as session:
        assert read_attachment(session, kept["id"], case_id=permit.id).content == a_jpeg(80, 60)


def test_a_repeated_upload_is_one_attachment(platform: Platform) -> None:
    citizen = platform.citizen()
    item = an_application(citizen).item

    first, again = (citizen.upload(item, a_jpeg(), key="upload-0001") for _ in range(2))
    other = citizen.upload(item, a_jpeg(70, 70), key="upload-0001")

    assert again.json["id"] == first.json["id"]
    assert other.json["code"] == "idempotency.other_request"


def test_a_photo_needs_a_field_that_takes_one(platform: Platform) -> None:
    citizen = platform.citizen()
    item = an_application(citizen).item

    answers = [citizen.upload(item, a_jpeg(), form_field=name) for name in ("note", "nothing")]

    assert [(each.status_code, each.json["problems"][0]["field"]) for each in answers] == [(422, "field")] * 2


def test_nobody_uploads_to_another_ones_item(platform: Platform) -> None:
    item = an_application(platform.citizen("wang")).item

    answer = platform.citizen("li").upload(item, a_jpeg())

    assert (answer.status_code, answer.json["code"]) == (404, "work_item.unknown")


def test_nobody_uploads_to_an_item_that_is_done(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    item = permit.item
    permit.send_photo()

    answer = permit.applicant.upload(item, a_jpeg())

    assert (answer.status_code, answer.json["code"]) == (409, "work_item.gone")


def test_a_form_takes_no_attachment_of_another_case(platform: Platform) -> None:
    wang, li = platform.citizen("wang"), platform.citizen("li")
    foreign = wang.upload(an_application(wang).item, a_jpeg()).json["id"]
    own = an_application(li)

    answer = li.post(f"/api/v1/work-items/{own.item}/complete", {"values": {"photo": foreign}})

    assert (answer.status_code, answer.json["problems"][0]["code"]) == (422, "form.attachment")


def test_strangers_files_are_not_looked_at(platform: Platform) -> None:
    file = (io.BytesIO(BAD["text"][0]), "photo.jpg")

    answer = platform.app.test_client().post(
        "/api/v1/attachments", data={"work_item": "x", "field": "photo", "file": file}
    )

    assert (answer.status_code, answer.json["code"]) == (401, "auth.required")
