"""机构补增 through the HTTP API: applicants with a phone, reviewers of units, the form's reading made by hand."""

from __future__ import annotations

import shutil
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.app import create_app
from api.edge.limits import limiter
from bpmn.institution_admission.submitting import PRINTED_LABELS
from config import load_settings
from domain.accounts.account import Account
from domain.admissions.form import blank_form_pdf
from engine.attachments import store as attachments
from storage import vault
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.api.conftest import FLOWS, Clock, Person, Platform, a_jpeg
from tests.flows.institution_admission.cases import JIANGHAN, VERSION, a_registration, a_stamp, in_the_library
from tests.flows.story import Story, Town

MASTER_KEY = bytes(range(32))


@dataclass
class Portal:
    """A platform with the units of the province and the flow institution_admission."""

    platform: Platform

    def visitor(self) -> Person:
        """Somebody who has not signed in."""
        return Person(self.platform.app.test_client())

    def applicant(self, phone: str) -> Person:
        """Somebody who proved this phone by SMS."""
        client = self.platform.app.test_client()
        code = client.post("/api/v1/session/phone/code", json={"phone": phone}).json["sandbox_code"]
        token = client.post("/api/v1/session/phone", json={"phone": phone, "code": code}).json["token"]
        return Person(client, {"Authorization": f"Bearer {token}"}, phone)

    def clerk(self, unit: str) -> Person:
        name = f"clerk{unit}"
        self.platform.staff(name, "no.inbox")
        with transaction(self.platform.sessions) as session:
            session.scalars(select(Account).where(Account.username == name)).one().unit_code = unit
        return self.platform.comes_back(name)

    def begins(self, applicant: Person) -> str:
        """Id of an application whose agreement was given."""
        started = applicant.post("/api/v1/applications", {"flow": "institution_admission", "values": {}})
        assert started.status_code == 201, started.text
        fill_in(applicant, started.json["id"], {"agreement": VERSION})
        return str(started.json["id"])

    def registers(self, applicant: Person, **values: Any) -> str:
        """Id of an application whose form was filled in."""
        application = self.begins(applicant)
        fill_in(applicant, application, a_registration(applicant_phone=applicant.name, **values))
        return application

    def applies(self, applicant: Person, **values: Any) -> str:
        """Id of an application that waits for its unit."""
        application = self.registers(applicant, **values)
        form = applicant.upload(item_of(applicant, application), a_jpeg(), form_field="stamped_form")
        assert form.status_code == 201, form.text
        fill_in(applicant, application, {"stamped_form": form.json["id"]})
        self.story(application).job("document.read_stamped_form").returns(a_stamp())
        return application

    def decides(self, clerk: Person, application: str, **values: Any) -> None:
        (item,) = (each for each in clerk.get("/api/v1/inbox").json["items"] if each["case_id"] == application)
        clerk.post(f"/api/v1/work-items/{item['id']}/claim")
        answer = clerk.post(f"/api/v1/work-items/{item['id']}/complete", {"values": values})
        assert answer.status_code == 200, answer.text

    def story(self, application: str) -> Story:
        town = Town(self.platform.sessions, self.platform.clock())
        return Story(town, application, town.somebody("openid-nobody"))


def a_portal(folder: Path, town: Path) -> Portal:
    """On a copy of `town` (tests/flows/institution_admission.a_town), whose units take seconds to make."""
    shutil.copy(town, folder / "platform.db")
    settings = load_settings(
        {"VAR_DIR": str(folder), "FLOWS_DIR": str(FLOWS), "MASTER_KEY": b64encode(MASTER_KEY).decode()}
    )
    settings.broker_dir.mkdir(parents=True, exist_ok=True)
    vault.use(vault.Vault(settings.master_key))
    attachments.use_directory(settings.files_dir)
    engine = make_engine(f"sqlite:///{folder / 'platform.db'}", hide_parameters=True)
    sessions, clock = session_factory(engine), Clock()
    app = create_app(settings, sessions, clock=clock)
    limiter.reset()
    return Portal(Platform(settings, engine, sessions, clock, app))


def a_pdf() -> bytes:
    return blank_form_pdf({"institution_name": "武汉市江汉区仁爱医院"}, PRINTED_LABELS)


def item_of(applicant: Person, application: str) -> str:
    return str(applicant.get(f"/api/v1/applications/{application}").json["work_items"][0])


def fill_in(applicant: Person, application: str, values: dict[str, Any]) -> None:
    item = item_of(applicant, application)
    answer = applicant.post(f"/api/v1/work-items/{item}/complete", {"values": values})
    assert answer.status_code == 200, answer.text


def admitted(portal: Portal, name: str, unit: str = JIANGHAN) -> str:
    """Id of an institution that was admitted earlier."""
    return in_the_library(Town(portal.platform.sessions, portal.platform.clock()), name, unit=unit)


def found(person: Person, **query: Any) -> list[dict[str, Any]]:
    """Lines of the public search."""
    answer = person.get("/api/v1/admissions", query_string=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])
