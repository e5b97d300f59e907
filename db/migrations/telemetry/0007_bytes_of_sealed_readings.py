"""Keep count of the bytes that the sealed readings of each sensor take.

What is sealed already is counted.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MS = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "series", sa.Column("sealed_bytes", MS, nullable=False, server_default=sa.text("0"))
    )
    op.execute(
        "UPDATE series SET sealed_bytes = COALESCE((SELECT"
        " SUM(150 + LENGTH(summary) + COALESCE(LENGTH(body), 0))"
        " FROM chunk WHERE series_id = series.id), 0)"
    )


def downgrade() -> None:
    op.drop_column("series", "sealed_bytes")
