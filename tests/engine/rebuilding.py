"""A case's state from its journal alone."""

from __future__ import annotations

from sqlalchemy.orm import Session

from engine.machine import Machine
from engine.replay.rebuild import case_row, read_inputs, replay_inputs


def rebuild(session: Session, case_id: str) -> Machine:
    """Raises what read_inputs() raises."""
    return replay_inputs(session, case_row(session, case_id).definition_id, read_inputs(session, case_id))
