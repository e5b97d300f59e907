"""Never give the key of a sensor that is gone to another one.

SQLite counted on from the highest key that was left, so that who still held the key of a deleted
device's sensor, such as a running import, wrote into a sensor of somebody else.  PostgreSQL's
sequences never go back.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        once = {"sqlite_autoincrement": True}
        with op.batch_alter_table("series", recreate="always", table_kwargs=once):
            pass
        # readings may have been written to a key after its sensor had gone
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'series'")
        op.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'series', MAX(given) FROM"
            " (SELECT COALESCE(MAX(id), 0) AS given FROM series"
            " UNION ALL SELECT COALESCE(MAX(series_id), 0) FROM latest)"
        )


def downgrade() -> None:
    """Programs of before use the table as it is."""
