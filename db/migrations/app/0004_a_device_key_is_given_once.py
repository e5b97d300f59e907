"""Give the key of a device once: SQLite gave the key of the last one, once deleted, to the next.

What still arrived of the deleted device would have been the new one's.  PostgreSQL never did.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        once = {"sqlite_autoincrement": True}
        with op.batch_alter_table("device", recreate="always", table_kwargs=once):
            pass


def downgrade() -> None:
    """Programs of before use the table as it is."""
