"""Who a WeChat user is: exchanges the code of `wx.login` for the openid (code2Session). The session_key never leaves here."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import requests

from api.edge.errors import Rejected
from config import Settings

log = logging.getLogger(__name__)

CODE2SESSION = "https://api.weixin.qq.com/sns/jscode2session"
TIMEOUT_S = 5
# The codes WeChat documents for a login code that is wrong (40029), used up (40163) or of a risky user (40226).
_REFUSED = frozenset({40029, 40163, 40226})
_SANDBOX_CODE = re.compile(r"sandbox:([A-Za-z0-9_.\-\u4e00-\u9fff]{1,40})")

OpenidOf = Callable[[str], str]


def openid_lookup(settings: Settings) -> OpenidOf:
    """How this installation learns an openid: from WeChat, or from the code itself in the sandbox (`sandbox:<name>`)."""
    if settings.wechat_app_id and settings.wechat_secret:
        return WechatLogin(settings.wechat_app_id, settings.wechat_secret)
    assert settings.sandbox, "settings without WeChat credentials are a sandbox"
    return sandbox_openid


def sandbox_openid(code: str) -> str:
    """`sandbox:zhangsan` signs in as zhangsan. Raises Rejected("wechat.code_refused")."""
    named = _SANDBOX_CODE.fullmatch(code)
    if named is None:
        raise Rejected("wechat.code_refused")
    return code


class WechatLogin:
    """Calls WeChat once for a code; a code works once, so nothing is tried again."""

    def __init__(self, app_id: str, secret: str, url: str = CODE2SESSION) -> None:
        self._parameters = {"appid": app_id, "secret": secret, "grant_type": "authorization_code"}
        self._url = url

    def __call__(self, code: str) -> str:
        """Raises Rejected: wechat.code_refused, wechat.unavailable."""
        try:
            answer = requests.get(self._url, params={**self._parameters, "js_code": code}, timeout=TIMEOUT_S)
            answer.raise_for_status()
            facts = answer.json()
        except (requests.RequestException, ValueError) as error:
            log.warning("code2Session failed: %s", type(error).__name__)  # its message holds the URL with the secret
            raise Rejected("wechat.unavailable") from None
        refusal = facts.get("errcode", 0)
        if refusal in _REFUSED:
            raise Rejected("wechat.code_refused")
        if refusal or not facts.get("openid"):
            log.warning("code2Session answered errcode %s", refusal)
            raise Rejected("wechat.unavailable")
        return f"wechat:{facts['openid']}"
