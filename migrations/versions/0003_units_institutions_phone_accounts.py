"""units, institutions, phone accounts

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from alembic import op
from storage.columns import UtcTime

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('institution_number',
    sa.Column('division', sa.String(length=6), nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('division', name=op.f('pk_institution_number'))
    )
    op.create_table('unit',
    sa.Column('code', sa.String(length=6), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('level', sa.String(length=10), nullable=False),
    sa.Column('parent_code', sa.String(length=6), nullable=True),
    sa.Column('contact_name', sa.String(length=60), nullable=True),
    sa.Column('contact_phone', sa.String(length=30), nullable=True),
    sa.CheckConstraint("(parent_code IS NULL) = (level = 'PROVINCE')", name=op.f('ck_unit_province_is_the_root')),
    sa.ForeignKeyConstraint(['parent_code'], ['unit.code'], name=op.f('fk_unit_parent_code_unit')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_unit'))
    )
    with op.batch_alter_table('unit', schema=None) as batch_op:
        batch_op.create_index('ix_unit_parent_code', ['parent_code'], unique=False)

    op.create_table('institution',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_key', sa.String(length=200), nullable=False),
    sa.Column('credit_code', sa.String(length=18), nullable=True),
    sa.Column('licence_number', sa.String(length=22), nullable=True),
    sa.Column('filing_number', sa.String(length=60), nullable=True),
    sa.Column('address', sa.String(length=300), nullable=False),
    sa.Column('supervising_unit', sa.String(length=6), nullable=False),
    sa.Column('category', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('confirmation_code', sa.String(length=60), nullable=True),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('unit_code', sa.String(length=6), nullable=True),
    sa.Column('contact_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('contact_phone_hash', sa.String(length=64), nullable=True),
    sa.Column('case_id', sa.String(length=26), nullable=True),
    sa.Column('merged_into', sa.String(length=26), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('admitted_at', UtcTime(), nullable=False),
    sa.Column('changed_at', UtcTime(), nullable=False),
    sa.ForeignKeyConstraint(['merged_into'], ['institution.id'], name=op.f('fk_institution_merged_into_institution')),
    sa.ForeignKeyConstraint(['supervising_unit'], ['unit.code'], name=op.f('fk_institution_supervising_unit_unit')),
    sa.ForeignKeyConstraint(['unit_code'], ['unit.code'], name=op.f('fk_institution_unit_code_unit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution'))
    )
    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.create_index('ix_institution_contact_phone_hash', ['contact_phone_hash'], unique=False)
        batch_op.create_index('ix_institution_supervising_unit', ['supervising_unit', 'id'], unique=False)
        batch_op.create_index('uq_institution_code', ['code'], unique=True)
        batch_op.create_index('uq_institution_credit_code', ['credit_code'], unique=True)
        batch_op.create_index('uq_institution_name_key', ['name_key'], unique=True)
        batch_op.create_index('uq_institution_unit_code', ['unit_code'], unique=True)

    op.create_table('institution_change',
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.Column('institution_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('by', sa.String(length=26), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('at', UtcTime(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_institution_change_institution_id_institution')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution_change'))
    )
    with op.batch_alter_table('institution_change', schema=None) as batch_op:
        batch_op.create_index('ix_institution_change_institution_id', ['institution_id', 'id'], unique=False)

    op.create_table('name_clue',
    sa.Column('clue', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('institution_id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_name_clue_institution_id_institution'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('clue', 'institution_id', name=op.f('pk_name_clue')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('name_clue', schema=None) as batch_op:
        batch_op.create_index('ix_name_clue_institution_id', ['institution_id'], unique=False)

    # SQLite would rebuild the table for a constraint, and dropping the old one empties account_group: a new column may
    # bring its constraints along instead.
    if op.get_bind().dialect.name == 'sqlite':
        op.execute(
            "ALTER TABLE account ADD COLUMN unit_code VARCHAR(6)"
            " CONSTRAINT fk_account_unit_code_unit REFERENCES unit (code)"
            " CONSTRAINT ck_account_unit_has_staff CHECK (unit_code IS NULL OR kind = 'CONSOLE')"
            " CONSTRAINT ck_account_phone_has_number CHECK (kind <> 'PHONE' OR phone_hash IS NOT NULL)"
        )
    else:
        op.add_column('account', sa.Column('unit_code', sa.String(length=6), nullable=True))
        op.create_foreign_key(op.f('fk_account_unit_code_unit'), 'account', 'unit', ['unit_code'], ['code'])
        op.create_check_constraint(op.f('ck_account_unit_has_staff'), 'account', "unit_code IS NULL OR kind = 'CONSOLE'")
        op.create_check_constraint(op.f('ck_account_phone_has_number'), 'account', "kind <> 'PHONE' OR phone_hash IS NOT NULL")
    op.create_index('ix_account_unit_code', 'account', ['unit_code'], unique=False)
    op.create_index('uq_account_of_phone', 'account', ['phone_hash'], unique=True, sqlite_where=sa.text("kind = 'PHONE'"), postgresql_where=sa.text("kind = 'PHONE'"))


def downgrade() -> None:
    op.drop_index('uq_account_of_phone', table_name='account')
    op.drop_index('ix_account_unit_code', table_name='account')
    with op.batch_alter_table('account', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_account_phone_has_number'), type_='check')
        batch_op.drop_constraint(op.f('ck_account_unit_has_staff'), type_='check')
        batch_op.drop_constraint(op.f('fk_account_unit_code_unit'), type_='foreignkey')
        batch_op.drop_column('unit_code')
    op.drop_table('name_clue')
    op.drop_table('institution_change')
    op.drop_table('institution')
    op.drop_table('unit')
    op.drop_table('institution_number')
