"""A full disk costs no reading and says so; what is there can be read; it goes on by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from db import migrations
from db.base import tune
from db.telemetry.records import Batch, DiskFull
from db.telemetry.store import TelemetryStore
from tests.db.limits import limit

BATCH = 20_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TelemetryStore]:
    """A SQLite store; PostgreSQL's disk is its own affair, it says so by a code of its own."""
    engine = create_engine(f"sqlite:///{tmp_path / 'telemetry.sqlite'}")
    tune(engine)
    migrations.upgrade("telemetry", engine)
    made = TelemetryStore(engine)
    yield made
    made.close()
    engine.dispose()


def readings(sensor: int) -> Batch:
    return Batch(values=[(sensor, 1000 + number, float(number)) for number in range(BATCH)])


def test_a_full_disk_stores_nothing_says_so_and_goes_on_by_itself(store: TelemetryStore):
    sensor = store.add_series(7, "temperature", "number").id
    limit(store, pages=40)

    with pytest.raises(DiskFull):
        store.write(readings(sensor))

    assert store.trouble == "disk_full"
    assert [one.name for one in store.series([7])[7]] == ["temperature"]
    assert len(store.window(sensor, 0, 2**62)[0]) == 0
    limit(store, pages=2**31)
    assert store.write(readings(sensor)).stored == BATCH
    assert store.trouble == ""


def test_readings_leave_the_last_of_the_disk_to_the_doors(store: TelemetryStore):
    sensor = store.add_series(7, "temperature", "number").id
    greedy = TelemetryStore(store.engine, kept_free=2**62)

    with pytest.raises(DiskFull):
        greedy.write(readings(sensor))

    assert greedy.trouble == "disk_full"
    greedy.forget(7)  # what makes room is done all the same
    assert store.series([7])[7] == []
    greedy.close()
