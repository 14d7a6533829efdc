"""find a page of the inbox in one range of an index for each group

Revision ID: 0011
Revises: 0010
"""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN = text("kind = 'WORK_ITEM' AND closed_at IS NULL")
CLAIMED = text("state = 'CLAIMED' AND closed_at IS NULL")
RANK = text("(-priority)")
READ = ("state", "priority", "flow_key", "element", "facet", "group_name", "due_at", "created_at")
SLOTS = (("element", "facet"), ("element",), ("facet",), ("flow_key",))


def upgrade() -> None:
    for name in ("ix_waiting_inbox", "ix_waiting_facet", "ix_waiting_due", "ix_waiting_claimed"):
        op.drop_index(name, table_name="waiting")
    inbox_index("ix_waiting_inbox", "group_name", RANK, "created_at")
    for columns in SLOTS:
        slot = " || ' ' || ".join(("group_name", *columns))
        inbox_index("_".join(("ix_waiting_inbox", *columns)), text(f"({slot})"), RANK, "created_at")
    inbox_index("ix_waiting_due", "group_name", "due_at")
    inbox_index("ix_waiting_age", "group_name", "created_at")
    op.create_index(
        "ix_waiting_claimed",
        "waiting",
        ["group_name", RANK, "created_at", "id"],
        postgresql_where=CLAIMED,
        sqlite_where=CLAIMED,
    )


def inbox_index(name, *keys):
    op.create_index(
        name,
        "waiting",
        [*keys, "id"],
        postgresql_include=[column for column in READ if column not in keys],
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup taken before the upgrade")
