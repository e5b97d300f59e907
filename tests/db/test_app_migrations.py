"""Installations that were filled before are upgraded with what they hold, on both engines."""

import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, create_engine

from db import migrations
from db.base import tune

LINK, APP = "abcdefghijkmnpqr", "stuvwxyz23456789"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """An empty database of accounts and devices."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'app.sqlite'}")
        tune(made)
    else:
        made = create_engine(request.getfixturevalue("database"))
    yield made
    made.dispose()


def at(engine: Engine, revision: str) -> MetaData:
    """Migrate up to a revision; returns the tables as they are then."""
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        command.upgrade(migrations.config("app", connection), revision)
    return tables(engine)


def tables(engine: Engine) -> MetaData:
    metadata = MetaData()
    metadata.reflect(engine)
    return metadata


def filled(metadata: MetaData, name: str, **values: object) -> dict[str, object]:
    """A row with something in every column that needs something."""
    row = dict(values)
    for column in metadata.tables[name].columns:
        if column.name not in row and not column.nullable:
            kind = str(column.type).upper()
            row[column.name] = (
                "[]" if "JSON" in kind else False if "BOOL" in kind else 1 if "INT" in kind else "x"
            )
    return row


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A database of the first revision with a device and commands of all kinds."""
    first = at(engine, "0001")

    def add(name: str, **values: object) -> None:
        with engine.execution_options(immediate=True).begin() as connection:
            connection.execute(first.tables[name].insert(), filled(first, name, **values))

    add("user_account", id=1, email="alice@example.org")
    add("device", id=1)
    asked = {
        "page": ("alice@example.org", "0123456789abcdef"),
        "guest": ("Mia", f"guest:{LINK}:{'0' * 40}"),
        "app": (f"app {APP}", "fedcba9876543210"),
    }
    for number, (via, (actor, key)) in enumerate(asked.items(), 1):
        add("command", id=number, public_id=str(number), via=via, actor=actor, idempotency_key=key)
    for number, (token, ended) in enumerate({"a": None, "b": 1_700_000_000_000}.items(), 1):
        add("app_token", id=number, public_id=token, token_hash=token, revoked_at=ended)
    return engine


def rows(engine: Engine, name: str, *columns: str) -> list[tuple[object, ...]]:
    table = tables(engine).tables[name]
    with engine.connect() as connection:
        found = connection.execute(table.select().order_by(table.c.id))
        return [tuple(getattr(row, column) for column in columns) for row in found]


def test_what_is_known_of_the_rights_of_old_commands_is_kept(old: Engine):
    assert migrations.upgrade("app", old)
    assert rows(old, "command", "via", "by_right", "right_id", "right_label") == [
        ("page", "", "", ""),
        ("guest", "guest_link", LINK, "Mia"),
        ("app", "app_token", APP, ""),
    ]


def test_apps_that_were_revoked_stay_so(old: Engine):
    migrations.upgrade("app", old)
    assert rows(old, "app_token", "public_id", "revoked_by") == [("a", ""), ("b", "person")]


def test_the_key_of_a_deleted_device_is_not_given_again(old: Engine):
    migrations.upgrade("app", old)
    device = tables(old).tables["device"]
    text = ("public_id", "controller_id", "mqtt_username")

    def add(name: str) -> int:
        values = filled(tables(old), "device", **dict.fromkeys(text, name))
        del values["id"]
        with old.execution_options(immediate=True).begin() as connection:
            key = connection.execute(device.insert(), values).inserted_primary_key[0]
            connection.execute(device.delete().where(device.c.id == key))
        return key

    if old.dialect.name == "postgresql":  # which does not count what came with a key
        with old.begin() as connection:
            connection.exec_driver_sql("SELECT nextval(pg_get_serial_sequence('device', 'id'))")
    assert [add("second"), add("third")] == [2, 3]
    assert rows(old, "device", "id") == [(1,)]


def test_an_upgrade_can_be_taken_back(old: Engine):
    before = {name: table.columns.keys() for name, table in tables(old).tables.items()}
    migrations.upgrade("app", old)
    with old.connect().execution_options(immediate=True) as connection, connection.begin():
        command.downgrade(migrations.config("app", connection), "0001")
    assert {name: table.columns.keys() for name, table in tables(old).tables.items()} == before
    assert len(rows(old, "command", "id")) == 3


def test_what_is_migrated_is_what_the_models_say(engine: Engine):
    migrations.upgrade("app", engine)
    with engine.connect() as connection:
        command.check(migrations.config("app", connection))
