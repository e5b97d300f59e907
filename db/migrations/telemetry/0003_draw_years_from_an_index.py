"""Draw years of sealed readings from an index, without reading past their bytes.

On PostgreSQL the bytes, which are compressed already, are not compressed again.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = "ix_chunk_overview"
COLUMNS = ["series_id", "t0", "t1", "n", "vmin", "vmax", "vsum"]


def upgrade() -> None:
    op.create_index(NAME, "chunk", COLUMNS)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE chunk ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_index(NAME, "chunk")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE chunk ALTER COLUMN body SET STORAGE EXTENDED")
