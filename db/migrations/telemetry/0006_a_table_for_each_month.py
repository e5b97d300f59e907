"""Keep the hot readings of PostgreSQL in one table a month, and spread all over a Citus cluster.

A table that was emptied by sealing can be dropped then, instead of being vacuumed.  Readings that
are there go to the table for what is in no month; housekeeping takes them from it.  SQLite stays
as it is.  Where the extension `citus` is present, tables of readings are cut along `series_id`.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CUT = ("reading", "event", "latest", "chunk", "era")
COLUMNS = "series_id BIGINT NOT NULL, ts BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL"
KEY = "CONSTRAINT pk_reading PRIMARY KEY (series_id, ts)"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE reading RENAME TO reading_before")
    op.execute("ALTER TABLE reading_before RENAME CONSTRAINT pk_reading TO pk_reading_before")
    op.execute(f"CREATE TABLE reading ({COLUMNS}, {KEY}) PARTITION BY RANGE (ts)")
    op.execute("CREATE TABLE reading_rest PARTITION OF reading DEFAULT")
    op.execute("INSERT INTO reading SELECT series_id, ts, value FROM reading_before")
    op.execute("DROP TABLE reading_before")
    citus = sa.text("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
    if op.get_bind().scalar(citus):
        op.execute("SELECT create_reference_table('series')")
        for table in CUT:
            op.execute(f"SELECT create_distributed_table('{table}', 'series_id')")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE reading RENAME TO reading_parted")
    op.execute("ALTER TABLE reading_parted RENAME CONSTRAINT pk_reading TO pk_reading_parted")
    op.execute(f"CREATE TABLE reading ({COLUMNS}, {KEY})")
    op.execute("INSERT INTO reading SELECT series_id, ts, value FROM reading_parted")
    op.execute("DROP TABLE reading_parted")
