"""Keep e-mail addresses as people write them; their domains are turned into ASCII for sending.

What is there is turned back.  The form for comparing took straße.example for strasse.example, which
is another domain; an account of the first gets its own, unless that is taken.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from email_validator import EmailNotValidError, validate_email

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SENT_TO = (
    ("user_account", "email_typed"),
    ("guest_link", "email"),
    ("outbox_message", "recipient"),
    ("outbox_message", "fallback"),
)


def upgrade() -> None:
    connection = op.get_bind()
    for name, column in SENT_TO:
        table = sa.table(name, sa.column("id", sa.BigInteger), sa.column(column, sa.String))
        of = table.c[column]
        for key, address in connection.execute(
            sa.select(table.c.id, of).where(sa.func.lower(of).like("%@%xn--%"))
        ).all():
            connection.execute(
                table.update().where(table.c.id == key).values({column: _readable(address)})
            )
    people = sa.table(
        "user_account",
        sa.column("id", sa.BigInteger),
        sa.column("email", sa.String),
        sa.column("email_typed", sa.String),
    )
    for key, compared, address in connection.execute(
        sa.select(people.c.id, people.c.email, people.c.email_typed)
    ).all():
        own = address.lower()
        if address.isascii() or own == compared or own.casefold() != compared:
            continue
        taken = sa.select(people.c.id).where(people.c.email == own)
        if connection.scalar(taken) is None:
            connection.execute(people.update().where(people.c.id == key).values(email=own))


def downgrade() -> None:
    """Programs of before send to readable addresses too."""


def _readable(address: str) -> str:
    try:
        return validate_email(address, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        return address
