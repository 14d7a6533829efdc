"""Eight institutions and how they get into the library, or not. Each is played through the API; `play` tells how it ended."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from domain.institutions.credit_code import check_character, organisation_check_character
from tools.cards import forms
from tools.demo.clients import Json, PortalApplicant, Reviewer, patiently

COUNTY = "420106"  # 武昌区; its clerk is the demo account wuchang
ADMIT = {"review_decision": "admit"}


@dataclass(slots=True)
class Library:
    """What the stories share. admitted: set once the first institution is in the library, or failed to get there."""

    address: str
    clerk: Reviewer
    admitted: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Desk:
    """What one story is played with. number: of the story, from which phones and codes follow."""

    library: Library
    rng: random.Random
    number: int
    cases: list[str] = field(default_factory=list)
    _applicants: int = 0

    def applicant(self) -> PortalApplicant:
        """Somebody new, signed in with a phone of their own, about to register."""
        self._applicants += 1
        applicant = PortalApplicant(self.library.address)
        applicant.sign_in_with_phone(f"1380000{self.number:02d}{self._applicants:02d}")
        applicant.begin_admission()
        self.cases.append(applicant.application_id)
        return applicant

    def registration(self, applicant: PortalApplicant, name: str, category: str, **values: str) -> Json:
        """What the applicant types: with the credit code and, where the category has one, the licence that belongs to it."""
        first = f"{420000 + 10 * self.number + self._applicants:08d}"
        organisation = first + organisation_check_character(first)
        code = f"12{COUNTY}{organisation}"
        licensed = category not in ("cdc", "filed_clinic")
        return {
            "institution_name": name,
            "category": category,
            "supervising_unit": COUNTY,
            "address": f"湖北省武汉市武昌区中山路{100 + self.number}号",
            "credit_code": code + check_character(code),
            **({"licence_number": f"{organisation}{COUNTY}11A1001"} if licensed else {}),
            "applicant_name": "周文涛",
            "applicant_phone": applicant.phone,
            **values,
        }

    def hand_in(self, applicant: PortalApplicant, *, seal: str, kind: forms.Kind = forms.RIGHT) -> None:
        """Print the form, stamp it, photograph it, send it."""
        item = applicant.wait_for("stamped_form")
        page = kind.stamp(forms.print_pdf(applicant.blank_form(), "周文涛"), seal, self.rng)
        photo = forms.photograph_form(forms.StampedForm(page, seal, seal, True), forms.LEVELS[0], self.rng).jpeg
        applicant.send(item, {"stamped_form": applicant.upload(item["id"], "stamped_form", photo)})

    def decide(self, applicant: PortalApplicant, values: Json) -> list[str]:
        """The unit's decision; returns the remarks its reviewer was shown."""
        shown = self.library.clerk.decide(applicant.application_id, values)
        remarks: list[str] = (shown["shown"].get("brief") or {}).get("remarks", [])
        return remarks


def admitted(desk: Desk) -> str:
    try:
        return _apply(desk, FIRST, "hospital")
    finally:
        desk.library.admitted.set()


def exact_duplicate(desk: Desk) -> str:
    """Written a little otherwise: the name is the same, the application goes no further than the form."""
    desk.library.admitted.wait()
    applicant = desk.applicant()
    again = desk.registration(applicant, f" {FIRST[:6]}　{FIRST[6:]}", "hospital")
    applicant.complete("information", again)
    applicant.wait_for("information")
    problems = applicant.progress()["public"]["check"]["problems"]
    assert any("机构库" in problem for problem in problems), problems
    applicant.withdraw()
    return applicant.wait_until_ended()


def near_duplicate(desk: Desk) -> str:
    """A branch of the admitted hospital: it explains itself and goes on."""
    desk.library.admitted.wait()
    name = FIRST + "紫阳院区"
    applicant = desk.applicant()
    applicant.complete("information", desk.registration(applicant, name, "hospital"))
    told = {"relation": "branch", "explanation": "紫阳院区是本院2025年经批准设立的院区，地址不同，由总院统一管理。"}
    applicant.complete("explain", told)
    desk.hand_in(applicant, seal=name)
    desk.decide(applicant, ADMIT)
    return applicant.wait_until_ended()


