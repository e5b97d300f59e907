"""Draw years of densely reported sensors from sums of nine hours each.

What is sealed already is summed up too.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REAL = sa.Double().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "era",
        sa.Column("series_id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("t0", INTEGER, nullable=False),
        sa.Column("t1", INTEGER, nullable=False),
        sa.Column("n", INTEGER, nullable=False),
        sa.Column("vmin", REAL, nullable=False),
        sa.Column("vmax", REAL, nullable=False),
        sa.Column("vsum", REAL, nullable=False),
        sa.PrimaryKeyConstraint("series_id", "number", name=op.f("pk_era")),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO era (series_id, number, t0, t1, n, vmin, vmax, vsum)"
        " SELECT series_id, t0 / 33554432, MIN(t0), MAX(t1), SUM(n), MIN(vmin), MAX(vmax),"
        " SUM(vsum) FROM chunk GROUP BY series_id, t0 / 33554432"
    )


def downgrade() -> None:
    op.drop_table("era")
