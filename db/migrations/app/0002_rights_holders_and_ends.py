"""Keep by which right a command was asked, who fetches a file, and who ended an app's pairing.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RIGHT = {"by_right": 16, "right_id": 16, "right_label": 80}  # columns and their lengths


def upgrade() -> None:
    for name, length in RIGHT.items():
        op.add_column(
            "command", sa.Column(name, sa.String(length), nullable=False, server_default="")
        )
    # of people the level at that time is not known any more; of guests and apps all is
    op.execute(
        "UPDATE command SET by_right = 'guest_link', right_label = substr(actor, 1, 80),"
        " right_id = substr(idempotency_key, 7, 16)"
        " WHERE via = 'guest' AND idempotency_key LIKE 'guest:%'"
    )
    op.execute(
        "UPDATE command SET by_right = 'app_token', right_id = substr(actor, 5, 16)"
        " WHERE via = 'app' AND actor LIKE 'app %'"
    )
    op.add_column("device_file", sa.Column("holder", sa.String(32)))
    op.add_column("device_file", sa.Column("held_until", sa.BigInteger()))
    op.add_column(
        "app_token", sa.Column("revoked_by", sa.String(8), nullable=False, server_default="")
    )
    # who did it is not known any more; what a person may have revoked does not come back
    op.execute("UPDATE app_token SET revoked_by = 'person' WHERE revoked_at IS NOT NULL")


def downgrade() -> None:
    op.drop_column("app_token", "revoked_by")
    op.drop_column("device_file", "held_until")
    op.drop_column("device_file", "holder")
    for name in reversed(RIGHT):
        op.drop_column("command", name)
