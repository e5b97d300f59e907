"""Keep between which values a sensor is expected to stay.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("series", sa.Column("low", sa.Double()))
    op.add_column("series", sa.Column("high", sa.Double()))


def downgrade() -> None:
    op.drop_column("series", "high")
    op.drop_column("series", "low")
