"""institutions' applications

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op
from storage.columns import UtcTime

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('application_record',
    sa.Column('case_id', sa.String(length=26), nullable=False),
    sa.Column('account_id', sa.String(length=26), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.Column('supervising_unit', sa.String(length=6), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('opinion_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('submitted_at', UtcTime(), nullable=False),
    sa.Column('changed_at', UtcTime(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_application_record_account_id_account')),
    sa.ForeignKeyConstraint(['supervising_unit'], ['unit.code'], name=op.f('fk_application_record_supervising_unit_unit')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_application_record'))
    )
    with op.batch_alter_table('application_record', schema=None) as batch_op:
        batch_op.create_index('ix_application_record_account_id', ['account_id', 'case_id'], unique=False)
        batch_op.create_index('ix_application_record_name_key', ['name_key'], unique=False)
        batch_op.create_index('ix_application_record_supervising_unit', ['supervising_unit', 'case_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('application_record', schema=None) as batch_op:
        batch_op.drop_index('ix_application_record_supervising_unit')
        batch_op.drop_index('ix_application_record_name_key')
        batch_op.drop_index('ix_application_record_account_id')

    op.drop_table('application_record')
