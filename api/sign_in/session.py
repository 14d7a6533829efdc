"""Signing in and out: citizens with WeChat, staff with a password; and who I am."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app, request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import (
    COOKIE,
    LASTS,
    Audience,
    Caller,
    close_session,
    hand_cookie,
    identify,
    open_session,
    platform_settings,
    refuse_cross_site,
)
from api.edge.errors import Rejected, problem
from api.edge.idempotency import KEY_HEADER, forget_answer, forget_old_answers
from api.edge.limits import address, limiter, user_name, was_refused
from api.edge.request_session import db, now, request_session
from api.edge.roles import places_of
from api.edge.transactions import decides, in_one_transaction, reads, writes
from api.sign_in.sms import send_code
from api.sign_in.wechat import OpenidOf
from domain.accounts.account import (
    LOCKED_FOR,
    AccountKind,
    authenticate_console_account,
    bind_phone,
    find_or_create_wechat_account,
    known_password_hash,
)
from domain.accounts.passwords import check_password
from domain.accounts.sms_code import LIFETIME, check_code, make_code
from domain.persons.privacy import mask_phone
from domain.phones import normalise_phone
from domain.refused import Refused
from storage import vault
from storage.transactions import after_commit

session_api = APIBlueprint("session", __name__, url_prefix="/api/v1", tag="登录")


class WechatSignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=200, description="wx.login 的 code；沙箱接受 sandbox:<姓名>")


class Token(BaseModel):
    token: str = Field(description="放入请求头 Authorization: Bearer <token>")
    expires_at: datetime
    sandbox: bool


class PasswordSignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=200)


class Me(BaseModel):
    account_id: str
    kind: AccountKind
    display_name: str
    groups: list[str]
    may: list[str] = Field(
        description="工作台可进入的栏目：inbox 待办、registers 登记簿（打码）、registers.reveal 登记簿（可看未打码）"
    )
    sandbox: bool


class CodeRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phone: str = Field(min_length=8, max_length=20, description="大陆手机号")


class CodeSent(BaseModel):
    valid_for_s: int
    sandbox_code: str | None = Field(default=None, description="仅沙箱模式：未真正发送短信，验证码在此返回")


class PhoneProof(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phone: str = Field(min_length=8, max_length=20, description="大陆手机号")
    code: str = Field(pattern=r"^[0-9]{6}$", description="短信验证码")


class PhoneBound(BaseModel):
    phone: str = Field(description="打码显示")


@session_api.post("/session/wechat")
@limiter.limit("600 per minute", key_func=address)
@session_api.input(WechatSignIn)
@session_api.output(Token, status_code=201)
@session_api.doc(summary="微信登录")
def sign_in_with_wechat(json_data: WechatSignIn) -> dict[str, Any]:
    """首次登录即建立账号。"""
    openid_of: OpenidOf = current_app.extensions["platform.openid_of"]
    openid = openid_of(json_data.code)  # before the transaction: the network is slow

    def sign_in(session: Session) -> str:
        forget_old_answers(session, now())  # somebody signs in every minute: no job of its own is needed
        return open_session(session, find_or_create_wechat_account(session, openid, now()), now())

    token = in_one_transaction(sign_in)
    return {
        "token": token,
        "expires_at": now() + LASTS[AccountKind.WECHAT],
        "sandbox": platform_settings().sandbox,
    }


LOCKED = {"Retry-After": str(int(LOCKED_FOR.total_seconds()))}


def _locked(_: object) -> Response:
    # The same answer for a locked account and for a name that never existed: names cannot be found out by guessing.
    return problem("sign_in.locked", headers=LOCKED)


@session_api.post("/session/password")
@limiter.limit("60 per minute", key_func=address)
@limiter.limit("5 per 15 minutes", key_func=user_name, deduct_when=was_refused, on_breach=_locked)
@session_api.input(PasswordSignIn)
@session_api.output(Me, status_code=201)
@session_api.doc(summary="工作台登录")
def sign_in_with_password(json_data: PasswordSignIn) -> Response:
    """成功后由 Cookie 保持登录。须带请求头 X-Requested-With。"""
    refuse_cross_site(request)

    known_hash = known_password_hash(request_session(), json_data.username)
    db.session.remove()  # argon2 takes its time: no transaction waits for it
    checked = check_password(json_data.username, known_hash, json_data.password)

    def sign_in(session: Session) -> tuple[Caller, str] | Refused:
        account = authenticate_console_account(session, checked, now())
        if isinstance(account, Refused):
            return account  # committed with its count of failures
        token = open_session(session, account, now())
        return identify(session, token, Audience.CONSOLE, now()), token

    answer = in_one_transaction(sign_in)
    if isinstance(answer, Refused):
        raise (
            Rejected("sign_in.failed")
            if answer.code != "account.locked"
            else Rejected("sign_in.locked", headers=LOCKED)
        )
    caller, token = answer
    response = current_app.make_response((Me(**_me(caller)).model_dump(mode="json"), 201))
    hand_cookie(response, token)
    return response


@session_api.delete("/session")
@writes()
@session_api.doc(summary="退出登录", responses={204: "已退出"})
def sign_out(session: Session, caller: Caller) -> Response:
    """此后令牌失效。"""
    close_session(session, caller)
    response = current_app.response_class(status=204)
    response.delete_cookie(COOKIE, path="/", samesite="Strict", httponly=True)
    return response


@session_api.get("/me")
@reads()
@session_api.output(Me)
@session_api.doc(summary="我的账号")
def me(session: Session, caller: Caller) -> dict[str, Any]:
    """岗位（groups）决定能办理哪些待办。"""
    return _me(caller)


@session_api.post("/sms-codes")
@limiter.limit("5 per minute")
@decides()
@session_api.input(CodeRequest)
@session_api.output(CodeSent, status_code=201)
@session_api.doc(summary="发送短信验证码")
def send_sms_code(session: Session, caller: Caller, json_data: CodeRequest) -> dict[str, Any]:
    """用于证明持有该手机号。一分钟一次，每天 5 次，5 分钟内有效。沙箱模式不发送，在答复中给出。"""
    settings = platform_settings()
    phone = _provable_phone(caller, json_data.phone)
    code = make_code(session, _phone_proof(caller, phone), phone, now())
    sent = {"valid_for_s": int(LIFETIME.total_seconds())}
    if settings.sandbox and settings.sms_url is None:
        return {**sent, "sandbox_code": code}
    repeat = request.headers[KEY_HEADER]

    def send() -> None:
        try:
            send_code(settings, phone, code, f"{caller.account_id}:{repeat}")
        except Rejected:
            # Nothing was sent: the kept answer must not tell a repeat that it was.
            in_one_transaction(lambda session: forget_answer(session, caller, repeat))
            raise

    after_commit(session, send)
    return sent


@session_api.post("/me/phone")
@limiter.limit("20 per hour")
@decides()
@session_api.input(PhoneProof)
@session_api.output(PhoneBound)
@session_api.doc(summary="绑定手机号")
def bind_my_phone(session: Session, caller: Caller, json_data: PhoneProof) -> dict[str, Any] | Response:
    """以短信验证码证明持有该手机号；以后更换微信时可用它证明本人。"""
    phone = _provable_phone(caller, json_data.phone)
    if not check_code(session, _phone_proof(caller, phone), json_data.code, now()).is_right:
        return problem("sms.code_wrong")  # not raised: the count of wrong guesses is committed
    bind_phone(session, caller.account_id, phone)
    return {"phone": mask_phone(phone)}


def _provable_phone(caller: Caller, phone: str) -> str:
    """The normalised number. Staff accounts have none: Rejected("auth.wechat_only")."""
    if caller.kind is not AccountKind.WECHAT:
        raise Rejected("auth.wechat_only")
    return normalise_phone(phone)


def _phone_proof(caller: Caller, phone: str) -> str:
    """What a code proves here: that this account holds this phone (64 hex digits, nothing readable)."""
    return vault.current().master_key.keyed_hash("phone proof", f"{caller.account_id}:{phone}")


def _me(caller: Caller) -> dict[str, Any]:
    return {
        "account_id": caller.account_id,
        "kind": caller.kind,
        "display_name": caller.display_name,
        "groups": sorted(caller.groups),
        "may": places_of(caller),
        "sandbox": platform_settings().sandbox,
    }
