"""Remember how far each device has counted its sealed messages.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sealed",
        sa.Column("device_id", KEY, autoincrement=False, nullable=False),
        sa.Column("n", KEY, nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_sealed")),
    )


def downgrade() -> None:
    op.drop_table("sealed")
