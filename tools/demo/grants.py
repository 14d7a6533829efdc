"""Six grants through every state, with people and institutions of the other acts. `play` leaves the grant in `expected`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tools.cards.faces import card_portrait, selfie
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, photograph, to_jpeg
from tools.demo.clients import Applicant, Json, Refused, Reviewer, patiently
from tools.demo.institutions import FIRST
from tools.demo.stories import Stage

NURSES, TITLES = "nurse_exam_review", "title_exam_review"
CDC, COMMUNITY = "武汉市武昌区疾病预防控制中心", "武汉市武昌区水果湖街社区卫生服务中心"
DECLINED = {"face_choice": "decline"}  # the unit confirms by phone instead


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody verified by resident ID, with the mini-program in hand. card: a photograph of it, where it is needed again."""

    app: Applicant
    number: str
    card: bytes = b""


@dataclass(slots=True)
class Grant:
    """One institution's grant of one business, and who plays it. people: verified, nobody else's in this act."""

    clerk: Reviewer
    people: list[Citizen]
    rng: random.Random
    id: str

    def page(self) -> Json:
        return self.clerk.get(f"/grants/{self.id}")

    def asks(self, what: str, **body: object) -> Json:
        """The unit does something with the grant."""
        return self.clerk.post(f"/grants/{self.id}/{what}", dict(body))

    def manages(self, person: Citizen, what: str, **body: object) -> Json:
        """The manager does something with the grant."""
        return person.app.post(f"/my/grants/{self.id}/{what}", dict(body))

    def answers(self, person: Citizen, form: str, values: Json) -> None:
        """Fill in what the person is asked for."""
        person.app.send({"id": self._pending(person, form)["work_item_id"]}, values)

    def shows(self, person: Citizen, form: str, field: str, picture: bytes) -> None:
        """Photograph what the person is asked for."""
        item = self._pending(person, form)["work_item_id"]
        person.app.send({"id": item}, {field: person.app.upload(item, field, picture)})

    def confirms(self) -> None:
        """The unit has rung up: it is this person."""
        case = self.page()["case_id"]
        self.clerk.decide(case, {"unit_decision": "approve", "confirmed_by": "phone"}, element="confirm")

    def becomes(self, state: str) -> Json:
        """The grant's page once it is in that state."""
        for _ in patiently():
            page = self.page()
            if page["state"] == state:
                return page
        raise TimeoutError(f"the grant is {page['state']}, not {state}")

    def may_work(self, person_id: str, page: Json) -> bool:
        """What other systems are told."""
        asked = {"business": page["business"], "institution": page["institution_id"], "person": person_id}
        return bool(self.clerk.get("/grants/check", **asked)["is_granted"])

    def next_form(self, person: Citizen) -> str:
        """What the person is asked for next, waited for."""
        return str(self._pending(person)["form"])

    def _pending(self, person: Citizen, form: str = "") -> Json:
        for _ in patiently():
            told = person.app.get("/my/grants")
            own = [grant for grant in [*told["asked"], *told["items"]] if grant["id"] == self.id]
            for item in (item for grant in own for item in grant["pending"]):
                if item["is_mine"] and form in ("", item["form"]):
                    found: Json = item
                    return found
        raise TimeoutError(f"nobody asks this person for {form or 'anything'}")


def by_code(grant: Grant) -> None:
    """A code, redeemed by somebody who declines the face; an auxiliary; suspended and resumed."""
    manager, helper = grant.people
    code = grant.asks("code")["code"]
    manager.app.post("/my/grants/redeem", {"code": f" {code.lower()} "})
    grant.answers(manager, "face_consent", DECLINED)
    grant.confirms()
    page = grant.becomes("ACTIVE")
    assert page["code"] is None, "a used code is never shown again"
    grant.manages(manager, "auxiliaries", document_number=helper.number)
    grant.answers(manager, "face_consent", DECLINED)
    grant.confirms()
    grant.answers(helper, "accept", {"answer": "accept"})
    people = _holders(grant, "AUXILIARY", least=1)
    grant.asks("suspend", reason="核查材料")
    assert not grant.may_work(people[0], grant.becomes("SUSPENDED"))
    grant.asks("resume", reason="核查完毕")
    assert grant.may_work(people[0], grant.becomes("ACTIVE"))


def handed_on(grant: Grant) -> None:
    """Granted directly, transferred to somebody else, who takes one tap to accept."""
    manager, successor = grant.people
    grant.asks("bind", document_number=manager.number)
    page = grant.becomes("ACTIVE")
    before = _holders(grant, "MANAGER", least=1)
    shown = grant.manages(manager, "target", document_number=successor.number)
    assert "*" in shown["name"], "a name is shown masked"
    grant.manages(manager, "transfer", document_number=successor.number, keep_auxiliaries=True)
    grant.answers(manager, "face_consent", DECLINED)
    grant.confirms()
    grant.answers(successor, "accept", {"answer": "accept"})
    _wait_for_successor(grant, before, page["case_id"])


