"""实名认证 up to a reviewer's desk: the real flow, read results made by hand, and the console's HTTP API over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from composition import declare_service_tasks
from config import ROOT
from engine.attachments.store import store_attachment
from tests.api.conftest import Person, Platform, a_jpeg, a_platform
from tests.flows.readings import a_reading
from tests.flows.story import Story, Town

ZHANG = {"name": "张三", "document_type": "resident_id", "document_number": "11010519491231002X"}


@dataclass
class Office:
    """A platform with the flow real_name, its applicants and its reviewers."""

    platform: Platform
    town: Town

    def reviewer(self, name: str = "reviewer", *groups: str) -> Person:
        return self.platform.staff(name, *(groups or ("real_name.reviewer",)))

    def applies(self, openid: str, *, method: str = "manual", **typed: str) -> Story:
        """A case whose applicant has agreed and filled in who they are."""
        self.town.now = self.platform.clock()
        story = self.town.start("real_name", self.town.somebody(openid))
        story.completes("consent", read_consent="read_document/2026-01")
        return story.completes("information", method=method, **{**ZHANG, **typed})

    def reads(self, story: Story, **reading: Any) -> Story:
        """Both sides are photographed and read, with boxes on the front."""
        self.town.now = self.platform.clock()
        front, back = story.photo(a_jpeg()), story.photo(a_jpeg())
        form = "retake" if "retake" in story.open_forms() else "scan"
        story.completes(form, front=front, back=back)
        found = a_reading(**reading)
        for page, attachment in zip(found["pages"], (front, back), strict=True):
            page["attachment"] = attachment
        name = found["fields"].get("name")
        if name:
            found["pages"][0]["fields"] = {"name": {"value": name, "confidence": 0.98, "box": [180, 60, 320, 120]}}
        story.job("document.read").returns(found)
        return story

    def selfie(self, story: Story) -> str:
        """Id of a picture the applicant took of their face."""
        by = story.starter.id
        with self.town.writing() as session:
            return store_attachment(
                session, story.case_id, a_jpeg(), "image/jpeg", "face-capture", by=by, now=self.town.now
            )

    def waits_for_review(self, openid: str = "zhang", **reading: Any) -> Story:
        return self.reads(self.applies(openid), **reading)


def an_office(folder: Path, engine: Engine) -> Office:
    declare_service_tasks(ROOT / "bpmn")
    platform = a_platform(folder, engine, ROOT / "bpmn" / "real_name")
    return Office(platform, Town(platform.sessions, platform.clock()))


def first_item(reviewer: Person) -> dict[str, Any]:
    item: dict[str, Any] = reviewer.get("/api/v1/inbox").json["items"][0]
    return item


def claimed_case(reviewer: Person) -> str:
    """The case of the first item, claimed."""
    item = first_item(reviewer)
    answer = reviewer.post(f"/api/v1/work-items/{item['id']}/claim")
    assert answer.status_code == 200, answer.text
    case_id: str = item["case_id"]
    return case_id
