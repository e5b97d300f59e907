"""History is packed when it is old, and forgotten where a device may not keep it."""

from datetime import timedelta

import pytest

import db.base
from clock import to_ms
from db.base import transaction
from db.telemetry.records import Batch
from db.telemetry.store import TelemetryStore
from devices import retention
from tests.devices.conftest import NOW

ALWAYS = (0, 2**62)


@pytest.fixture
def store(door):
    made = TelemetryStore(db.base.telemetry_engine())
    yield made
    made.close()


def hourly(series_id, days):
    first = to_ms(NOW - timedelta(days=days))
    return [(series_id, first + hour * 3_600_000, float(hour)) for hour in range(days * 24)]


def test_a_device_keeps_its_readings_for_ever_unless_told_otherwise(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    store.write(Batch(values=hourly(sensor, 30)))

    assert retention.tidy(store, now=NOW) > 20 * 24
    assert retention.tidy(store, now=NOW) == 0
    assert len(store.window(sensor, *ALWAYS)[0]) == 30 * 24


def test_what_is_past_its_time_leaves_only_its_sums(store, door):
    sensor = store.add_series(door.id, "temperature", "number").id
    mode = store.add_series(door.id, "mode", "text").id
    store.write(Batch(values=hourly(sensor, 30)[:240]))
    store.write(Batch(texts=[(mode, to_ms(NOW - timedelta(days=9)), "old")]))
    store.write(Batch(texts=[(mode, to_ms(NOW), "new")]))
    with transaction():
        door.retention_days = 8

    retention.tidy(store, now=NOW)

    assert len(store.window(sensor, *ALWAYS)[0]) == 0
    assert store.chart(sensor, *(0, to_ms(NOW)), 100).count.sum() == 240
    assert [text for _, text in store.texts(mode, *ALWAYS, limit=10)] == ["new"]


def test_logs_are_kept_for_three_months_and_not_longer_than_readings(store, door):
    lines = [(door.id, to_ms(NOW - timedelta(days=days)), str(days)) for days in (100, 80, 9, 1)]
    store.write(Batch(logs=lines))

    retention.tidy(store, now=NOW)
    assert [line.text for line in store.logs(door.id)] == ["1", "9", "80"]
    with transaction():
        door.retention_days = 8
    retention.tidy(store, now=NOW)

    assert [line.text for line in store.logs(door.id)] == ["1"]
