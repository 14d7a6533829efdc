"""The HTTP API as people use it: an applicant's mini-program or portal, and the console of reviewers and units."""

from __future__ import annotations

import time
import uuid
from typing import Any

import requests

POLL_S = 0.15
PATIENCE_S = 240
TIMEOUT_S = 60

Json = dict[str, Any]  # Any: whatever the API's JSON holds


class Refused(Exception):
    """The API answered with a problem document."""

    def __init__(self, answer: requests.Response) -> None:
        problem = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        super().__init__(
            f"{answer.status_code} {problem.get('code')}: {problem.get('title')} {problem.get('problems', '')}"
        )
        self.code = problem.get("code")
        self.status = answer.status_code


class _Client:
    def __init__(self, address: str) -> None:
        self._api = f"{address}/api/v1"
        self._http = requests.Session()
        self._http.headers["X-Requested-With"] = "demo"

    def get(self, path: str, **query: str | int) -> Json:
        return self._told("GET", path, params=query)

    def post(self, path: str, body: Json | None = None) -> Json:
        return self._told("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def download(self, path: str) -> bytes:
        return self._answer("GET", path).content

    def send(self, item: Json, values: Json) -> None:
        """Complete a work item."""
        self.post(f"/work-items/{item['id']}/complete", {"values": values})

    def upload(self, item_id: str, field: str, picture: bytes) -> str:
        """Id of the attachment, kept for that field of the work item's form."""
        told = self._told(
            "POST",
            "/attachments",
            data={"work_item": item_id, "field": field},
            files={"file": ("photo.jpg", picture, "image/jpeg")},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        return str(told["id"])

    def _told(self, method: str, path: str, **more: Any) -> Json:
        answer = self._answer(method, path, **more)
        told: Json = answer.json() if answer.content else {}
        return told

    def _answer(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self._http.request(method, self._api + path, timeout=TIMEOUT_S, **more)
        if not answer.ok:
            raise Refused(answer)
        return answer


class Applicant(_Client):
    """Somebody with the mini-program in hand. One application at a time, as the flow allows."""

    application_id = ""

    def sign_in(self, wechat: str) -> None:
        token = self.post("/session/wechat", {"code": f"sandbox:{wechat}"})["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def begin(self, *, name: str, document_type: str, number: str, method: str) -> None:
        """Consent and the information form; afterwards the diagram asks for photographs."""
        self.application_id = self.post("/applications", {"flow": "real_name"})["id"]
        self.complete("consent", {"read_consent": self._consent_text("read_consent")})
        typed = {"name": name, "document_type": document_type, "document_number": number, "method": method}
        self.complete("information", typed)

    def scan(self, front: bytes, back: bytes | None = None, *, element: str = "scan") -> None:
        """Upload the photographs and send the form they belong to."""
        item = self.wait_for(element)
        pictures = {"front": front, **({"back": back} if back else {})}
        self.send(item, {field: self.upload(item["id"], field, picture) for field, picture in pictures.items()})

    def complete(self, element: str, values: Json) -> None:
        self.send(self.wait_for(element), values)

    def withdraw(self) -> None:
        self.post(f"/applications/{self.application_id}/messages/withdraw", {})

    def wait_for(self, element: str) -> Json:
        """The open work item of that element. AssertionError when the diagram asks for another, or for nothing in time."""
        item = self._next_item()
        assert item["element"] == element, f"expected {element}, the diagram asks for {item['element']}"
        return item

    def progress(self) -> Json:
        return self.get(f"/applications/{self.application_id}")

    def wait_until_ended(self) -> str:
        """The outcome of the application."""
        for _ in patiently():
            told = self.progress()
            if told["ended_at"]:
                return str(told["outcome"])
        raise TimeoutError(f"application {self.application_id} has not ended: {told['progress']}")

    def wait_for_review(self) -> None:
        for _ in patiently():
            if any("审核" in step for step in self.progress()["progress"]):
                return
        raise TimeoutError(f"application {self.application_id} did not reach a reviewer")

    def _next_item(self) -> Json:
        for _ in patiently():
            told = self.progress()
            assert not told["ended_at"], f"the application ended: {told['outcome']}"
            if told["work_items"]:
                return self.get(f"/work-items/{told['work_items'][0]}")
        raise TimeoutError(f"nothing was asked of application {self.application_id}: {told['progress']}")

    def _consent_text(self, field: str) -> str:
        form = self.wait_for("consent")["form"]
        return str(form["properties"][field]["const"])


class PortalApplicant(Applicant):
    """Somebody at the portal with a phone: applies for an institution."""

    phone = ""

    def sign_in_with_phone(self, phone: str) -> None:
        code = self.post("/session/phone/code", {"phone": phone})["sandbox_code"]
        token = self.post("/session/phone", {"phone": phone, "code": code})["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        self.phone = phone

    def begin_admission(self) -> None:
        """A new application with its agreement given; afterwards the diagram asks for the registration."""
        self.application_id = self.post("/applications", {"flow": "institution_admission"})["id"]
        agreement = self.wait_for("agreement")
        self.send(agreement, {"agreement": agreement["form"]["properties"]["agreement"]["const"]})

    def blank_form(self) -> bytes:
        """The PDF to stamp, filled in with what was registered."""
        return self.download(f"/admissions/{self.application_id}/blank-form")


class Reviewer(_Client):
    def __init__(self, address: str, username: str, password: str) -> None:
        super().__init__(address)
        self.post("/session/password", {"username": username, "password": password})

    def decide(self, case_id: str, values: Json, *, element: str = "") -> Json:
        """Claim the case's open item (of that element) and send the decision; returns what the reviewer was shown."""
        item = self.find(case_id, element)
        self.post(f"/work-items/{item['id']}/claim")
        shown = self.get(f"/work-items/{item['id']}")
        self.post(f"/work-items/{item['id']}/complete", {"values": values})
        return shown

    def find(self, case_id: str, element: str = "") -> Json:
        """The case's item in the inbox, waited for."""
        for _ in patiently():
            cursor: Json = {}
            while True:
                page = self.get("/inbox", limit=100, **cursor)
                for item in page["items"]:
                    if item["case_id"] == case_id and element in ("", item["element"]):
                        found: Json = item
                        return found
                if not page["next"]:
                    break
                cursor = {"cursor": page["next"]}
        raise TimeoutError(f"case {case_id} is in no inbox")


def patiently() -> Any:
    """Steps until patience is over; the platform's workers run in their own time."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        yield
        time.sleep(POLL_S)
