"""Notices: messages to people outside the platform. Rows are the outbox; sending them is a worker's periodic job.

At least once: a provider is given the notice's id as idempotency key. The text is encrypted with the case's data key, so
an erased case leaves only that something was sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from string import Template
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Table, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.account import Account
from domain.refused import Refused
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id
from storage.deferred_rows import defer_insert

MAX_ATTEMPTS = 8
LEASE = timedelta(minutes=2)


class NoticeState(StrEnum):
    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class Notice(Base):
    """To one account, to a group's inbox, or to a bare phone (SMS codes). next_at: not to be tried before."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("account_id IS NULL OR group_key IS NULL", name="one_recipient"),
        Index("ix_notice_state_next_at", "state", "next_at"),
        Index("ix_notice_account_id_queued_at", "account_id", "queued_at"),
        Index("ix_notice_account_id_id", "account_id", "id"),
        Index("ix_notice_group_key_id", "group_key", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    case_id: Mapped[str] = mapped_column(Id)
    template: Mapped[str] = mapped_column(String(60))
    account_id: Mapped[str | None] = mapped_column(ForeignKey(Account.id))
    group_key: Mapped[str | None] = mapped_column(String(80))
    sealed: Mapped[bytes] = mapped_column(Bytes)
    state: Mapped[NoticeState] = mapped_column(String(10), default=NoticeState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcTime)
    queued_at: Mapped[datetime] = mapped_column(UtcTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    sent_by: Mapped[str | None] = mapped_column(String(20))
    error: Mapped[str | None] = mapped_column(String(200))


NOTICE = cast(Table, Notice.__table__)


@dataclass(frozen=True, slots=True)
class NoticeText:
    """phone: only where the notice goes to a bare phone."""

    title: str
    text: str
    phone: str | None = None


TEMPLATES: dict[str, NoticeText] = {
    "real_name.verified": NoticeText("认证成功", "您的实名认证已通过。"),
    "real_name.rejected": NoticeText("认证失败", "您的实名认证未通过。原因：$reasons。审核意见：$opinion"),
    "real_name.withdrawn": NoticeText("已撤回认证", "您已撤回实名认证，可以重新发起并更换认证方法。"),
    "real_name.expired": NoticeText("认证已过期", "您发起的实名认证长时间未办理，已自动结束。需要时请重新发起。"),
    "real_name.new_photos": NoticeText("请补拍照片", "审核员请您补拍：$items。说明：$opinion"),
    "real_name.review_waiting": NoticeText("待审核提醒", "有一件实名认证已等待审核超过一个工作日。"),
    "real_name.review_escalated": NoticeText("审核超期", "有一件实名认证超过三个工作日未审核，已转主管办理。"),
    "real_name.code": NoticeText("短信验证码", "验证码 $code，5 分钟内有效，用于账号换绑。如非本人操作请忽略。"),
    "institution_admission.admitted": NoticeText(
        "机构已收录",
        "“$name”已收录，机构编码 $code。接下来请向$unit（$contact）领取业务授权码，由业务管理人在小程序中凭码添加业务。",
    ),
    "institution_admission.rejected": NoticeText("补增申请未通过", "“$name”的补增申请未通过。审核意见：$opinion"),
    "institution_admission.returned": NoticeText(
        "请补正补增申请", "“$name”的补增申请需要补正：$defects。审核意见：$opinion。请在原申请上修改后重新提交。"
    ),
    "institution_admission.form_unreadable": NoticeText(
        "请重新上传申请表", "“$name”的盖章申请表无法打开，请在原申请上重新拍照或扫描后上传。"
    ),
    "institution_admission.withdrawn": NoticeText("已撤回补增申请", "您已撤回“$name”的补增申请，可以重新申请。"),
    "institution_admission.expired": NoticeText(
        "补增申请已过期", "“$name”的补增申请长时间未办理，已自动结束。需要时请重新申请。"
    ),
    "institution_admission.review_waiting": NoticeText(
        "待审核提醒", "“$name”的补增申请等待审核已超过期限，请尽快办理。"
    ),
    "institution_admission.review_escalated": NoticeText(
        "审核超期", "“$name”的补增申请超过三个工作日未审核，已转本单位办理。"
    ),
    "institution_admission.forwarded": NoticeText("转交的补增申请", "“$name”的补增申请已转交本单位审核。"),
    "business_grant.not_begun": NoticeText(
        "授权未能登记", "${institution}的“$business”授权未能登记，请在授权表中查看后重新办理。"
    ),
    "business_grant.code_ends_soon": NoticeText(
        "授权码即将到期", "${institution}的“$business”授权码即将到期，尚未激活。可以延长有效期或提醒机构使用。"
    ),
    "business_grant.code_expired": NoticeText("授权码已过期", "${institution}的“$business”授权码到期未使用，已失效。"),
    "business_grant.not_activated": NoticeText(
        "授权未激活", "${who}未能完成本人核验，${institution}的“$business”授权没有激活，授权码仍可使用。"
    ),
    "business_grant.locked": NoticeText(
        "核验已锁定", "${who}办理${institution}的“$business”时人脸核验五次未通过，一天内不能再试。"
    ),
    "business_grant.code_locked": NoticeText(
        "授权码已锁定", "${institution}的授权码一天内输错五次，一天内不能激活。请核实是否有人冒用。"
    ),
    "business_grant.confirm_waiting": NoticeText(
        "待确认本人", "${who}办理${institution}的“$business”，等待贵单位电话或当面确认是本人。"
    ),
    "business_grant.seated": NoticeText("已授权", "${who}已成为${institution}“$business”的管理人。"),
    "business_grant.suspended": NoticeText("授权已暂停", "${institution}的“$business”授权已暂停。原因：$opinion"),
    "business_grant.resumed": NoticeText("授权已恢复", "${institution}的“$business”授权已恢复。"),
    "business_grant.revoked": NoticeText(
        "授权已解除", "${institution}的“$business”授权已由主管单位解除。原因：$opinion"
    ),
    "business_grant.resigned": NoticeText("管理人已辞任", "${who}已辞去${institution}“$business”管理人。"),
    "business_grant.manager_lost": NoticeText(
        "授权已失效", "${who}的实名认证已失效，不再是${institution}“$business”的管理人。"
    ),
    "business_grant.transfer_asked": NoticeText(
        "请确认接任管理人", "${who}请您接任${institution}“$business”的管理人，请在 7 天内确认。"
    ),
    "business_grant.transferred": NoticeText("管理人已转移", "${who}已接任${institution}“$business”的管理人。"),
    "business_grant.transfer_declined": NoticeText(
        "转移未成", "${who}没有接任${institution}“$business”的管理人，您仍是管理人。"
    ),
    "business_grant.transfer_lapsed": NoticeText(
        "转移已失效", "${who}七天内没有确认，${institution}“$business”的管理人没有变更。"
    ),
    "business_grant.transfer_not_proved": NoticeText(
        "转移未成", "没有核验到是您本人，${institution}“$business”的管理人没有转移给$who。"
    ),
    "business_grant.transfer_cancelled": NoticeText(
        "转移已撤回", "${institution}“$business”管理人的转移已由原管理人撤回。"
    ),
    "business_grant.auxiliary_asked": NoticeText(
        "请确认担任辅助管理员", "${who}请您担任${institution}“$business”的辅助管理员，请在 7 天内确认。"
    ),
    "business_grant.auxiliary_added": NoticeText(
        "辅助管理员已添加", "${who}已成为${institution}“$business”的辅助管理员。"
    ),
    "business_grant.auxiliary_declined": NoticeText(
        "添加未成", "${who}没有成为${institution}“$business”的辅助管理员。"
    ),
    "business_grant.auxiliary_lapsed": NoticeText(
        "添加已失效", "${who}七天内没有确认，没有成为${institution}“$business”的辅助管理员。"
    ),
    "business_grant.auxiliary_not_proved": NoticeText(
        "添加未成", "没有核验到是您本人，${who}没有成为${institution}“$business”的辅助管理员。"
    ),
    "business_grant.takeover_asked": NoticeText(
        "有人申请接管",
        "${who}申请接管${institution}的“$business”，由主管单位决定。原管理人如不同意，请联系主管单位或自行转移。",
    ),
    "business_grant.takeover_waiting": NoticeText(
        "待决定接管", "${who}申请接管${institution}的“$business”，已等待超过三个工作日。"
    ),
    "business_grant.taken_over": NoticeText("已接管", "${who}已接管${institution}的“$business”，原管理人任期结束。"),
    "business_grant.takeover_refused": NoticeText(
        "接管未同意", "您接管${institution}“$business”的申请没有得到同意。意见：$opinion"
    ),
    "business_grant.takeover_dropped": NoticeText(
        "接管已终止", "${institution}“$business”的原管理人已自行转移，您的接管申请终止。"
    ),
    "candidate_review.waiting": NoticeText("待审核提醒", "有一件考生报名已等待审核超过三个工作日。"),
    "candidate_review.passed": NoticeText("报名审核通过", "您的考生报名已由所在机构审核通过。"),
    "candidate_review.refused": NoticeText("报名审核不通过", "您的考生报名没有通过所在机构的审核。意见：$opinion"),
}

# Codes of forms as people read them.
WORDS: dict[str, str] = {
    "number_mismatch": "证件号码不一致",
    "name_mismatch": "姓名不一致",
    "photo_unclear": "照片无法辨认",
    "document_expired": "证件已过期",
    "document_not_accepted": "证件类型不受理",
    "altered": "证件有涂改或翻拍痕迹",
    "not_the_person": "非本人证件",
    "other": "其他",
    "front": "证件正面或资料页",
    "back": "证件反面",
    "institution_name": "机构名称与公章或证照不一致",
    "credit_code": "统一社会信用代码有误",
    "licence": "执业许可证或备案号有误",
    "category": "机构类别不符",
    "address": "机构地址不符",
    "applicant": "申请人信息不符",
    "form_incomplete": "申请表填写不全",
    "stamp_missing": "申请表未盖章或不是红色公章",
    "stamp_other": "印章与机构名称不一致",
    "attachment_unclear": "附件不清晰",
    "documents_missing": "缺少证明材料",
}


def queue_notice(
    session: Session,
    *,
    case_id: str,
    template: str,
    now: datetime,
    account_id: str | None = None,
    group_key: str | None = None,
    phone: str | None = None,
    facts: Mapping[str, object] | None = None,
) -> str:
    """Put a notice into the outbox; returns its id. It is sent if this transaction commits.

    Exactly one of account_id, group_key, phone. Raises Refused("notice.unknown_template").
    """
    assert sum(one is not None for one in (account_id, group_key, phone)) == 1, "one recipient"
    wording = TEMPLATES.get(template)
    if wording is None:
        raise Refused("notice.unknown_template", template=template)
    notice_id = new_id()
    said = {key: _in_words(value) for key, value in (facts or {}).items()}
    content = {"title": wording.title, "text": Template(wording.text).safe_substitute(said), "phone": phone}
    cipher = vault.current().cipher(session, f"case:{case_id}")
    sealed = cipher.encrypt(json.dumps(content, ensure_ascii=False).encode(), _context(notice_id))
    row = {
        "id": notice_id,
        "case_id": case_id,
        "template": template,
        "account_id": account_id,
        "group_key": group_key,
        "sealed": sealed,
        "state": NoticeState.QUEUED,
        "attempts": 0,
        "next_at": now,
        "queued_at": now,
    }
    defer_insert(session, NOTICE, row)
    return notice_id


def lease_notices(session: Session, now: datetime, limit: int) -> list[Notice]:
    """Queued notices that are due, taken for two minutes, so that two workers do not send the same one at once."""
    due = (
        select(Notice)
        .where(Notice.state == NoticeState.QUEUED, Notice.next_at <= now)
        .order_by(Notice.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    leased = list(session.scalars(due))
    for notice in leased:
        notice.attempts += 1
        notice.next_at = now + LEASE
    session.flush()
    return leased


def mend_future_times(session: Session, now: datetime) -> int:
    """Notices queued at a time that is yet to come (the clock was set back) are due now; how many."""
    future = Notice.queued_at > now, Notice.next_at >= Notice.queued_at
    found = select(Notice.id).where(Notice.state == NoticeState.QUEUED, *future).with_for_update(skip_locked=True)
    due = update(Notice).where(Notice.id.in_(found)).values(next_at=now).returning(Notice.id)
    return len(session.execute(due, execution_options={"synchronize_session": False}).all())


def read_notice(session: Session, notice: Notice) -> NoticeText:
    """What it says. Raises vault.KeyDestroyed when the case was erased."""
    cipher = vault.current().cipher(session, f"case:{notice.case_id}")
    content = json.loads(cipher.decrypt(notice.sealed, _context(notice.id)))
    return NoticeText(content["title"], content["text"], content["phone"])


def mark_sent(session: Session, notice_id: str, sent_by: str, now: datetime) -> None:
    """sent_by: the channel (`wechat`, `sms`, `in_app`, `sandbox`)."""
    _settle(session, notice_id, state=NoticeState.SENT, sent_at=now, sent_by=sent_by, error=None)


def mark_failed(session: Session, notice_id: str, error: str, now: datetime) -> None:
    """Tried in vain: again after 1, 2, 4, … minutes, given up after eight attempts. error: no personal data."""
    attempts = session.scalar(select(Notice.attempts).where(Notice.id == notice_id)) or 0
    if attempts >= MAX_ATTEMPTS:
        _settle(session, notice_id, state=NoticeState.FAILED, error=error[:200])
    else:
        _settle(session, notice_id, next_at=now + timedelta(minutes=2 ** max(attempts - 1, 0)), error=error[:200])


def _settle(session: Session, notice_id: str, **values: object) -> None:
    session.execute(update(Notice).where(Notice.id == notice_id, Notice.state == NoticeState.QUEUED).values(**values))


def _in_words(value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(WORDS.get(str(item), str(item)) for item in value)
    return "" if value is None else WORDS.get(str(value), str(value))


def _context(notice_id: str) -> bytes:
    return b"notice:" + notice_id.encode()