def wrong_seal(desk: Desk) -> str:
    """Stamped by another institution: the reviewer is told what the seal says."""
    applicant = desk.applicant()
    applicant.complete("information", desk.registration(applicant, "武汉市武昌区楚风中医门诊部", "outpatient"))
    desk.hand_in(applicant, seal="武汉市武昌区徐家棚骨科医院")
    refusal = {"review_decision": "reject", "opinion": "申请表盖的是其他机构的公章，请用本单位公章重新申请。"}
    remarks = desk.decide(applicant, refusal)
    assert any("徐家棚骨科医院" in remark for remark in remarks), remarks
    return applicant.wait_until_ended()


def no_licence_needed(desk: Desk) -> str:
    return _apply(desk, "武汉市武昌区疾病预防控制中心", "cdc")


def returned_and_amended(desk: Desk) -> str:
    """Not stamped at first."""
    name = "武汉市武昌区水果湖街社区卫生服务中心"
    applicant = desk.applicant()
    typed = desk.registration(applicant, name, "community_health")
    applicant.complete("information", typed)
    desk.hand_in(applicant, seal=name, kind=forms.NONE)
    defects = {
        "review_decision": "return",
        "defects": ["stamp_missing"],
        "opinion": "申请表没有盖章，请盖章后重新上传。",
    }
    remarks = desk.decide(applicant, defects)
    assert any("没有" in remark and "印章" in remark for remark in remarks), remarks
    applicant.complete("amend", {**typed, "address": "湖北省武汉市武昌区东湖路9号"})
    desk.hand_in(applicant, seal=name)
    desk.decide(applicant, ADMIT)
    return applicant.wait_until_ended()


def rejected(desk: Desk) -> str:
    name = "武汉市武昌区康体养生馆"
    applicant = desk.applicant()
    applicant.complete("information", desk.registration(applicant, name, "clinic"))
    desk.hand_in(applicant, seal=name)
    desk.decide(applicant, {"review_decision": "reject", "opinion": "养生馆不是医疗卫生机构，不予收录。"})
    return applicant.wait_until_ended()


def raced(desk: Desk) -> str:
    """Two people apply for one name and are both admitted at the same moment: one is, the other goes back to the reviewer."""
    name = "武汉市武昌区晨光口腔门诊部"
    both = [desk.applicant() for _ in range(2)]
    for applicant in both:
        applicant.complete("information", desk.registration(applicant, name, "outpatient"))
        desk.hand_in(applicant, seal=name)
    for applicant in both:
        desk.library.clerk.find(applicant.application_id)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda applicant: desk.decide(applicant, ADMIT), both))
    ended = [applicant.progress()["ended_at"] is not None for applicant in both]
    assert sorted(ended) == [False, True], f"one of two is admitted, not {ended}"
    loser = both[ended.index(False)]
    remarks = desk.decide(loser, {"review_decision": "reject", "opinion": "该名称已由另一申请收录。"})
    assert any("收录" in remark for remark in remarks), remarks
    return "+".join(sorted(applicant.wait_until_ended() for applicant in both))


def _apply(desk: Desk, name: str, category: str) -> str:
    applicant = desk.applicant()
    applicant.complete("information", desk.registration(applicant, name, category))
    desk.hand_in(applicant, seal=name)
    desk.decide(applicant, ADMIT)
    for _ in patiently():  # whoever searches finds it; the library says so at once
        found = applicant.get("/admissions", name=name)["items"]
        if any(line["state"] == "ADMITTED" for line in found):
            break
    return applicant.wait_until_ended()


@dataclass(frozen=True, slots=True)
class InstitutionStory:
    who: str
    expected: str
    play: Callable[[Desk], str]


FIRST = "武汉市武昌区东湖仁爱医院"
STORIES = (
    InstitutionStory("证照齐全", "admitted", admitted),
    InstitutionStory("名称已在库中", "withdrawn", exact_duplicate),
    InstitutionStory("名称近似的分院", "admitted", near_duplicate),
    InstitutionStory("盖了别家的章", "rejected", wrong_seal),
    InstitutionStory("不需要执业许可", "admitted", no_licence_needed),
    InstitutionStory("没盖章，补正", "admitted", returned_and_amended),
    InstitutionStory("不是医疗机构", "rejected", rejected),
    InstitutionStory("两人同时申请", "admitted+rejected", raced),
)
