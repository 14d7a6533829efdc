"""Who reaches a grant over HTTP: the units it is of and the clerk they made, nobody else; and what other systems may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Person
from tests.api.granting import Province, code_of, number_of
from tests.flows.business_grant.cases import NURSES, Someone


@pytest.fixture
def granted(province: Province, clerk: Person, wang: tuple[Someone, Person]) -> Someone:
    assert clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])}).status_code == 200
    return wang[0]


# ---- nobody else


UNIT_REQUESTS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("get", "", None),
    ("get", "/impact", None),
    ("post", "/code", {}),
    ("post", "/code/replace", {}),
    ("post", "/code/extend", {}),
    ("post", "/bind", {"document_number": "420106198001011237"}),
    ("post", "/revoke", {"how": "replace"}),
    ("post", "/revoke", {"how": "stop"}),
    ("post", "/suspend", {}),
    ("post", "/resume", {}),
    ("post", "/enable", {}),
)


@pytest.mark.usefixtures("granted")
@pytest.mark.parametrize(("method", "path", "body"), UNIT_REQUESTS)
def test_a_foreign_unit_finds_nothing(province: Province, method: str, path: str, body: dict[str, Any] | None) -> None:
    foreign = province.clerk("420102")
    before = province.hospital.register().changed_at

    answer = foreign.get(province.path + path) if method == "get" else foreign.post(province.path + path, body)
    absent = f"/api/v1/grants/{'0' * 26}{path}"
    nothing = foreign.get(absent) if method == "get" else foreign.post(absent, body)

    assert code_of(answer) == (404, "grant.unknown")
    assert {**answer.json, "instance": ""} == {**nothing.json, "instance": ""}
    assert province.hospital.register().changed_at == before


@pytest.mark.parametrize(("method", "path", "body"), UNIT_REQUESTS)
def test_who_is_no_units_staff_finds_nothing(
    province: Province, wang: tuple[Someone, Person], method: str, path: str, body: dict[str, Any] | None
) -> None:
    for person in (wang[1], province.stranger()):
        answer = person.get(province.path + path) if method == "get" else person.post(province.path + path, body)

        assert code_of(answer) == (403, "unit.not_staff")


def test_a_foreign_unit_batches_and_prints_nothing(province: Province, clerk: Person) -> None:
    clerk.post(f"{province.path}/code")
    foreign = province.clerk("420102")

    batch = foreign.post("/api/v1/grants/batch", {"act": "revoke", "grants": [province.hospital.grant]}).json
    slips = foreign.get("/api/v1/grants/slips", query_string={"grants": ",".join([province.hospital.grant])})

    assert [each["code"] for each in batch["items"]] == ["grant.unknown"]
    assert code_of(slips) == (404, "grant.unknown")
    assert province.hospital.state == "ISSUED"


def test_a_business_of_the_province_is_the_provinces_to_grant(province: Province, clerk: Person) -> None:
    province.granted_by("420000")

    assert code_of(clerk.post(f"{province.path}/code")) == (403, "grant.other_unit_grants")
    assert clerk.get(province.path).json["may_change"] is False
    assert province.clerk("420000").post(f"{province.path}/code").json["state_label"] == "已生成未激活"


def test_a_clerk_by_grant_does_what_the_console_does(province: Province, wang: tuple[Someone, Person]) -> None:
    province.makes_clerk_of_county(wang[0])

    answer = wang[1].post(f"{province.path}/code")

    assert answer.json["state_label"] == "已生成未激活"
    province.suspends_clerks_of_county()
    assert code_of(wang[1].post(f"{province.path}/code/extend")) == (403, "unit.not_staff")


# ---- what other systems ask


@pytest.fixture
def asks(province: Province) -> Callable[..., Any]:
    def ask(person: Person, someone: Someone, **query: str) -> Any:
        asked = {"business": NURSES, "institution": province.hospital.institution, "person": someone.person, **query}
        return person.get("/api/v1/grants/check", query_string=asked)

    return ask


def test_another_system_asks_who_is_granted(
    province: Province, clerk: Person, granted: Someone, asks: Callable[..., Any]
) -> None:
    system = province.platform.staff("exam-system", "message.sender")
    li, _ = province.person("李梅")

    assert asks(system, granted).json == {"is_granted": True}
    assert asks(system, li).json == {"is_granted": False}
    assert asks(system, granted, institution="0" * 26).json == {"is_granted": False}
    assert asks(system, granted, business="dancing").json == {"is_granted": False}
    clerk.post(f"{province.path}/suspend")
    assert asks(system, granted).json == {"is_granted": False}


def test_only_who_has_to_know_may_ask(
    province: Province, clerk: Person, wang: tuple[Someone, Person], asks: Callable[..., Any]
) -> None:
    _, li = province.person("李梅")

    assert asks(wang[1], wang[0]).json == {"is_granted": False}
    assert asks(clerk, wang[0]).json == {"is_granted": False}
    for person in (li, province.clerk("420102"), province.stranger()):
        assert code_of(asks(person, wang[0])) == (403, "grant.may_not_check")
