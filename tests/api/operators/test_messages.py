"""Messages from outside systems over HTTP, and what operators see of those nobody took."""

from __future__ import annotations

from datetime import timedelta

from engine.messages.delivery import deliver_outbox
from tests.api.conftest import Platform

PAID = {"message": "paid", "correlation": "42", "payload": {"amount": 3}, "dedup_key": "bank-1"}


def test_only_an_outside_systems_account_sends(platform: Platform) -> None:
    guard, citizen = platform.staff("guard"), platform.citizen()

    refused = guard.post("/api/v1/messages", PAID)

    assert (refused.status_code, refused.json["code"]) == (403, "message.may_not_send")
    assert citizen.post("/api/v1/messages", PAID).json["code"] == "auth.console_only"


def test_a_message_sent_again_is_the_same_message(platform: Platform) -> None:
    bank, other = platform.staff("bank", "message.sender"), platform.staff("other", "message.sender")

    first, again = bank.post("/api/v1/messages", PAID), bank.post("/api/v1/messages", PAID)
    foreign = other.post("/api/v1/messages", PAID)

    assert (first.status_code, first.json["is_new"]) == (202, True)
    assert again.json == {"id": first.json["id"], "is_new": False}
    assert foreign.json["is_new"]


def test_operators_see_what_nobody_took_and_settle_it(platform: Platform) -> None:
    bank, admin = platform.staff("bank", "message.sender"), platform.staff("root", "admin")
    bank.post("/api/v1/messages", PAID)
    bank.post("/api/v1/messages", {**PAID, "dedup_key": "bank-2"})
    deliver_outbox(platform.sessions, platform.clock() + timedelta(days=8))

    [one, other] = admin.get("/api/v1/undelivered-messages").json["items"]
    dismissed = admin.post(f"/api/v1/undelivered-messages/{one['id']}/dismiss")
    again = admin.post(f"/api/v1/undelivered-messages/{other['id']}/send-again")
    gone = admin.post(f"/api/v1/undelivered-messages/{one['id']}/dismiss")

    assert (one["message"], one["note"]) == ("paid", "message.not_awaited")
    assert (dismissed.status_code, again.status_code) == (204, 204)
    assert (gone.status_code, gone.json["code"]) == (409, "outbox.gone")
    assert admin.get("/api/v1/undelivered-messages").json["items"] == []
    assert platform.staff("guard").get("/api/v1/undelivered-messages").status_code == 403
