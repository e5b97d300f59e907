"""Everything moves from SQLite to PostgreSQL as it is, or nothing does."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

from app import create_app
from clock import utcnow
from config import Settings
from db import move
from db.base import Base, db, telemetry_engine, transaction
from db.models import AuditEvent, Device, Grant, Level, User
from db.telemetry import tables
from db.telemetry.records import Batch, PresenceRow, Receipt, Refusal
from db.telemetry.store import TelemetryStore

NOW = utcnow()


@pytest.fixture
def files(server: Flask, settings: Settings) -> dict[str, Path]:
    """Two SQLite files with accounts, devices, hot and sealed readings; nobody has them open."""
    with server.app_context():
        with transaction() as session:
            user = User(email="ana@example.org", email_typed="Ana@example.org", created_at=NOW)
            user.layout = {"order": ["b", "ä"], "wide": True}
            device = Device(
                name='Füße "x"\t\\N',
                controller_id="door",
                sealed=True,
                mqtt_hash="",
                mqtt_seed="a",
                command_seed="b",
                created_at=NOW,
            )
            session.add_all([user, device, AuditEvent(at=NOW, action="login")])
            session.add(Grant(user=user, device=device, level=Level.OWNER, created_at=NOW))
        fill(TelemetryStore(telemetry_engine()))
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
    return {name: settings.instance_dir / f"{name}.sqlite" for name in ("app", "telemetry")}


def fill(store: TelemetryStore) -> None:
    hot = store.add_series(1, "temperature", "number").id
    words = store.add_series(1, "word", "text").id
    t = np.arange(10_000)
    values = np.random.default_rng(1).normal(20, 3, len(t))
    store.write(Batch(values=[(hot, 1000 * int(i), float(values[i])) for i in t]))
    store.seal(before_ms=9_000_000, anyway_ms=0)
    store.write(
        Batch(
            values=[(hot, 5, 1e300), (hot, 99_000_000, -0.0)],
            texts=[(words, 1, "a\\b\nc"), (words, 2, "ü")],
            presence={1: PresenceRow("online", 1, 2, {"rssi": -60})},
            refusals={(0, "unknown_topic"): Refusal("unknown_topic", 3, 4, "x", "\\x00")},
            logs=[(1, 5, "started")],
            receipt=Receipt("listener", 1, b"\x00\xff", 1),
        )
    )
    store.close()


def everything(url: str, metadata) -> dict[str, list]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(table.select()))
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found


def test_everything_arrives_as_it_was(files: dict[str, Path], database: str):
    done = {table: (rows, sensors) for table, rows, sensors in move.move(files, database)}

    assert done["user_account"] == (1, 0)
    assert done["chunk"] == (2, 1)
    assert done["reading"] == (1810, 1)
    for name, metadata in (("app", Base.metadata), ("telemetry", tables.metadata)):
        assert everything(database, metadata) == everything(f"sqlite:///{files[name]}", metadata)


def test_new_rows_get_numbers_of_their_own_after_a_move(files: dict[str, Path], database: str):
    move.move(files, database)

    engine = create_engine(database)
    store = TelemetryStore(engine)
    assert store.add_series(1, "another", "number").id == 3
    assert len(store.window(1, 0, 10**9)[0]) == 10_002
    engine.dispose()


def test_a_database_that_holds_something_is_left_alone(files: dict[str, Path], database: str):
    move.move(files, database)
    with pytest.raises(move.MoveFailed, match="rows in the new database already"):
        move.move(files, database)


def test_nothing_moves_while_a_server_uses_the_files(files: dict[str, Path], database: str):
    with sqlite3.connect(files["telemetry"]) as used:
        used.execute("SELECT count(*) FROM reading").fetchone()
        with pytest.raises(move.MoveFailed, match="stop the server"):
            move.move(files, database)
    used.close()


def test_a_row_that_does_not_fit_leaves_the_new_database_empty(
    files: dict[str, Path], database: str
):
    with sqlite3.connect(files["telemetry"]) as broken:
        broken.execute("INSERT INTO event VALUES (2, 3, 'a' || char(0) || 'b')")
    broken.close()

    with pytest.raises(move.MoveFailed, match="NUL"):
        move.move(files, database)

    assert not any(everything(database, Base.metadata).values())
    assert not any(everything(database, tables.metadata).values())


def test_a_change_on_the_way_is_noticed(files: dict[str, Path], database: str):
    engine = create_engine(database)
    move.migrations.upgrade("telemetry", engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION blur() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.value := round(NEW.value::numeric, 3); RETURN NEW; END'"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER blur BEFORE INSERT ON reading"
            " FOR EACH ROW WHEN (NEW.value < 1000) EXECUTE FUNCTION blur()"
        )
    engine.dispose()
    with pytest.raises(move.MoveFailed, match="reading: the rows of 1 did not come"):
        move.move(files, database)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///x.sqlite", "sqlite, not PostgreSQL"),
        ("nonsense", "parse"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/x", "refused"),
    ],
)
def test_an_address_that_is_no_database_is_said_so(files: dict[str, Path], url: str, why: str):
    with pytest.raises(move.MoveFailed, match=why):
        move.move(files, url)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_without_room_for_every_text_is_refused(
    files: dict[str, Path], postgres: Engine, encoding: str
):
    name = f"made_{encoding.lower()}"
    with postgres.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    url = postgres.url.set(database=name).render_as_string()
    with pytest.raises(move.MoveFailed, match=f"as {encoding}.*--encoding=UTF8"):
        move.move(files, url)


def test_the_command_line_moves_an_installation(
    files: dict[str, Path], database: str, settings: Settings
):
    said = create_app(settings).test_cli_runner().invoke(args=["db", "move", "--to", database])

    assert said.exit_code == 0, said.output
    assert "reading: 1810 rows of 1 sensors" in said.output
    assert "ana@example.org" in everything(database, Base.metadata)["user_account"][0]
