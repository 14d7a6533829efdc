"""The tables that statements are built on: those of a case, of what it waits for, and of the keys that open both."""

from __future__ import annotations

from typing import cast

from sqlalchemy import ColumnElement, Table

from engine.model.instance import Case
from engine.model.waiting_row import Waiting
from storage import vault

CASE = cast(Table, Case.__table__)
WAITING = cast(Table, Waiting.__table__)
KEY = cast(Table, vault.DataKey.__table__)

RANK: ColumnElement[int] = -WAITING.c.priority  # ascending: the most urgent first
