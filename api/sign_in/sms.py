"""Sends a one-time code through the SMS provider; in the sandbox nothing is sent and the answer carries the code."""

from __future__ import annotations

import logging

import requests

from api.edge.errors import Rejected
from config import Settings

log = logging.getLogger(__name__)

TIMEOUT_S = 5


def send_code(settings: Settings, phone: str, code: str, key: str) -> None:
    """POST `{"phone", "text", "key"}` to SMS_URL. Raises Rejected("sms.unavailable"), also where no provider is set."""
    if settings.sms_url is None:
        raise Rejected("sms.unavailable")
    text = f"您的验证码是 {code}，5 分钟内有效。请勿告诉他人。"
    headers = {"Authorization": f"Bearer {settings.sms_token}"} if settings.sms_token else {}
    try:
        answer = requests.post(
            settings.sms_url, json={"phone": phone, "text": text, "key": key}, headers=headers, timeout=TIMEOUT_S
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        log.warning("the SMS provider failed: %s", type(error).__name__)
        raise Rejected("sms.unavailable") from None
