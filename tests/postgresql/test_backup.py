"""Backups of PostgreSQL: brought back whole or not at all, months and newer tables included."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from clock import now_ms
from db import backup, migrations
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from tests.db.conftest import database, postgres

__all__ = ["database", "postgres"]


@pytest.fixture
def house(database: str):
    """Both histories in one database, with the tables of its months."""
    engine = create_engine(database)
    for history in migrations.HISTORIES:
        migrations.upgrade(history, engine)
    TelemetryStore(engine).keep_months(now_ms())
    yield engine
    engine.dispose()


def held(engine: Engine) -> list[float]:
    return TelemetryStore(engine).window(1, 0, 2**62)[1].tolist()


def write(engine: Engine, *values: float) -> None:
    rows = [(1, n, value) for n, value in enumerate(values, len(held(engine)))]
    TelemetryStore(engine).write(Batch(values=rows))


def test_a_backup_brings_back_what_was_there(house: Engine, tmp_path: Path):
    engines = {"app": house, "telemetry": house}
    write(house, 1.5, 2.5)
    backup.save(engines, tmp_path / "copy")
    write(house, 3.5)

    assert backup.restore(engines, tmp_path / "copy") == ["app"]

    assert held(house) == [1.5, 2.5]
    write(house, 4.5)
    assert held(house)[-1] == 4.5


def test_a_table_that_is_newer_than_the_backup_is_made_anew(house: Engine, tmp_path: Path):
    engines = {"app": house, "telemetry": house}
    with house.begin() as connection:  # as if `era` came with a revision after the backup
        connection.exec_driver_sql("ALTER TABLE era RENAME TO era_of_later")
    backup.save(engines, tmp_path / "copy")
    with house.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE era_of_later RENAME TO era")

    backup.restore(engines, tmp_path / "copy")

    with house.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE era (number bigint)")


def test_a_damaged_copy_is_refused_and_nothing_changes(house: Engine, tmp_path: Path):
    engines = {"app": house, "telemetry": house}
    write(house, *map(float, range(5000)))
    (path,) = backup.save(engines, tmp_path / "copy")
    path.write_bytes(path.read_bytes()[:-3000])
    write(house, -1.0)

    with pytest.raises(backup.BackupFailed, match="pg_restore"):
        backup.restore(engines, tmp_path / "copy")

    assert -1.0 in held(house)
