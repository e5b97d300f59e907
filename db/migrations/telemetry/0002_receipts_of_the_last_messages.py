"""Remember which messages were stored last.

The broker sends again what was not acknowledged before a crash; readings without a time of their
own cannot be told from new ones by their time.  No data changes.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("listener", sa.String(length=64), nullable=False),
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("messages", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("listener", "number", name=op.f("pk_receipt")),
    )


def downgrade() -> None:
    op.drop_table("receipt")
