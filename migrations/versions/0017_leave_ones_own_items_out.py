"""leave applicants' own work items out of the indexes of the inbox, where they are most and nobody looks for them

Revision: 0017
Follows: 0016
"""

from alembic import op
from sqlalchemy import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OPEN = "kind = 'WORK_ITEM' AND closed_at IS NULL"
DONE = "kind = 'WORK_ITEM' AND closed_at IS NOT NULL"
OF_A_GROUP = " AND group_name IS NOT NULL"
RANK = text("(-priority)")
READ = ("state", "priority", "flow_key", "element", "facet", "group_name", "due_at", "created_at")
SLOTS = (("element", "facet"), ("element",), ("facet",), ("flow_key",))


def upgrade() -> None:
    make_indexes(OF_A_GROUP)


def downgrade() -> None:
    make_indexes("")


def make_indexes(more: str) -> None:
    op.drop_index("ix_waiting_done", table_name="waiting")
    done = text(DONE + more)
    op.create_index("ix_waiting_done", "waiting", ["closed_by", "closed_at"], postgresql_where=done, sqlite_where=done)
    if op.get_bind().dialect.name != "postgresql":
        return  # SQLite's hold all open work items
    inbox_index(more, "ix_waiting_inbox", "group_name", RANK, "created_at")
    for columns in SLOTS:
        slot = " || ' ' || ".join(("group_name", *columns))
        inbox_index(more, "_".join(("ix_waiting_inbox", *columns)), text(f"({slot})"), RANK, "created_at")
    inbox_index(more, "ix_waiting_due", "group_name", "due_at")
    inbox_index(more, "ix_waiting_age", "group_name", "created_at")


def inbox_index(more, name, *keys):
    op.drop_index(name, table_name="waiting")
    op.create_index(
        name,
        "waiting",
        [*keys, "id"],
        postgresql_include=[column for column in READ if column not in keys],
        postgresql_where=text(OPEN + more),
    )