def by_face(grant: Grant) -> None:
    """A code redeemed with one's face; where no model for it is installed the unit has the last word. Revoked afterwards."""
    (newcomer,) = grant.people
    code = grant.asks("code")["code"]
    told = newcomer.app.post("/my/grants/redeem", {"code": code})
    item = newcomer.app.get(f"/work-items/{told['pending'][0]['work_item_id']}")
    version = item["form"]["properties"]["face_consent_version"]["const"]
    newcomer.app.send(item, {"face_choice": "agree", "face_consent_version": version})
    if grant.next_form(newcomer) == "scan_card":  # no portrait was kept with the credential
        grant.shows(newcomer, "scan_card", "front", newcomer.card)
    grant.shows(newcomer, "selfie", "selfie", to_jpeg(selfie(FACE, grant.rng)))
    for _ in patiently():
        page = grant.page()
        if any(step["element"].endswith("confirm") for step in page["running"]):
            grant.confirms()
        if page["state"] == "ACTIVE":
            break
    grant.asks("revoke", how="replace", reason="人员变动")
    grant.becomes("NONE")


def waiting_code(grant: Grant) -> None:
    """A code nobody has used yet: extended, replaced, printed; the replaced one is as good as none."""
    (stranger,) = grant.people
    old = grant.asks("code")["code"]
    grant.asks("code/extend")
    new = grant.asks("code/replace")["code"]
    assert new != old
    for wrong in (old, "7K3M9QXW"):
        code = _refusal(partial(stranger.app.post, "/my/grants/redeem", {"code": wrong}))
        assert code == "grant.code_not_valid", code


def taken_over(grant: Grant) -> None:
    """The manager has gone without a word; a colleague asks, the unit decides; suspended in the end."""
    gone, colleague = grant.people
    grant.asks("bind", document_number=gone.number)
    page = grant.becomes("ACTIVE")
    before = _holders(grant, "MANAGER", least=1)
    colleague.app.post("/my/grants/takeover", {"institution": page["institution_code"], "business": page["business"]})
    decision = {"takeover_decision": "approve"}
    grant.clerk.decide(page["case_id"], decision, element="decide_takeover")
    _wait_for_successor(grant, before, page["case_id"])
    grant.asks("suspend", reason="等待新任管理人到岗")
    grant.becomes("SUSPENDED")


def stopped(grant: Grant) -> None:
    """Stopped, no code until enabled again, bound over an open code, resigned, stopped for good."""
    (manager,) = grant.people
    grant.asks("revoke", how="stop")
    grant.becomes("STOPPED")
    assert _refusal(lambda: grant.asks("code")), "a stopped grant gave a code"
    grant.asks("enable")
    grant.asks("code")
    grant.becomes("ISSUED")
    grant.asks("bind", document_number=manager.number)
    grant.becomes("ACTIVE")
    grant.manages(manager, "resign")
    grant.becomes("NONE")
    grant.asks("revoke", how="stop")


def _wait_for_successor(grant: Grant, before: list[str], case_id: str) -> None:
    """Until somebody else manages it and their own tenure runs."""
    for _ in patiently():
        page = grant.page()
        if page["case_id"] not in (None, case_id) and _holders(grant, "MANAGER", least=1) != before:
            return
    raise TimeoutError("nobody else became manager")


def _refusal(act: Callable[[], object]) -> str:
    """The code with which the platform said no; "" where it did not."""
    try:
        act()
    except Refused as refused:
        return str(refused.code)
    return ""


def _holders(grant: Grant, role: str, *, least: int) -> list[str]:
    """Person ids of those who hold the role now; waits for so many."""
    for _ in patiently():
        holders = [one["person_id"] for one in grant.page()["holders"] if one["role"] == role and one["until"] is None]
        if len(holders) >= least:
            return holders
    raise TimeoutError(f"nobody became {role}")


@dataclass(frozen=True, slots=True)
class GrantStory:
    """people: how many verified people it takes; needs_face: the one it takes has a photographed face on the card."""

    who: str
    institution: str
    business: str
    expected: str
    people: int
    play: Callable[[Grant], None]
    needs_face: bool = False


FACE = 1  # of tools/cards/faces.py


def with_a_face(stage: Stage) -> bytes:
    """Verified with a card that carries a photographed face, for by_face(); returns the photograph of the card's front."""
    person = stage.person()
    stage.begin(person)
    front = photograph(draw_front(person, portrait=card_portrait(FACE, stage.rng)), EASY, stage.rng)
    stage.applicant.scan(front.jpeg, photograph(draw_back(person), EASY, stage.rng).jpeg)
    return front.jpeg


STORIES = (
    GrantStory("授权码、辅助管理员", FIRST, NURSES, "ACTIVE", 2, by_code),
    GrantStory("直接授权、转移", CDC, NURSES, "ACTIVE", 2, handed_on),
    GrantStory("人脸核验、解除", COMMUNITY, NURSES, "NONE", 1, by_face, needs_face=True),
    GrantStory("授权码待激活", FIRST, TITLES, "ISSUED", 1, waiting_code),
    GrantStory("申请接管、暂停", CDC, TITLES, "SUSPENDED", 2, taken_over),
    GrantStory("停用、启用、辞任", COMMUNITY, TITLES, "STOPPED", 1, stopped),
)
