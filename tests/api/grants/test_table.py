"""The unit's table of 机构业务授权 over HTTP, and what is done with a selection of its rows."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Person
from tests.api.granting import Province, code_of
from tests.flows.business_grant.cases import NURSES


def rows(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = person.get("/api/v1/grants", query_string={"business": NURSES, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


# ---- the table


def test_the_table_shows_state_and_code(province: Province, clerk: Person) -> None:
    assert [row["state_label"] for row in rows(clerk)] == ["未生成"]

    issued = clerk.post(f"{province.path}/code")

    assert issued.status_code == 200, issued.text
    assert [(row["state_label"], row["code"]) for row in rows(clerk)] == [("已生成未激活", issued.json["code"])]
    assert rows(clerk, state="ACTIVE") == []
    assert len(rows(clerk, name="第一")) == 1
    assert rows(clerk, name="不存在") == []


def test_a_county_sees_its_own_and_the_province_everything(province: Province, clerk: Person) -> None:
    everybody = province.clerk("420000")

    assert [row["id"] for row in rows(clerk)] == [province.hospital.grant]
    assert {row["id"] for row in rows(everybody)} == {province.hospital.grant, province.elsewhere}
    assert [row["id"] for row in rows(everybody, unit="420102")] == [province.elsewhere]
    assert code_of(clerk.get("/api/v1/grants", query_string={"business": NURSES, "unit": "420102"})) == (
        403,
        "unit.outside_scope",
    )


def test_pages_tell_their_total(province: Province) -> None:
    everybody = province.clerk("420000")

    first = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1}).json
    second = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1, "page": 2}).json
    after = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1, "cursor": first["next"]}).json

    assert (first["total"], second["total"]) == (2, 2)
    assert first["items"] != second["items"] == after["items"]


def test_an_unknown_business_has_no_table(clerk: Person) -> None:
    assert code_of(clerk.get("/api/v1/grants", query_string={"business": "dancing"})) == (404, "business.unknown")


def test_counts_and_businesses(province: Province, clerk: Person) -> None:
    clerk.post(f"{province.path}/code")

    counts = clerk.get("/api/v1/grants/counts", query_string={"business": NURSES}).json["items"]

    assert {each["label"]: each["count"] for each in counts if each["count"]} == {"已生成未激活": 1}
    assert NURSES in {each["key"] for each in clerk.get("/api/v1/businesses").json["items"]}


# ---- a selection of rows


def test_a_selection_has_a_result_for_each_row(province: Province) -> None:
    everybody = province.clerk("420000")
    everybody.post(f"{province.path}/code")

    answer = everybody.post(
        "/api/v1/grants/batch", {"act": "generate", "grants": [province.hospital.grant, province.elsewhere, "0" * 26]}
    )

    assert [(each["done"], each["code"]) for each in answer.json["items"]] == [
        (False, "grant.tenure_running"),
        (True, None),
        (False, "grant.unknown"),
    ]
    assert (answer.json["done"], answer.json["refused"]) == (1, 2)
    assert {row["state"] for row in rows(everybody)} == {"ISSUED"}


def test_a_selection_is_extended_and_revoked(province: Province) -> None:
    everybody = province.clerk("420000")
    both = [province.hospital.grant, province.elsewhere]
    everybody.post("/api/v1/grants/batch", {"act": "generate", "grants": both})

    extended = everybody.post("/api/v1/grants/batch", {"act": "extend", "grants": both}).json
    revoked = everybody.post("/api/v1/grants/batch", {"act": "revoke", "grants": both, "reason": "发错机构"}).json

    assert (extended["done"], revoked["done"]) == (2, 2)
    assert {row["state"] for row in rows(everybody)} == {"NONE"}


def test_slips_are_printed_for_codes_that_are_out(province: Province) -> None:
    everybody = province.clerk("420000")
    both = [province.hospital.grant, province.elsewhere]
    everybody.post("/api/v1/grants/batch", {"act": "generate", "grants": both[:1]})

    pdf = everybody.get("/api/v1/grants/slips", query_string={"grants": ",".join(both[:1])})
    refused = everybody.get("/api/v1/grants/slips", query_string={"grants": ",".join(both)})

    assert pdf.mimetype == "application/pdf"
    assert pdf.data.startswith(b"%PDF")
    assert province.hospital.code is not None
    text = province.text_of(pdf.data)
    assert province.hospital.code[:4] in text
    assert "武昌区第一医院" in text
    assert refused.json["code"] == "grant.no_open_code"
    assert "江岸区口腔门诊部" in refused.json["detail"]
