"""Signing in with a phone on the portal: somebody without WeChat proves a number by SMS and may then apply for an institution."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from api.edge.auth import LASTS, open_session, platform_settings
from api.edge.errors import problem
from api.edge.idempotency import forget_old_answers
from api.edge.limits import address, limiter, phone_number
from api.edge.request_session import now
from api.edge.transactions import in_one_transaction
from api.sign_in.session import CodeRequest, CodeSent, PhoneProof, Token
from api.sign_in.sms import send_code
from domain.accounts.account import AccountKind
from domain.accounts.phone_account import find_or_create_phone_account
from domain.accounts.sms_code import LIFETIME, check_code, make_code
from domain.phones import normalise_phone
from storage import vault
from storage.columns import new_id
from storage.transactions import after_commit

phone_sign_in_api = APIBlueprint("phone_sign_in", __name__, url_prefix="/api/v1", tag="登录")


@phone_sign_in_api.post("/session/phone/code")
@limiter.limit("30 per hour", key_func=address)
@limiter.limit("10 per hour", key_func=phone_number)
@phone_sign_in_api.input(CodeRequest)
@phone_sign_in_api.output(CodeSent, status_code=201)
@phone_sign_in_api.doc(summary="发送登录验证码")
def send_sign_in_code(json_data: CodeRequest) -> dict[str, Any]:
    """手机号登录的第一步，无需先登录。登记过与未登记过的手机号答复相同。沙箱模式不发送，在答复中给出。"""
    settings = platform_settings()
    phone = normalise_phone(json_data.phone)
    is_simulated = settings.sandbox and settings.sms_url is None

    def work(session: Session) -> str:
        code = make_code(session, _sign_in_proof(phone), phone, now())
        if not is_simulated:
            after_commit(session, lambda: send_code(settings, phone, code, new_id()))
        return code

    code = in_one_transaction(work)
    return {"valid_for_s": int(LIFETIME.total_seconds()), "sandbox_code": code if is_simulated else None}


@phone_sign_in_api.post("/session/phone")
@limiter.limit("60 per hour", key_func=address)
@limiter.limit("20 per hour", key_func=phone_number)
@phone_sign_in_api.input(PhoneProof)
@phone_sign_in_api.output(Token, status_code=201)
@phone_sign_in_api.doc(summary="手机号登录")
def sign_in_with_phone(json_data: PhoneProof) -> dict[str, Any] | Response:
    """以短信验证码登录；首次登录即建立账号。"""
    phone = normalise_phone(json_data.phone)

    def sign_in(session: Session) -> str | None:
        forget_old_answers(session, now())
        if not check_code(session, _sign_in_proof(phone), json_data.code, now()).is_right:
            return None  # not raised: the count of wrong guesses is committed
        return open_session(session, find_or_create_phone_account(session, phone, now()), now())

    token = in_one_transaction(sign_in)
    if token is None:
        return problem("sms.code_wrong")
    return {
        "token": token,
        "expires_at": now() + LASTS[AccountKind.PHONE],
        "sandbox": platform_settings().sandbox,
    }


def _sign_in_proof(phone: str) -> str:
    """What a code proves here: the phone alone (64 hex digits, nothing readable)."""
    return vault.current().master_key.keyed_hash("phone sign-in", phone)
