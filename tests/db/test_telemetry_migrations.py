"""Databases of readings that were filled before are upgraded with what they hold."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from db import migrations
from db.base import tune
from db.telemetry.store import TelemetryStore


def test_sensors_stay_and_no_key_that_was_ever_written_to_is_given_again(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path / 'telemetry.sqlite'}")
    tune(engine)
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        command.upgrade(migrations.config("telemetry", connection), "0008")
        connection.exec_driver_sql(
            "INSERT INTO series (id, device_id, name, kind, unit, label, colour, high, created_at)"
            " VALUES (5, 1, 'temperature', 'number', '°C', 'Attic', '', 30.5, 1)"
        )
        connection.exec_driver_sql("INSERT INTO latest (series_id, ts, value) VALUES (9, 1, 2.5)")

    assert migrations.upgrade("telemetry", engine)

    store = TelemetryStore(engine)
    (kept,) = store.series([1])[1]
    assert (kept.id, kept.name, kept.unit, kept.label, kept.high) == (
        *(5, "temperature", "°C", "Attic"),
        30.5,
    )
    assert store.add_series(2, "temperature", "number").id == 10
    store.close()
    engine.dispose()
