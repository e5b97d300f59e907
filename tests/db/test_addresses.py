"""Databases of before keep their people's addresses, now as people write them."""

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import Engine, create_engine

from db import migrations
from db.base import tune
from tests.db.cluster import cluster

BEFORE = {
    "plain@example.org": ("plain@example.org", "Plain@example.org"),
    "bob@bücher.example": ("bob@bücher.example", "Bob@xn--bcher-kva.example"),
    "eve@strasse.example": ("eve@straße.example", "Eve@xn--strae-oqa.example"),
    "odd@xn--.example": ("odd@xn--.example", "odd@xn--.example"),
}


def people(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT email, email_typed FROM user_account ORDER BY id")
        ).all()
    return [tuple(row) for row in rows]


def fill(engine: Engine, *addresses: tuple[str, str]) -> None:
    with engine.begin() as connection:
        for number, (email, typed) in enumerate(addresses, 1):
            connection.execute(
                sa.text(
                    "INSERT INTO user_account (public_id, email, email_typed, password_hash, role,"
                    " language, timezone, theme, created_at, epoch, code_channel, totp_last_step,"
                    " layout) VALUES (:id, :email, :typed, '', 'user', '', '', '', 0, 0, 'mail',"
                    " 0, '{}')"
                ),
                {"id": f"p{number}", "email": email, "typed": typed},
            )
            connection.execute(
                sa.text(
                    "INSERT INTO outbox_message (channel, recipient, fallback, template, subject,"
                    " text, html, message_id, state, created_at, due_at, attempts, sender,"
                    " last_error) VALUES ('mail', :typed, '', 'code', '', '', '', :id, 'sent',"
                    " 0, 0, 1, '', '')"
                ),
                {"id": f"m{number}", "typed": typed},
            )


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request, tmp_path):
    """A database of the first version."""

    def first(engine: Engine) -> Engine:
        with engine.connect() as connection, connection.begin():
            command.upgrade(migrations.config("app", connection), "0001")
        return engine

    if request.param == "postgresql":
        with cluster("fsync=off") as url:
            made = create_engine(url)
            yield first(made)
            made.dispose()
        return
    made = create_engine(f"sqlite:///{tmp_path / 'app.sqlite'}")
    tune(made)
    yield first(made)
    made.dispose()


def test_addresses_become_readable_and_stay_the_same_accounts(before):
    fill(before, *((email, typed) for email, (_, typed) in BEFORE.items()))
    migrations.upgrade("app", before)
    assert people(before) == [
        ("plain@example.org", "Plain@example.org"),
        ("bob@bücher.example", "Bob@bücher.example"),
        ("eve@straße.example", "Eve@straße.example"),
        ("odd@xn--.example", "odd@xn--.example"),
    ]
    with before.connect() as connection:
        sent = connection.scalars(sa.text("SELECT recipient FROM outbox_message ORDER BY id")).all()
    assert sent[1] == "Bob@bücher.example"
    assert not migrations.upgrade("app", before)


def test_an_address_that_is_taken_stays_as_it_was_compared(before):
    fill(
        before,
        ("eve@strasse.example", "eve@xn--strae-oqa.example"),
        ("eve@straße.example", "eve@straße.example"),
    )
    migrations.upgrade("app", before)
    assert [email for email, _typed in people(before)] == [
        "eve@strasse.example",
        "eve@straße.example",
    ]
