"""An institution's states: admitted, suspended and resumed, removed and restored, merged into another. Always with a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from domain.institutions.editing import (
    Editor,
    InstitutionEdit,
    check_edit,
    edit_institution,
    locked_for_change,
    refused_by,
)
from domain.institutions.history import Change, InstitutionChangeKind, data_owner, note_change
from domain.institutions.institution import Institution, InstitutionState, find_institution
from domain.refused import Refused
from storage import vault

AfterRemoval = Callable[[Session, Institution, datetime], None]
_after_removal: dict[str, AfterRemoval] = {}


def when_removed(callback: AfterRemoval) -> AfterRemoval:
    """Have `callback(session, institution, now)` called in the transaction that removes or merges an institution away.

    A decorator; a callback declared again takes its own place.
    """
    _after_removal[f"{callback.__module__}.{callback.__qualname__}"] = callback
    return callback


def suspend_institution(session: Session, institution_id: str, editor: Editor, now: datetime) -> Institution:
    """Nothing new is granted to it; what it holds goes on. Raises Refused("institution.not_admitted", …)."""
    institution = locked_for_change(session, institution_id, editor)
    _refuse_unit(institution)
    _require(institution, InstitutionState.ADMITTED, "institution.not_admitted")
    return _become(session, institution, InstitutionState.SUSPENDED, InstitutionChangeKind.SUSPENDED, editor, now)


def resume_institution(session: Session, institution_id: str, editor: Editor, now: datetime) -> Institution:
    """Raises Refused("institution.not_suspended", …)."""
    institution = locked_for_change(session, institution_id, editor)
    _require(institution, InstitutionState.SUSPENDED, "institution.not_suspended")
    return _become(session, institution, InstitutionState.ADMITTED, InstitutionChangeKind.RESUMED, editor, now)


def remove_institution(session: Session, institution_id: str, editor: Editor, now: datetime) -> Institution:
    """It has closed. Its grants give nothing any more; its name and code stay taken. Raises Refused("institution.is_unit", …)."""
    institution = locked_for_change(session, institution_id, editor)
    _refuse_unit(institution)
    _become(session, institution, InstitutionState.REMOVED, InstitutionChangeKind.REMOVED, editor, now)
    for callback in _after_removal.values():
        callback(session, institution, now)
    return institution


def restore_institution(session: Session, institution_id: str, editor: Editor, now: datetime) -> Institution:
    """It was removed by mistake or has opened again. Raises Refused("institution.not_removed" | "institution.merged", …)."""
    if not editor.reason.strip():
        raise Refused("institution.reason_required")
    institution = find_institution(session, institution_id, for_update=True)
    _require(institution, InstitutionState.REMOVED, "institution.not_removed")
    if institution.merged_into is not None:
        raise Refused("institution.merged", institution=institution.id, into=institution.merged_into)
    return _become(session, institution, InstitutionState.ADMITTED, InstitutionChangeKind.RESUMED, editor, now)


def merge_institution(
    session: Session,
    institution_id: str,
    into_id: str,
    editor: Editor,
    now: datetime,
    *,
    edit: InstitutionEdit | None = None,
) -> Institution:
    """The institution that stays; the other is removed and points to it. edit: the name or codes it has from now on.

    It is checked again, with its new name and credit code if it gets any. editor.revision is of the one that goes.
    Raises Refused("institution.merge_with_itself" | "institution.not_admitted" | "institution.is_unit"), and as those.
    """
    if institution_id == into_id:
        raise Refused("institution.merge_with_itself", institution=institution_id)
    for each in sorted((institution_id, into_id)):  # two mergers at once lock in the same order
        find_institution(session, each, for_update=True)
    gone = locked_for_change(session, institution_id, editor)
    stays = find_institution(session, into_id)
    _refuse_unit(gone)
    _require(stays, InstitutionState.ADMITTED, "institution.not_admitted")
    gone.merged_into = stays.id
    _become(session, gone, InstitutionState.REMOVED, InstitutionChangeKind.MERGED, editor, now)
    check = check_edit(session, stays, edit or InstitutionEdit())
    if not (check.is_plain or editor.accepts_check):
        raise refused_by(check)
    if edit is not None:
        kept = Editor(by=editor.by, reason=editor.reason, accepts_check=editor.accepts_check)
        edit_institution(session, stays.id, edit, kept, now)
    for callback in _after_removal.values():
        callback(session, gone, now)
    return stays


def _become(
    session: Session,
    institution: Institution,
    state: InstitutionState,
    kind: InstitutionChangeKind,
    editor: Editor,
    now: datetime,
) -> Institution:
    change = Change(editor.by, editor.reason, {"state": (institution.state, state)})
    institution.state = state
    institution.revision += 1
    institution.changed_at = now
    session.flush()
    cipher = vault.current().cipher(session, data_owner(institution.id))
    note_change(session, institution.id, kind, change, cipher, now)
    return institution


def _require(institution: Institution, state: InstitutionState, code: str) -> None:
    if institution.state != state:
        raise Refused(code, institution=institution.id, state=institution.state)


def _refuse_unit(institution: Institution) -> None:
    """A unit's own institution lives as long as the unit."""
    if institution.unit_code is not None:
        raise Refused("institution.is_unit", institution=institution.id)
