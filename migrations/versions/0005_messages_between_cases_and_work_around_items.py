"""messages between cases and work around items

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op
from storage.columns import UtcTime

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('outbox',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('dedup_key', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('sender', sa.String(length=26), nullable=True),
    sa.Column('receiver', sa.String(length=26), nullable=True),
    sa.Column('flow_key', sa.String(length=100), nullable=True),
    sa.Column('message', sa.String(length=200), nullable=True),
    sa.Column('correlation', sa.String(length=64), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('key_owner', sa.String(length=64), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_at', UtcTime(), nullable=False),
    sa.Column('expires_at', UtcTime(), nullable=False),
    sa.Column('created_at', UtcTime(), nullable=False),
    sa.Column('closed_at', UtcTime(), nullable=True),
    sa.Column('note', sa.String(length=100), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_awaited', ['message', 'correlation'], unique=False, postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))
        batch_op.create_index('ix_outbox_pending', ['next_at'], unique=False, postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))
        batch_op.create_index('ix_outbox_undelivered', ['id'], unique=False, postgresql_where=sa.text("state = 'UNDELIVERED'"), sqlite_where=sa.text("state = 'UNDELIVERED'"))
        batch_op.create_index('uq_outbox_dedup_key', ['dedup_key'], unique=True)

    op.create_table('second_person_rule',
    sa.Column('flow_key', sa.String(length=100), nullable=False),
    sa.Column('verb', sa.String(length=20), nullable=False),
    sa.Column('set_by', sa.String(length=64), nullable=False),
    sa.Column('set_at', UtcTime(), nullable=False),
    sa.PrimaryKeyConstraint('flow_key', 'verb', name=op.f('pk_second_person_rule'))
    )
    op.create_table('operator_proposal',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('case_id', sa.String(length=26), nullable=False),
    sa.Column('verb', sa.String(length=20), nullable=False),
    sa.Column('act', sa.LargeBinary(), nullable=False),
    sa.Column('proposed_by', sa.String(length=64), nullable=False),
    sa.Column('proposed_at', UtcTime(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('decided_by', sa.String(length=64), nullable=True),
    sa.Column('decided_at', UtcTime(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['process_instance.id'], name=op.f('fk_operator_proposal_case_id_process_instance')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operator_proposal'))
    )
    with op.batch_alter_table('operator_proposal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_operator_proposal_case_id_id'), ['case_id', 'id'], unique=False)
        batch_op.create_index('ix_operator_proposal_pending', ['id'], unique=False, postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))

    op.create_table('work_item_copy',
    sa.Column('item_id', sa.String(length=26), nullable=False),
    sa.Column('account_id', sa.String(length=64), nullable=False),
    sa.Column('case_id', sa.String(length=26), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', UtcTime(), nullable=False),
    sa.Column('read_at', UtcTime(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['process_instance.id'], name=op.f('fk_work_item_copy_case_id_process_instance')),
    sa.ForeignKeyConstraint(['item_id'], ['waiting.id'], name=op.f('fk_work_item_copy_item_id_waiting')),
    sa.PrimaryKeyConstraint('item_id', 'account_id', name=op.f('pk_work_item_copy'))
    )
    with op.batch_alter_table('work_item_copy', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_work_item_copy_account_id_at'), ['account_id', 'at'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_item_copy_case_id'), ['case_id'], unique=False)

    op.create_table('work_item_event',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('item_id', sa.String(length=26), nullable=False),
    sa.Column('case_id', sa.String(length=26), nullable=False),
    sa.Column('at', UtcTime(), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('verb', sa.String(length=20), nullable=False),
    sa.Column('target', sa.String(length=200), nullable=True),
    sa.Column('why', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['process_instance.id'], name=op.f('fk_work_item_event_case_id_process_instance')),
    sa.ForeignKeyConstraint(['item_id'], ['waiting.id'], name=op.f('fk_work_item_event_item_id_waiting')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_work_item_event'))
    )
    with op.batch_alter_table('work_item_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_work_item_event_case_id_id'), ['case_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_work_item_event_item_id_id'), ['item_id', 'id'], unique=False)

    with op.batch_alter_table('waiting', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_shared', sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column('worked_at', UtcTime(), nullable=True))
        batch_op.add_column(sa.Column('assigned_by', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('delegated_by', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('signers', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('not_by', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('follow_up_at', UtcTime(), nullable=True))
        batch_op.add_column(sa.Column('correlation', sa.String(length=64), nullable=True))
        batch_op.create_index('ix_waiting_message', ['message', 'correlation'], unique=False, postgresql_where=sa.text("kind = 'MESSAGE' AND closed_at IS NULL"), sqlite_where=sa.text("kind = 'MESSAGE' AND closed_at IS NULL"))
        batch_op.create_index('ix_waiting_personal', ['group_name', 'case_id'], unique=False, postgresql_where=sa.text("group_name LIKE 'person:%'"), sqlite_where=sa.text("group_name LIKE 'person:%'"))



def downgrade() -> None:
    with op.batch_alter_table('waiting', schema=None) as batch_op:
        batch_op.drop_index('ix_waiting_personal', postgresql_where=sa.text("group_name LIKE 'person:%'"), sqlite_where=sa.text("group_name LIKE 'person:%'"))
        batch_op.drop_index('ix_waiting_message', postgresql_where=sa.text("kind = 'MESSAGE' AND closed_at IS NULL"), sqlite_where=sa.text("kind = 'MESSAGE' AND closed_at IS NULL"))
        batch_op.drop_column('correlation')
        batch_op.drop_column('follow_up_at')
        batch_op.drop_column('not_by')
        batch_op.drop_column('signers')
        batch_op.drop_column('delegated_by')
        batch_op.drop_column('assigned_by')
        batch_op.drop_column('worked_at')
        batch_op.drop_column('is_shared')

    with op.batch_alter_table('work_item_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_work_item_event_item_id_id'))
        batch_op.drop_index(batch_op.f('ix_work_item_event_case_id_id'))

    op.drop_table('work_item_event')
    with op.batch_alter_table('work_item_copy', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_work_item_copy_case_id'))
        batch_op.drop_index(batch_op.f('ix_work_item_copy_account_id_at'))

    op.drop_table('work_item_copy')
    with op.batch_alter_table('operator_proposal', schema=None) as batch_op:
        batch_op.drop_index('ix_operator_proposal_pending', postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))
        batch_op.drop_index(batch_op.f('ix_operator_proposal_case_id_id'))

    op.drop_table('operator_proposal')
    op.drop_table('second_person_rule')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index('uq_outbox_dedup_key')
        batch_op.drop_index('ix_outbox_undelivered', postgresql_where=sa.text("state = 'UNDELIVERED'"), sqlite_where=sa.text("state = 'UNDELIVERED'"))
        batch_op.drop_index('ix_outbox_pending', postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))
        batch_op.drop_index('ix_outbox_awaited', postgresql_where=sa.text("state = 'PENDING'"), sqlite_where=sa.text("state = 'PENDING'"))

    op.drop_table('outbox')
